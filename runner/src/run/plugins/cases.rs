//! The cases of a plugin: what it does to a database, compared with SQL that does
//! the same by hand.
//!
//! Each case has two databases of its own on the server, which are dropped at its
//! end. In one of them is what `before.sql` makes and `after.sql` makes of it; in
//! the other the plugin runs, up and down.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::db::{Connection, Location, connect, quote_identifier};
use crate::graph::Target;
use crate::host::Host;
use crate::revision::{
    Capabilities, Digest, Direction, Kind, Manifest, ManifestError, PluginName, RevisionId,
};
use crate::run::error::with_causes;
use crate::run::migrator::APPLICATION_NAME;
use crate::run::{Failed, Migrator, Options, Reporter, RunError};
use crate::source::{Artifact, Found, Project};

use super::PluginManager;
use super::snapshot::Snapshot;

/// How often a scratch database is tried to be dropped, and the pause between.
const DROP_TRIES: u32 = 100;
const DROP_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
/// `insufficient_privilege`.
const NOT_PERMITTED: &str = "42501";

/// The file that makes a folder a case.
const CASE_FILE: &str = "case.toml";

/// Runs the cases of a plugin.
pub struct Cases<'a> {
    manager: &'a PluginManager,
    location: Location,
    reporter: Reporter,
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

/// A case as it is on disk.
struct Case {
    name: String,
    dir: PathBuf,
    text: String,
    settings: Settings,
    before: String,
    /// None where the upgrade is to fail.
    after: Option<String>,
}

/// `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    description: String,
    #[serde(default)]
    irreversible: bool,
    error: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    capabilities: Option<Capabilities>,
    /// For some tables: the query whose rows are compared after the upgrade in
    /// place of the table's own, where values are random.
    #[serde(default)]
    rows: BTreeMap<String, String>,
}

/// A database for one case. It is dropped by [`Scratch::drop_now`].
struct Scratch {
    name: String,
    location: Location,
}

impl<'a> Cases<'a> {
    /// Runs them on the server of `location`, whose login must be allowed to make
    /// databases. `reporter` hears what the plugin says.
    pub fn new(manager: &'a PluginManager, location: Location, reporter: Reporter) -> Self {
        Self { manager, location, reporter }
    }

    /// Runs the cases of the crate in a folder, in the order of their names; all of
    /// them, or those whose name holds `filter`.
    pub async fn run(
        &self,
        name: &PluginName,
        dir: &Path,
        filter: Option<&str>,
    ) -> Result<Vec<CaseOutcome>, RunError> {
        let cases = read_cases(&dir.join("cases"))?;
        let chosen = cases.into_iter().filter(|case| filter.is_none_or(|filter| case.name.contains(filter)));
        let (_, artifact) = self.manager.of_crate(name, dir).await?;
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
        let by_hand = self.scratch().await?;
        let by_plugin = match self.scratch().await {
            Ok(by_plugin) => by_plugin,
            Err(error) => {
                self.drop_now(&by_hand).await?;
                return Err(error);
            }
        };
        let scratch = [by_hand, by_plugin];
        let result = self.compare(name, artifact, case, &scratch).await;
        for database in &scratch {
            self.drop_now(database).await?;
        }
        match result {
            Ok(()) => Ok(None),
            Err(Stopped::Case(failure)) => Ok(Some(failure)),
            Err(Stopped::Run(error)) => Err(*error),
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
        let mut project = Project::of_one(case.dir.clone(), case.found(name), artifact.clone());
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

    async fn scratch(&self) -> Result<Scratch, RunError> {
        let name = format!("runner_case_{:016x}", rand::random::<u64>());
        let location = self.location.in_database(&name).ok_or(RunError::CaseNeedsServer)?;
        let connection = connect(&self.location, APPLICATION_NAME).await?;
        let create = format!("CREATE DATABASE {} TEMPLATE template0", quote_identifier(&name));
        let created = connection.session().lock().await.batch(&create).await;
        connection.close().await;
        created.map_err(|error| RunError::CaseDatabase { source: error })?;
        Ok(Scratch { name, location })
    }

    async fn drop_now(&self, scratch: &Scratch) -> Result<(), RunError> {
        let connection = connect(&self.location, APPLICATION_NAME).await?;
        let drop = format!("DROP DATABASE {} WITH (FORCE)", quote_identifier(&scratch.name));
        let mut tries = DROP_TRIES;
        let dropped = loop {
            let dropped = connection.session().lock().await.batch(&drop).await;
            tries -= 1;
            match dropped {
                // An autovacuum worker is at it, which only a superuser may end.
                Err(error) if error.sqlstate() == Some(NOT_PERMITTED) && tries > 0 => {
                    tokio::time::sleep(DROP_PAUSE).await;
                }
                dropped => break dropped,
            }
        };
        connection.close().await;
        dropped.map(|_| ()).map_err(|error| RunError::CaseDatabase { source: error })
    }

    async fn script(&self, scratch: &Scratch, file: &'static str, sql: &str) -> Result<(), Stopped> {
        let connection = self.connect(scratch).await?;
        let done = connection.session().lock().await.batch(sql).await;
        connection.close().await;
        done.map(|_| ()).map_err(|error| CaseFailure::Script { file, error: with_causes(&error) }.into())
    }

    async fn snapshot(
        &self,
        scratch: &Scratch,
        rows: &BTreeMap<String, String>,
    ) -> Result<Snapshot, Stopped> {
        let connection = self.connect(scratch).await?;
        let ledger = crate::source::LedgerConfig::default().schema;
        let taken = Snapshot::take(&mut *connection.session().lock().await, &ledger, rows).await;
        connection.close().await;
        taken.map_err(|error| Stopped::Run(Box::new(RunError::CaseDatabase { source: error })))
    }

    async fn connect(&self, scratch: &Scratch) -> Result<Connection, Stopped> {
        let connected = connect(&scratch.location, APPLICATION_NAME).await;
        connected.map_err(|error| Stopped::Run(Box::new(error.into())))
    }
}

impl Case {
    /// The case as a revision that the plugin runs.
    fn found(&self, name: &PluginName) -> Found {
        let manifest = Manifest {
            since: None,
            revision: RevisionId::new("case").expect("it is an id"),
            parents: Vec::new(),
            message: self.settings.description.clone(),
            labels: Vec::new(),
            depends_on: Vec::new(),
            kind: Kind::Plugin,
            plugin: Some(name.clone().into()),
            transaction: crate::revision::TransactionMode::default(),
            created: None,
            imported: None,
            params: self.settings.params.clone(),
            capabilities: self.settings.capabilities.clone(),
        };
        let source_digest = Digest::of(self.text.as_bytes());
        let text = self.text.as_str().into();
        Found { dir: self.dir.clone(), manifest, source_digest, scripts: None, text }
    }
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
        Err(error) => Err(Stopped::Run(Box::new(error))),
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

fn read_cases(dir: &Path) -> Result<Vec<Case>, RunError> {
    let unreadable =
        |error: std::io::Error| RunError::Case { path: dir.to_owned(), reason: error.to_string() };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        let reason = "it has no cases; each is a folder with case.toml, before.sql and after.sql".into();
        return Err(RunError::Case { path: dir.to_owned(), reason });
    }
    folders.iter().map(|folder| read_case(folder)).collect()
}

fn read_case(dir: &Path) -> Result<Case, RunError> {
    let read = |name: &str| {
        let path = dir.join(name);
        std::fs::read_to_string(&path).map_err(|error| RunError::Case { path, reason: error.to_string() })
    };
    let text = read(CASE_FILE)?;
    let file = dir.join(CASE_FILE);
    let settings: Settings = toml::from_str(&text).map_err(|error| {
        let ManifestError { place, message, .. } = ManifestError::from_toml(&file, &text, &error);
        RunError::Case { path: PathBuf::from(place.to_string()), reason: message }
    })?;
    let after = match settings.error {
        Some(_) => None,
        None => Some(read("after.sql")?),
    };
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Case { name, dir: dir.to_owned(), before: read("before.sql")?, after, text, settings })
}
