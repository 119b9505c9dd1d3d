//! Why a run did not reach its target.

use std::path::PathBuf;
use std::time::Duration;

use crate::audit::{AuditError, Effect};
use crate::db::{Activity, ConnectError, DbError, LockError, PoolerError};
use crate::graph::{Bound, GraphError, Target};
use crate::host::{CallError, FailedStatement, LoadError};
use crate::ledger::{LedgerError, Partly};
use crate::plan::{Drift, PlanError};
use crate::policy::PolicyError;
use crate::revision::{CapabilityError, Direction, PluginName, Redactor, RevisionId, SecretRef};
use crate::sandbox::SandboxError;
use crate::source::{ArtifactError, BuildError, BundleError, ConfigError, PluginError, ScanErrors};

use super::{Backup, BackupError, NotCurrent, ResumeError, ScratchUse};

/// Why a run, or a question about the state, failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folders of the revisions are wrong.
    #[error("the revisions cannot be read")]
    Scan(ScanErrors),
    /// The graph of the revisions is wrong.
    #[error("the revisions do not fit together")]
    Graph(Vec<GraphError>),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The target leads nowhere.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Alembic's table names revisions that are not on disk.
    #[error("{table} names what is not on disk: {}", unknown.join(", "))]
    NotImported {
        /// The table.
        table: String,
        /// The ids.
        unknown: Vec<String>,
    },
    /// The ledger is further than Alembic's table.
    #[error("the ledger is ahead of {table}: {} would no longer be applied", id_list(ahead))]
    AheadOfAlembic {
        /// The table.
        table: String,
        /// The revisions whose rows would go.
        ahead: Vec<RevisionId>,
    },
    /// Applied revisions were edited, or are not on disk.
    #[error("{}", drift_text(.0))]
    Drift(Vec<Drift>),
    /// A crate does not compile.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A plugin cannot be used.
    #[error(transparent)]
    Plugin(Box<PluginError>),
    /// A revision asks for versions of a package that the database is past.
    #[error(
        "`{}` requires `{}` ({}), and the database has version {} of that package: `{}` is applied",
        .0.revision, .0.required.range, .0.required.place, .0.version, .0.other
    )]
    PastVersion(Box<Bound>),
    /// A plugin's component was refused.
    #[error("the component of plugin `{name}` ({origin}) is refused")]
    PluginLoad {
        /// The plugin.
        name: PluginName,
        /// Where the component is from.
        origin: String,
        /// Why.
        source: LoadError,
    },
    /// A plugin's component cannot say what it is.
    #[error("the component of plugin `{name}` cannot say what it is")]
    PluginDescribe {
        /// The plugin.
        name: PluginName,
        /// Why.
        source: Box<CallError>,
    },
    /// Revisions on disk need a plugin.
    #[error("plugin `{name}` runs {}", id_list(revisions))]
    PluginInUse {
        /// The plugin.
        name: PluginName,
        /// The revisions.
        revisions: Vec<RevisionId>,
    },
    /// The files of the project that name the plugins cannot be written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A case of a plugin cannot be read.
    #[error("{}: {reason}", path.display())]
    Case {
        /// The file or the folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The embedded server has one database only.
    #[error("the cases of a plugin need a server that can have several databases")]
    CaseNeedsServer,
    /// The database of a case cannot be made, read or dropped.
    #[error("the scratch database `{database}` cannot be {what}")]
    CaseDatabase {
        /// Its name.
        database: String,
        /// What was tried.
        what: ScratchUse,
        /// Why.
        source: DbError,
    },
    /// A revision of the plan cannot be run.
    #[error("revision `{revision}` cannot be run")]
    Prepare {
        /// The revision.
        revision: RevisionId,
        /// Why.
        source: Box<PrepareError>,
    },
    /// A parameter of the command line that no revision of the plan takes.
    #[error("no revision of the plan takes the parameter {}", quoted(.0))]
    UnknownParameter(Vec<String>),
    /// There is nothing to try out: the target is applied.
    #[error("nothing is pending up to `{0}`")]
    NothingPending(Target),
    /// The database is not at the heads of the project.
    #[error(transparent)]
    NotCurrent(#[from] NotCurrent),
    /// A revision cannot be written as a script.
    #[error("{direction} of `{revision}` cannot be written as a script")]
    Script {
        /// The revision.
        revision: RevisionId,
        /// Which way.
        direction: Direction,
        /// Why.
        error: CallError,
        /// The statement that went wrong, if one did.
        statement: Option<Box<FailedStatement>>,
        /// Where the revision's script is, if the statement is from one.
        script: Option<String>,
    },
    /// A script that takes revisions back must be told where it begins.
    #[error("a script that takes revisions back must be told where the database is")]
    NoStart,
    /// Steps without a transaction were to run in one.
    #[error(
        "{} cannot run in a transaction (`transaction = \"none\"`), so `--single-transaction` cannot be",
        id_list(.0)
    )]
    OutsideTransaction(Vec<RevisionId>),
    /// A revision is applied, or taken back, in part, and has to be finished
    /// first.
    #[error("{partly}, and {} of `{step}` has to wait for it", wanted)]
    Partly {
        /// What is in part.
        partly: Partly,
        /// What was wanted.
        wanted: Direction,
        /// The first revision of it.
        step: RevisionId,
    },
    /// There is no backup to begin with.
    #[error("no backup was made, so nothing was changed")]
    Backup(#[from] BackupError),
    /// A bundle cannot be made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The server takes no writes.
    #[error("{0}; nothing was changed")]
    ReadOnly(ReadOnly),
    /// Another runner holds the lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Behind a pool that shares sessions no lock holds.
    #[error(transparent)]
    Pooler(#[from] PoolerError),
    /// The run was told to stop, and no step was running.
    #[error("the run was told to stop")]
    Interrupted,
    /// The migrations cannot be confined as runner.toml says.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A step failed.
    #[error("{} of `{}` failed", .0.direction, .0.revision)]
    Step(Box<Failed>),
}

impl RunError {
    /// With the backup that the run began with, where a step failed.
    pub(super) fn after(mut self, backup: Option<Backup>) -> Self {
        if let Self::Step(failed) = &mut self {
            failed.backup = backup;
        }
        self
    }
}

/// Why a server takes no writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadOnly {
    /// It follows another server.
    #[error("the server is a standby, which takes no writes")]
    Standby,
    /// `default_transaction_read_only` is on.
    #[error("transactions on this server are read-only (default_transaction_read_only is on)")]
    Setting,
}

impl From<PluginError> for RunError {
    fn from(error: PluginError) -> Self {
        Self::Plugin(Box::new(error))
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn id_list(ids: &[RevisionId]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

fn list(items: &[impl std::fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn drift_text(drift: &[Drift]) -> String {
    drift.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why a revision cannot be run; found before the first statement.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Its component was refused.
    #[error("its component ({origin}) is refused")]
    Load {
        /// Where the component is from.
        origin: String,
        /// The plugin whose it is, if it is one's.
        plugin: Option<PluginName>,
        /// Why.
        source: LoadError,
    },
    /// Its component cannot say what it is.
    #[error(transparent)]
    Describe(#[from] CallError),
    /// Its component's file cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// Its plugin cannot be used.
    #[error("the plugin that {place} names cannot be used")]
    Plugin {
        /// Where its manifest names the plugin.
        place: String,
        /// Why.
        source: Box<PluginError>,
    },
    /// Its component is not built, and building was not wanted.
    #[error("its component is not built from the sources as they are")]
    NotBuilt,
    /// It was imported, and there is nothing to run.
    #[error(
        "it was imported from {file} without its SQL: it can be stamped, and not be run{}",
        reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
    )]
    Imported {
        /// The revision.
        revision: RevisionId,
        /// The other tool's file.
        file: String,
        /// Why there is no SQL.
        reason: Option<String>,
    },
    /// It was stamped, and has no code that could take it back.
    #[error("it was stamped, and the ledger has no component that could take it back")]
    NoComponent,
    /// The parameters do not fit.
    #[error("its parameters do not fit: {}", reasons.join("; "))]
    Params {
        /// What does not fit, each with its place in the manifest.
        reasons: Vec<String>,
    },
    /// Its script holds what may not be sent.
    #[error("{error}")]
    Script {
        /// The script's file.
        file: PathBuf,
        /// What it holds.
        text: String,
        /// What is wrong with it.
        error: PolicyError,
    },
    /// It cannot go on where it stopped.
    #[error("{error}")]
    Resume {
        /// The script's file.
        file: PathBuf,
        /// What it holds.
        text: String,
        /// Why not.
        error: ResumeError,
    },
    /// It was begun statement by statement, and is to run in a transaction now.
    #[error("{0}, and its manifest no longer says `transaction = \"none\"`")]
    WasPartly(Partly),
    /// It has no transaction that could be rolled back.
    #[error("it cannot be tried out: what it does with `transaction = \"none\"` cannot be rolled back")]
    NotTriable,
    /// A statement of it cannot be taken apart.
    #[error("a statement of it cannot be read")]
    Statement(#[source] PolicyError),
    /// The component publishes a schema that is none.
    #[error("the component's schema of parameters is wrong: {0}")]
    Schema(String),
    /// The component asks for more than the manifest grants.
    #[error("it asks for what the manifest does not grant: {}", missing.join(", "))]
    Capabilities {
        /// What is missing, as `write: public.listings (why)`.
        missing: Vec<String>,
        /// The lines to add to `[capabilities]`.
        lines: Vec<String>,
    },
    /// A grant cannot be read, or reaches what is the runner's own.
    #[error("{place}: {wrong}")]
    Grant {
        /// Where the manifest says it.
        place: String,
        /// What is wrong.
        wrong: CapabilityError,
    },
    /// A secret that a parameter names is not there.
    #[error("{reference} cannot be used as a secret: {reason}")]
    Secret {
        /// Which.
        reference: SecretRef,
        /// Why.
        reason: String,
    },
    /// A script would show the secrets that the step is given.
    #[error("it is given a secret, which a script would show")]
    SecretInScript,
    /// The ledger has no component for it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// A step that failed, and what became of the others.
#[derive(Debug)]
pub struct Failed {
    /// The revision.
    pub revision: RevisionId,
    /// Which way.
    pub direction: Direction,
    /// Why.
    pub error: StepError,
    /// The steps before it that are committed.
    pub done: Vec<RevisionId>,
    /// The steps before it that were rolled back with it, where the whole run is
    /// one transaction.
    pub undone: Vec<RevisionId>,
    /// The steps after it.
    pub not_tried: Vec<RevisionId>,
    /// Of a step without a transaction: how many of its statements are done, and
    /// how many there are.
    pub partly: Option<(usize, usize)>,
    /// The backup that the run began with.
    pub backup: Option<Backup>,
    /// Who was in its way, where that is why it failed.
    pub blocked_by: Vec<Activity>,
}

/// Why a step failed. It is rolled back unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The transaction could not be begun.
    #[error("the transaction could not be begun")]
    Begin(#[source] DbError),
    /// The ledger changed since the plan was made, in spite of the lock.
    #[error("the ledger changed since the plan was made: {0}")]
    Precondition(&'static str),
    /// The lock is no longer ours.
    #[error("this session no longer holds the runner's lock")]
    LockLost,
    /// The component failed.
    #[error("{error}")]
    Call {
        /// What it reported.
        error: CallError,
        /// The statement that went wrong, if one did.
        statement: Option<Box<FailedStatement>>,
        /// Where the revision's script is, if the statement is from one.
        script: Option<String>,
    },
    /// A statement of a step without a transaction failed. Those before it stay
    /// done.
    #[error("a statement failed")]
    Statement {
        /// The statement.
        #[source]
        statement: Box<FailedStatement>,
        /// Where the revision's script is.
        script: Option<String>,
    },
    /// A step without a transaction cannot go on where it stopped.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// Another session builds the index that a statement is to build.
    #[error("the index {index} is being built by another session (process {process})")]
    BeingBuilt {
        /// The index, as SQL spells it.
        index: String,
        /// The other session's process.
        process: String,
    },
    /// An invalid index that an earlier attempt left cannot be dropped.
    #[error("the invalid index {index}, which an attempt that failed has left, could not be dropped")]
    Invalid {
        /// The index, as SQL spells it.
        index: String,
        /// Why.
        #[source]
        source: DbError,
    },
    /// The step took too long.
    #[error("the step took longer than {0:?}")]
    Timeout(Duration),
    /// A deferred constraint is violated, or the connection is gone.
    #[error("the work is done, and the transaction cannot be committed")]
    Settle(#[source] DbError),
    /// The migration ended the transaction by some trick: what it did before
    /// is not rolled back.
    #[error("the migration left the runner's transaction; what it had done until then may be committed")]
    LeftTransaction,
    /// It did what its manifest does not grant.
    #[error("it did what its manifest does not grant: {}", list(.0))]
    Effects(Vec<Effect>),
    /// What it did cannot be found out.
    #[error(transparent)]
    Audit(AuditError),
    /// The ledger could not be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The guest was not let in, or is somebody else now.
    #[error("the migration has no session of its own")]
    Guest(#[source] SandboxError),
    /// The program was told to stop, and the migration did not.
    #[error("the run was told to stop")]
    Interrupted,
    /// The server refused to commit, and rolled back.
    #[error("the server did not commit the transaction")]
    Commit(#[source] DbError),
    /// The server answered COMMIT with success, and rolled back.
    #[error("the transaction was not committed: the server says {0}")]
    NotCommitted(String),
    /// The answer to COMMIT was lost, and nobody could say what became of it.
    #[error("whether the transaction was committed is not known: {0}")]
    CommitUnknown(String),
}

impl StepError {
    /// The server's error, if it was the server that objected.
    pub fn database(&self) -> Option<&DbError> {
        use crate::host::StatementError;
        match self {
            Self::Begin(error)
            | Self::Settle(error)
            | Self::Commit(error)
            | Self::Ledger(LedgerError::Database(error))
            | Self::Audit(AuditError::Db(error))
            | Self::Invalid { source: error, .. }
            | Self::Guest(SandboxError::Database(error)) => Some(error),
            Self::Call { statement: Some(statement), .. } | Self::Statement { statement, .. } => {
                match &statement.error {
                    StatementError::Database(error) => Some(error),
                    StatementError::Policy(_) | StatementError::Bulk(_) => None,
                }
            }
            _ => None,
        }
    }

    /// Hides the secrets that the step was given. What its component reported
    /// has none any more.
    pub(super) fn hide(mut self, redactor: &Redactor) -> Self {
        match &mut self {
            Self::Begin(error)
            | Self::Settle(error)
            | Self::Commit(error)
            | Self::Ledger(LedgerError::Database(error))
            | Self::Audit(AuditError::Db(error))
            | Self::Invalid { source: error, .. }
            | Self::Guest(SandboxError::Database(error)) => error.hide(redactor),
            Self::NotCommitted(text) | Self::CommitUnknown(text) | Self::Audit(AuditError::Answer(text)) => {
                redactor.hide_in(text)
            }
            Self::Effects(effects) => effects.iter_mut().for_each(|effect| effect.hide(redactor)),
            // A script of kind `sql` is given no secrets.
            Self::Call { .. }
            | Self::Statement { .. }
            | Self::Resume(_)
            | Self::BeingBuilt { .. }
            | Self::Precondition(_)
            | Self::LockLost
            | Self::Timeout(_)
            | Self::LeftTransaction
            | Self::Audit(AuditError::NotCounting)
            | Self::Ledger(_)
            | Self::Guest(_)
            | Self::Interrupted => {}
        }
        self
    }

    /// Whether another session stood in the way, so that trying again may help:
    /// lock time-out, deadlock, serialisation failure. See PostgreSQL's manual,
    /// "Serialization Failure Handling".
    pub fn is_transient(&self) -> bool {
        self.database()
            .and_then(DbError::sqlstate)
            .is_some_and(|code| matches!(code, "55P03" | "40P01" | "40001"))
    }

    /// Whether the migration says that it cannot be taken back.
    pub fn is_irreversible(&self) -> bool {
        matches!(self, Self::Call { error: CallError::Irreversible { .. }, .. })
    }

    /// Whether the connection is gone.
    pub fn is_connection_lost(&self) -> bool {
        matches!(self, Self::Call { error: CallError::Connection { .. }, .. })
            || self.database().is_some_and(DbError::is_connection_lost)
    }
}

/// An error and its causes as one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = error.to_string();
        if !text.ends_with(&line) {
            text = format!("{text}: {line}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::ServerError;

    fn server(sqlstate: &str) -> DbError {
        let error = ServerError { sqlstate: sqlstate.into(), severity: "ERROR".into(), ..Default::default() };
        DbError::Server(Box::new(error))
    }

    #[test]
    fn a_serialisation_failure_at_commit_is_tried_again() {
        assert!(StepError::Commit(server("40001")).is_transient());
        assert!(!StepError::Commit(server("23503")).is_transient());
        assert!(!StepError::CommitUnknown("in progress".into()).is_transient(), "it may be committed");
    }
}
