//! What happens during a run, for whoever shows it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::db::Activity;
use crate::revision::{Direction, RevisionId};
use crate::source::Isolation;

/// A duration as events, logs and the ledger have it, in milliseconds.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Hears the events of a run. Called from the middle of the work: it must not
/// block.
pub type Reporter = Arc<dyn Fn(Event) + Send + Sync>;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The plan is made.
    Planned {
        /// Which way.
        direction: Direction,
        /// How many steps it has.
        steps: usize,
    },
    /// What confines the steps of the run besides the rules for their
    /// statements.
    Isolation {
        /// Which isolation.
        isolation: Isolation,
        /// The login of the migrations, where they have one of their own.
        #[serde(skip_serializing_if = "Option::is_none")]
        login: Option<String>,
        /// The role whose rights they have then.
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<String>,
    },
    /// The server takes no login yet, and is waited for. Told at once, and then
    /// every ten seconds.
    WaitingForServer {
        /// Where it should be.
        location: String,
        /// What stands in the way.
        reason: String,
    },
    /// Another runner holds the lock. Comes at once, and again every ten seconds.
    WaitingForLock {
        /// Who; none if it has just let it go.
        holder: Option<Activity>,
        /// How long we have waited, in milliseconds.
        waited_ms: u64,
        /// How long we go on waiting at most, in milliseconds.
        left_ms: u64,
    },
    /// While we came by the lock another runner has been at work.
    ChangedMeanwhile {
        /// What it has applied.
        applied: Vec<RevisionId>,
        /// What it has taken back.
        reverted: Vec<RevisionId>,
    },
    /// The backup that the run begins with is being made.
    BackupStarted {
        /// The file that it will be.
        file: PathBuf,
    },
    /// The backup is there.
    BackupFinished {
        /// The file.
        file: PathBuf,
        /// Its size, in bytes.
        bytes: u64,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// A component is not built from the sources as they are; it is built now.
    Building {
        /// The revisions whose component is built.
        revisions: Vec<RevisionId>,
    },
    /// A step begins.
    StepStarted {
        /// The revision.
        revision: RevisionId,
        /// Which way.
        direction: Direction,
        /// Its message.
        message: String,
        /// The step's number, from 1.
        number: usize,
        /// How many steps there are.
        total: usize,
    },
    /// The migration says something. Guest-controlled.
    Log {
        /// The revision.
        revision: RevisionId,
        /// How much it matters: `trace`, `debug`, `info`, `warn`, `error`.
        level: &'static str,
        /// What it says.
        message: String,
    },
    /// Something about a step that whoever runs it should know.
    Warning {
        /// The revision.
        revision: RevisionId,
        /// What it is.
        message: String,
    },
    /// How far a migration is: as it says itself, which is guest-controlled, or
    /// as the host counts its rows.
    Progress {
        /// The revision.
        revision: RevisionId,
        /// What is being done, as `reading`, where the host counts; then the
        /// unit is rows. It may name a table, which is guest-controlled.
        #[serde(skip_serializing_if = "Option::is_none")]
        what: Option<String>,
        /// Work done.
        done: u64,
        /// Work expected, never less than what is done where the host counts.
        total: Option<u64>,
        /// Whether `total` is the server's estimate.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        estimated: bool,
    },
    /// A step's statement waits for a lock that others have, or are waiting for
    /// before it. Comes when it is found out, and again when it is others.
    Blocked {
        /// The revision.
        revision: RevisionId,
        /// Who.
        by: Vec<Activity>,
    },
    /// A step met another session and is run again from the beginning.
    StepRetried {
        /// The revision.
        revision: RevisionId,
        /// Which attempt comes next, from 2.
        attempt: u32,
        /// How many attempts there are at most.
        attempts: u32,
        /// What stood in the way, as the server says.
        reason: String,
        /// What kind of error that is: 55P03 (lock time-out), 40P01 (deadlock)
        /// or 40001 (serialisation failure).
        sqlstate: String,
        /// Who stood in the way, if that was seen.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        blocked_by: Vec<Activity>,
        /// The pause before it, in milliseconds.
        pause_ms: u64,
    },
    /// A step without a transaction goes on where an earlier attempt stopped.
    StepResumed {
        /// The revision.
        revision: RevisionId,
        /// Which way.
        direction: Direction,
        /// How many of its statements are done.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// A statement of a step without a transaction is done, and stays done.
    StatementFinished {
        /// The revision.
        revision: RevisionId,
        /// Which way.
        direction: Direction,
        /// The statement's number, from 1.
        number: usize,
        /// How many there are.
        total: usize,
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// How many rows it touched.
        rows: u64,
    },
    /// A step is done.
    StepFinished {
        /// The revision.
        revision: RevisionId,
        /// Which way.
        direction: Direction,
        /// Its message.
        message: String,
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// How many statements it ran.
        statements: u64,
        /// How many rows they touched.
        rows: u64,
        /// How often it was run again from the beginning before that.
        retries: u32,
        /// Whether it is committed: not yet, where the whole run is one
        /// transaction and this is not its last step.
        committed: bool,
    },
    /// A step failed and is rolled back.
    StepFailed {
        /// The revision.
        revision: RevisionId,
        /// Which way.
        direction: Direction,
        /// What went wrong.
        error: String,
        /// How long it took, all attempts together, in milliseconds.
        duration_ms: u64,
    },
}
