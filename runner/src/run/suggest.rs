//! Finding out what a revision needs to be allowed: it is run in a transaction
//! that is rolled back, and what it does is noted instead of refused.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::audit::{self, Effect};
use crate::db::{Connection, DbError, PostgresSession};
use crate::graph::Target;
use crate::ledger::LedgerError;
use crate::plan::Step;
use crate::revision::{Capabilities, Direction, RevisionId};

use super::error::with_causes;
use super::migrator::make_plan;
use super::prepare::{Prepared, Preparer};
use super::rules::Rules;
use super::settings::SETTLE;
use super::step::TRANSACTION_TIME;
use super::{Failed, Migrator, Options, PrepareError, RunError, State, StepError};

/// What a revision used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Suggestion {
    /// The revision.
    pub revision: RevisionId,
    /// The least that its manifest has to grant, for what it did in both
    /// directions.
    pub used: Capabilities,
    /// What its manifest grants now; none if it has no `[capabilities]`.
    pub granted: Option<Capabilities>,
    /// Whether the way down was tried as well: not where it cannot be taken
    /// back.
    pub downgrade: bool,
    /// Why the way down failed, if it did: then only the way up is in `used`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downgrade_error: Option<String>,
    /// What it did, in words, and no grant would allow.
    pub refused: Vec<String>,
}

impl Migrator {
    /// Runs a pending revision, and the pending ones that it needs, in one
    /// transaction that is rolled back; the revision itself both ways. Returns
    /// what its manifest has to grant for that, and its folder.
    ///
    /// It takes no lock of the runner's and writes nothing. The statements take
    /// their own locks until the end.
    pub async fn suggest(
        &self,
        target: &Target,
        options: Options,
    ) -> Result<(Suggestion, PathBuf), RunError> {
        let (connection, state) = self.connect_for(Direction::Upgrade).await?;
        let found = self.suggested(&connection, &state, target, &options).await;
        // The end of the session rolls back what an error left.
        self.close(connection).await;
        let suggestion = found?;
        let dir = state.on_disk.revisions[&suggestion.revision].dir.clone();
        Ok((suggestion, dir))
    }

    async fn suggested(
        &self,
        connection: &Connection,
        state: &State,
        target: &Target,
        options: &Options,
    ) -> Result<Suggestion, RunError> {
        let plan = make_plan(state, Direction::Upgrade, target)?;
        let Some(last) = plan.steps.last() else {
            return Err(RunError::NothingPending(target.clone()));
        };
        let session = connection.session();
        let rules = Rules::of(&self.project).on(&mut *session.lock().await).await;
        let rules = rules.map_err(LedgerError::from)?.recording();
        let up =
            self.prepare_by(rules.clone(), connection, state, Direction::Upgrade, &plan, options).await?;
        self.refuse_superuser(connection, &up).await?;
        let back = Step { direction: Direction::Downgrade, ..last.clone() };
        let mut preparer = Preparer::new(self.host(), &self.project)
            .with_rules(rules)
            .with_overrides(&options.params)
            .with_secrets(&self.secrets);
        let back = preparer.as_on_disk(&[back], &state.on_disk).await?;
        if let Some(whole) = up.iter().chain(&back).find(|prepared| prepared.statements.is_some()) {
            let revision = whole.step.revision.clone();
            return Err(RunError::Prepare { revision, source: Box::new(PrepareError::NotTriable) });
        }
        let trial = Trial { migrator: self, session, time: self.begin_trial(connection).await? };
        let mut found = Used::default();
        for (prepared, at) in up.iter().zip(0..) {
            found = trial.run(prepared, at > 0).await?;
        }
        let (down, downgrade_error) = match trial.run(&back[0], true).await {
            Ok(down) => (Some(down), None),
            Err(RunError::Step(failed)) if failed.error.is_irreversible() => (None, None),
            // What the way up needs was found out, and is worth telling.
            Err(RunError::Step(failed)) => (None, Some(with_causes(&failed.error))),
            Err(error) => return Err(error),
        };
        let downgrade = down.is_some();
        let Used { grants: mut used, mut refused } = found;
        if let Some(down) = down {
            used.add(&down.grants);
            refused.extend(down.refused);
        }
        let granted = back[0].manifest.capabilities.clone();
        // Secrets are given before anything runs: those that are granted were.
        used.secrets = granted.iter().flat_map(|granted| granted.secrets.clone()).collect();
        let revision = last.revision.clone();
        Ok(Suggestion { revision, used, granted, downgrade, downgrade_error, refused })
    }

    /// Begins the transaction, and returns its time in microseconds since
    /// 2000-01-01 00:00 UTC.
    async fn begin_trial(&self, connection: &Connection) -> Result<i64, RunError> {
        let sql = format!("{}BEGIN; SELECT {TRANSACTION_TIME}", self.settings.script());
        let rows = connection.session().lock().await.batch(&sql).await.map_err(LedgerError::from)?;
        let time = rows.last().and_then(|row| row.last()?.as_deref()?.parse().ok());
        time.ok_or_else(|| LedgerError::from(DbError::Value("the server gave no transaction".into())).into())
    }
}

/// One transaction that will be rolled back.
struct Trial<'a> {
    migrator: &'a Migrator,
    session: Arc<Mutex<PostgresSession>>,
    time: i64,
}

/// What a step used.
#[derive(Default)]
struct Used {
    grants: Capabilities,
    refused: Vec<String>,
}

impl Used {
    /// Adds what the step's statements did not say and its effects did.
    fn add(&mut self, effects: &[Effect]) {
        for effect in effects {
            let line = effect.allowed_by.as_deref();
            match line.and_then(|line| toml::from_str::<Capabilities>(line).ok()) {
                Some(grant) => self.grants.add(&grant),
                None => self.refused.push(effect.to_string()),
            }
        }
    }
}

impl Trial<'_> {
    /// Runs a step and returns what it used. `continues` says that others ran
    /// before it in the transaction.
    async fn run(&self, prepared: &Prepared, continues: bool) -> Result<Used, RunError> {
        let tried = self.attempt(prepared, continues).await;
        tried.map_err(|error| self.failed(prepared, error.hide(&prepared.redactor)))
    }

    async fn attempt(&self, prepared: &Prepared, continues: bool) -> Result<Used, StepError> {
        prepared.limit(&*self.session.lock().await, self.migrator.host().limits());
        let before = audit::before(&mut *self.session.lock().await, None, continues).await?;
        let call = prepared.call(self.session.clone(), Some(self.time), &self.migrator.reporter);
        let report = self.migrator.host().call(&prepared.component, call).await;
        report.result.map_err(|error| {
            let (statement, script) = (report.last_error, prepared.script.clone());
            StepError::Call { error, statement, script }
        })?;
        let mut session = self.session.lock().await;
        session.batch(SETTLE).await.map_err(StepError::Settle)?;
        let mut used = Used { grants: report.used, refused: Vec::new() };
        used.add(&audit::effects(&mut session, None, &before, &used.grants).await?);
        Ok(used)
    }

    fn failed(&self, prepared: &Prepared, error: StepError) -> RunError {
        RunError::Step(Box::new(Failed {
            revision: prepared.step.revision.clone(),
            direction: prepared.step.direction,
            error,
            done: Vec::new(),
            undone: Vec::new(),
            not_tried: Vec::new(),
            partly: None,
            backup: None,
            blocked_by: Vec::new(),
        }))
    }
}
