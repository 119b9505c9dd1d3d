//! Scripts that psql runs with the same result as a run, without a database at
//! hand when they are written.
//!
//! The components run in the real host against a [`Recording`]; what only a
//! server could answer stops the script. What the script relies on, it checks
//! when it runs: where the ledger is, the types of values, the numbers of rows.
//! The same input gives the same script, byte for byte.

mod psql;
mod stamp;
mod statements;
mod step;
mod types;

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::db::{AdvisoryLock, Recorded, Recording};
use crate::graph::Target;
use crate::host::{Host, Stats};
use crate::ledger::{AtRunTime, Confinement, How, Ledger, Outcome};
use crate::plan::{Plan, Step};
use crate::policy;
use crate::revision::{Digest, Direction, Kind, RevisionId};
use crate::source::{BuildStop, Project};

use super::precondition::Precondition;
use super::prepare::{Prepared, Preparer};
use super::secrets::names_any;
use super::settings::SETTLE;
use super::{Migrator, OnDisk, Override, PrepareError, Reporter, RunError, Settings};

use psql::{TRANSACTION, check, check_one_row, comment};
use step::heading;

/// Who runs the program, for the ledger.
const ACTOR: &str = "psql";
/// The number of the run, which psql draws when the script begins.
const RUN: &str = ":'runner_run'";
/// How long the transaction has gone on, in milliseconds, as SQL.
const WHOLE_TRANSACTION: &str =
    "(extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.now()) * 1000)";
/// What a stamp leaves behind.
const NOTHING_RAN: AtRunTime<'static> =
    AtRunTime { run: RUN, transaction: TRANSACTION, duration_ms: "0", rows: "0" };

/// A project and a host for components, without a database.
pub struct Scripter {
    project: Project,
    host: Host,
    reporter: Reporter,
    settings: Settings,
    pub(super) ledger: Ledger,
    tag: Option<String>,
}

/// How a script is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptOptions {
    /// Crates that are not built yet are an error instead of being built.
    pub no_build: bool,
    /// Parameters that take the place of what the manifests say.
    pub params: Vec<Override>,
}

impl Scripter {
    /// Brings a project and a host together. `reporter` hears what the
    /// migrations say.
    pub fn new(project: Project, host: Host, reporter: Reporter) -> Self {
        let settings = Settings::new(&project.config.session);
        let ledger = Ledger::in_schema(&project.config.ledger.schema);
        Self { project, host, reporter, settings, ledger, tag: None }
    }

    /// Writes a tag into the journal beside everything that the script does.
    pub fn tagged(mut self, tag: Option<String>) -> Self {
        self.tag = tag;
        self
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// A script that makes the ledger's tables, or upgrades them.
    pub fn ensure_version(&self) -> String {
        self.whole("the ledger's tables", true, "")
    }

    /// A script that goes from one place to another. Without `from` it begins at
    /// the base, and makes the ledger's tables; `from` is needed to take
    /// revisions back.
    pub async fn go(
        &self,
        direction: Direction,
        from: Option<&Target>,
        to: &Target,
        options: &ScriptOptions,
    ) -> Result<String, RunError> {
        if direction == Direction::Downgrade && from.is_none() {
            return Err(RunError::NoStart);
        }
        let on_disk = Migrator::on_disk(&self.project)?;
        let plan = Migrator::plan_from(&on_disk, from.map_or(&[][..], std::slice::from_ref), direction, to)?;
        let prepared = self.prepare(&plan.steps, &on_disk, options).await?;
        let (mut steps, mut kept) = (String::new(), BTreeSet::new());
        for prepared in &prepared {
            steps += &self.step(prepared, &mut kept).await?;
        }
        Ok(self.whole(&title(direction, &plan), plan.heads.is_empty(), &steps))
    }

    async fn prepare(
        &self,
        steps: &[Step],
        on_disk: &OnDisk,
        options: &ScriptOptions,
    ) -> Result<Vec<Prepared>, RunError> {
        let mut preparer = self.preparer(steps, on_disk, options).await?;
        let prepared = preparer.as_on_disk(steps, on_disk).await?;
        preparer.check_overrides()?;
        Ok(prepared)
    }

    /// What prepares some steps, with their crates built.
    async fn preparer(
        &self,
        steps: &[Step],
        on_disk: &OnDisk,
        options: &ScriptOptions,
    ) -> Result<Preparer<'_>, RunError> {
        let preparer = Preparer::new(&self.host, &self.project).with_overrides(&options.params);
        if !options.no_build {
            preparer.build_missing(steps, on_disk, &self.reporter, &BuildStop::default()).await?;
        }
        Ok(preparer)
    }

    /// Everything around the steps: psql's settings, the lock, the ledger's
    /// tables where the script begins at the base.
    fn whole(&self, title: &str, with_tables: bool, steps: &str) -> String {
        let lock = AdvisoryLock::for_schema(self.ledger.schema_name());
        let mut script = comment(concat!("Written by runner ", env!("CARGO_PKG_VERSION"), ", for psql."));
        script += psql::SETTINGS;
        script += &self.settings.quiet_script();
        // From here on the text is read as UTF-8.
        script += &heading(title);
        if let Some(tag) = &self.tag {
            script += &comment(&format!("Tag: {tag}"));
        }
        script += "SELECT pg_catalog.substr(pg_catalog.md5(pg_catalog.random()::text || \
                   pg_catalog.clock_timestamp()::text), 1, 16) AS runner_run \\gset\n";
        script += &check(&lock.held_expression(), "another runner is at work");
        if with_tables {
            script += &heading("the ledger's tables");
            script += &self.ledger.tables_script();
        }
        script += &check(
            &self.ledger.version_expression(),
            "the ledger has another version than the script was written for",
        );
        script += steps;
        script +=
            &format!("\nSELECT pg_catalog.pg_advisory_unlock({}) AS runner_unlocked \\gset\n", lock.key());
        script
    }

    /// One step, from BEGIN to COMMIT.
    async fn step(&self, prepared: &Prepared, kept: &mut BTreeSet<Digest>) -> Result<String, RunError> {
        if names_any(&prepared.params) && prepared.manifest.kind != Kind::Sql {
            return Err(unwritable(prepared, PrepareError::SecretInScript));
        }
        if let Some(statements) = &prepared.statements {
            return self.statements(prepared, statements, kept);
        }
        let (recorded, stats) = self.record(prepared).await?;
        let Prepared { step: Step { revision, direction, .. }, manifest, .. } = prepared;
        let precondition = Precondition::of(self.ledger.schema_name(), *direction, manifest);
        let is_ready =
            check(&precondition.expression, &format!("{direction} of {revision}: {}", precondition.violated));
        let mut script = heading(&format!("{direction} {revision}: {}", manifest.message));
        script += &self.settings.quiet_script();
        script += "BEGIN;\n";
        script += psql::NOTE_TRANSACTION;
        script += &is_ready;
        if *direction == Direction::Downgrade {
            script += &check(
                &self.ledger.source_expression(revision, prepared.source_digest, &prepared.params),
                &format!("{direction} of {revision}: it was applied from other sources"),
            );
        }
        let work = step::Work::write(&recorded);
        script += &work.map_err(|error| unwritable(prepared, PrepareError::Statement(error)))?;
        script += &format!("{SETTLE}\n{is_ready}");
        script += &self.ledger_rows(prepared, stats, WHOLE_TRANSACTION, kept)?;
        script += "COMMIT;\n";
        Ok(script)
    }

    /// `duration_ms` is how long the step took, as SQL.
    fn ledger_rows(
        &self,
        prepared: &Prepared,
        stats: Stats,
        duration_ms: &str,
        kept: &mut BTreeSet<Digest>,
    ) -> Result<String, RunError> {
        let (direction, digest) = (prepared.step.direction, prepared.artifact.digest);
        let mut script = String::new();
        if direction == Direction::Upgrade && kept.insert(digest) {
            script += &self.ledger.component_script(digest, &prepared.artifact.bytes)?;
        }
        let outcome = Outcome {
            how: How::Done,
            // psql runs it, with whatever rights it has.
            confinement: Some(Confinement::Unrestricted),
            direction,
            manifest: &prepared.manifest,
            params: &prepared.params,
            source_digest: prepared.source_digest,
            component_digest: Some(digest),
            duration_ms: 0,
            statements: stats.statements,
            rows: 0,
        };
        let at = AtRunTime { run: RUN, transaction: TRANSACTION, duration_ms, rows: "(:runner_rows)" };
        script += &self.ledger.record_script(ACTOR, self.tag.as_deref(), &outcome, &at);
        Ok(script + &check_one_row("the migration left the transaction that the script began"))
    }

    /// Runs the component against a recording.
    async fn record(&self, prepared: &Prepared) -> Result<(Vec<Recorded>, Stats), RunError> {
        let recording = Arc::new(Mutex::new(Recording::new(policy::rows_touched)));
        let call = prepared.call(Arc::clone(&recording) as crate::db::SharedSession, None, &self.reporter);
        let report = self.host.call(&prepared.component, call).await;
        report.result.map_err(|error| RunError::Script {
            revision: prepared.step.revision.clone(),
            direction: prepared.step.direction,
            error,
            statement: report.last_error,
            script: prepared.script.clone(),
        })?;
        let recorded = recording.lock().await.take();
        Ok((recorded, report.stats))
    }
}

fn unwritable(prepared: &Prepared, source: PrepareError) -> RunError {
    RunError::Prepare { revision: prepared.step.revision.clone(), source: Box::new(source) }
}

fn title(direction: Direction, plan: &Plan) -> String {
    let place = |ids: &[RevisionId]| match ids {
        [] => "base".to_owned(),
        ids => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let end = plan.steps.last().map_or(&plan.heads, |step| &step.heads_after);
    format!("{direction} from {} to {}", place(&plan.heads), place(end))
}
