//! The cases of a plugin: what it does to a database, compared with SQL that does
//! the same by hand.
//!
//! Each case has two databases of its own on the server, which are dropped at its
//! end. In one of them is what `before.sql` makes and `after.sql` makes of it; in
//! the other the plugin runs, up and down.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::db::Location;
use crate::graph::Target;
use crate::host::Host;
use crate::revision::{Direction, PluginName};
use crate::run::error::with_causes;
use crate::run::{Failed, Migrator, Options, Reporter, RunError};
use crate::source::{Artifact, Project};

use super::PluginManager;
use super::case::{CASE_FILE, Case, read_cases};
use super::scratch::{Scratch, ScratchUse};
use super::snapshot::Snapshot;

/// Runs the cases of a plugin.
pub struct Cases<'a> {
    manager: &'a PluginManager,
    location: Location,
    reporter: Reporter,
    /// Whether somebody stopped it.
    stopped: watch::Sender<bool>,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseOutcome {
    /// The name of its folder.
    pub case: String,
    /// What it is about.
    pub description: String,
    /// What went wrong; none if it passed.
    pub failure: Option<CaseFailure>,
}

/// What went wrong with a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CaseFailure {
    /// A script of the case failed.
    #[error("{file} failed: {error}")]
    Script {
        /// The script.
        file: &'static str,
        /// What the server said.
        error: String,
    },
    /// `[rows]` names a table that is not there.
    #[error("`[rows]` in case.toml names {table}, and after.sql leaves no such table")]
    NoTable {
        /// The table.
        table: String,
    },
    /// The plugin failed.
    #[error("the {direction} failed: {error}")]
    Step {
        /// Which way.
        direction: Direction,
        /// What it said.
        error: String,
    },
    /// The plugin succeeded, and was to fail.
    #[error("the {direction} succeeded, and {expected} was expected")]
    Succeeded {
        /// Which way.
        direction: Direction,
        /// What was expected.
        expected: String,
    },
    /// The database is not what was expected.
    #[error("after the {direction} the database is not as {file} makes it\n{difference}")]
    Differs {
        /// Which way.
        direction: Direction,
        /// The script that says what was expected.
        file: &'static str,
        /// The lines that differ, as of `diff -u`.
        difference: String,
    },
}

impl<'a> Cases<'a> {
    /// Runs them on the server of `location`, whose login must be allowed to make
    /// databases. `reporter` hears what the plugin says.
    pub fn new(manager: &'a PluginManager, location: Location, reporter: Reporter) -> Self {
        Self { manager, location, reporter, stopped: watch::Sender::new(false) }
    }

    /// Stops [`run`](Self::run): it drops the databases that it has made, and ends
    /// with [`RunError::Interrupted`].
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Runs the cases of the crate in a folder, in the order of their names; all of
    /// them, or those whose name holds `filter`.
    pub async fn run(
        &self,
        name: &PluginName,
        dir: &Path,
        filter: Option<&str>,
    ) -> Result<Vec<CaseOutcome>, RunError> {
        let chosen = chosen(&dir.join("cases"), filter)?;
        let (_, artifact) = self.unless_stopped(self.manager.of_crate(name, dir)).await?;
        let mut outcomes = Vec::new();
        for case in chosen {
            let failure = self.run_case(name, &artifact, &case).await?;
            outcomes.push(CaseOutcome { case: case.name, description: case.settings.description, failure });
        }
        Ok(outcomes)
    }

    async fn run_case(
        &self,
        name: &PluginName,
        artifact: &Artifact,
        case: &Case,
    ) -> Result<Option<CaseFailure>, RunError> {
        let scratch = Scratch::pair(&self.location).await?;
        let compared = async {
            match self.compare(name, artifact, case, &scratch).await {
                Ok(()) => Ok(None),
                Err(Stopped::Case(failure)) => Ok(Some(failure)),
                Err(Stopped::Run(error)) => Err(*error),
            }
        };
        // What is dropped with it closes its connections.
        let result = self.unless_stopped(compared).await;
        let [first, second] = &scratch;
        let dropped = [first.drop_now(&self.location).await, second.drop_now(&self.location).await];
        dropped.into_iter().collect::<Result<(), RunError>>()?;
        result
    }

    /// Goes on with something until it is done or somebody stops it.
    async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            result = work => result,
            // The sender is a part of `self`, so it is there as long as this is.
            _ = stopped.wait_for(|stopped| *stopped) => Err(RunError::Interrupted),
        }
    }

    async fn compare(
        &self,
        name: &PluginName,
        artifact: &Artifact,
        case: &Case,
        [by_hand, by_plugin]: &[Scratch; 2],
    ) -> Result<(), Stopped> {
        let none = BTreeMap::new();
        self.script(by_hand, "before.sql", &case.before).await?;
        let before = self.snapshot(by_hand, &none).await?;
        self.script(by_plugin, "before.sql", &case.before).await?;
        let migrator = self.migrator(name, artifact, case, by_plugin);
        let up = go(&migrator, Direction::Upgrade).await?;
        let Some(after) = &case.after else {
            let wanted = case.settings.error.as_deref().unwrap_or_default();
            expect_error(Direction::Upgrade, wanted, up)?;
            let found = self.snapshot(by_plugin, &none).await?;
            return same(&found, &before, Direction::Upgrade, "before.sql");
        };
        up.map_err(|failed| step_failed(Direction::Upgrade, &failed))?;
        self.script(by_hand, "after.sql", after).await?;
        let expected = self.snapshot(by_hand, &case.settings.rows).await?;
        if let Some(table) = expected.lacks(case.settings.rows.keys()) {
            return Err(CaseFailure::NoTable { table: table.clone() }.into());
        }
        let found = self.snapshot(by_plugin, &case.settings.rows).await?;
        same(&found, &expected, Direction::Upgrade, "after.sql")?;
        match (go(&migrator, Direction::Downgrade).await?, case.settings.irreversible) {
            (Ok(()), true) => {
                let expected = "that it is irreversible".to_owned();
                Err(CaseFailure::Succeeded { direction: Direction::Downgrade, expected }.into())
            }
            (Err(failed), true) if failed.error.is_irreversible() => {
                let left = self.snapshot(by_plugin, &case.settings.rows).await?;
                same(&left, &expected, Direction::Downgrade, "after.sql")
            }
            (Err(failed), _) => Err(step_failed(Direction::Downgrade, &failed).into()),
            (Ok(()), false) => {
                let back = self.snapshot(by_plugin, &none).await?;
                same(&back, &before, Direction::Downgrade, "before.sql")
            }
        }
    }

    fn migrator(&self, name: &PluginName, artifact: &Artifact, case: &Case, scratch: &Scratch) -> Migrator {
        let mut project = Project::of_plugin(case.dir.clone(), case.revisions(name), artifact.clone());
        project.config.limits = self.manager.project().config.limits.clone();
        // Nothing but the case is in that database.
        project.config.sandbox.allow_superuser = true;
        let host: Host = self.manager.host().clone();
        Migrator::new(
            project,
            scratch.location.clone(),
            host,
            "plugin test".into(),
            Arc::clone(&self.reporter),
        )
    }

    async fn script(&self, scratch: &Scratch, file: &'static str, sql: &str) -> Result<(), Stopped> {
        let connection = scratch.connect().await?;
        let done = connection.session().lock().await.batch(sql).await;
        connection.close().await;
        done.map(|_| ()).map_err(|error| CaseFailure::Script { file, error: with_causes(&error) }.into())
    }

    async fn snapshot(
        &self,
        scratch: &Scratch,
        rows: &BTreeMap<String, String>,
    ) -> Result<Snapshot, Stopped> {
        let connection = scratch.connect().await?;
        let ledger = crate::source::LedgerConfig::default().schema;
        let taken = Snapshot::take(&mut *connection.session().lock().await, &ledger, rows).await;
        connection.close().await;
        Ok(taken.map_err(|error| scratch.error(ScratchUse::Read, error))?)
    }
}

/// The cases below a folder whose name holds `filter`; at least one.
fn chosen(dir: &Path, filter: Option<&str>) -> Result<Vec<Case>, RunError> {
    let cases = read_cases(dir)?;
    let Some(filter) = filter else { return Ok(cases) };
    let (chosen, others): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| case.name.contains(filter));
    if chosen.is_empty() {
        let names: Vec<&str> = others.iter().map(|case| case.name.as_str()).collect();
        let reason = format!("it has no case whose name holds `{filter}`; there are: {}", names.join(", "));
        return Err(RunError::Case { path: dir.to_owned(), reason });
    }
    Ok(chosen)
}

/// Why a case was not gone on with.
enum Stopped {
    /// It failed.
    Case(CaseFailure),
    /// Nothing can be said about it.
    Run(Box<RunError>),
}

impl From<CaseFailure> for Stopped {
    fn from(failure: CaseFailure) -> Self {
        Self::Case(failure)
    }
}

impl From<RunError> for Stopped {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

/// Runs the one revision; the inner error is the plugin's.
async fn go(migrator: &Migrator, direction: Direction) -> Result<Result<(), Box<Failed>>, Stopped> {
    let target = match direction {
        Direction::Upgrade => Target::heads(),
        Direction::Downgrade => Target::base(),
    };
    let options = Options { no_build: true, ..Options::default() };
    match migrator.go(direction, &target, options).await {
        Ok(_) => Ok(Ok(())),
        Err(RunError::Step(failed)) => Ok(Err(failed)),
        Err(error @ RunError::Prepare { .. }) => {
            // There is no migration.toml: its parts are in the case's own file.
            let error = with_causes(&error).replace("migration.toml", CASE_FILE);
            Err(CaseFailure::Step { direction, error }.into())
        }
        Err(error) => Err(error.into()),
    }
}

fn step_failed(direction: Direction, failed: &Failed) -> CaseFailure {
    CaseFailure::Step { direction, error: with_causes(&failed.error) }
}

fn expect_error(
    direction: Direction,
    wanted: &str,
    result: Result<(), Box<Failed>>,
) -> Result<(), CaseFailure> {
    match result {
        Ok(()) => Err(CaseFailure::Succeeded { direction, expected: format!("the error `{wanted}`") }),
        Err(failed) if with_causes(&failed.error).contains(wanted) => Ok(()),
        Err(failed) => Err(step_failed(direction, &failed)),
    }
}

fn same(
    found: &Snapshot,
    expected: &Snapshot,
    direction: Direction,
    file: &'static str,
) -> Result<(), Stopped> {
    match found.difference(expected) {
        None => Ok(()),
        Some(difference) => Err(CaseFailure::Differs { direction, file, difference }.into()),
    }
}
