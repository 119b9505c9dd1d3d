//! What the program's exit codes mean.

use std::process::ExitCode;

/// How the program ended. The numbers are documented, and never change their
/// meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or there was nothing to do.
    Done = 0,
    /// Something is wrong with the project, the database or the surroundings;
    /// nothing was changed.
    Error = 1,
    /// The command line is wrong. (clap uses the same number.)
    Usage = 2,
    /// Revisions on disk are not applied; only where this was asked.
    Pending = 3,
    /// Applied revisions were edited, or are not on disk.
    Drift = 4,
    /// A migration failed; its step is rolled back.
    MigrationFailed = 5,
    /// Another runner held the lock for too long.
    Locked = 6,
    /// Nobody answers where the database should be, or the server takes no login
    /// now: trying again later may help.
    Unreachable = 7,
    /// A bug of the runner.
    Internal = 70,
    /// Ctrl-C (SIGINT); the step that was running is rolled back.
    Interrupted = 130,
    /// SIGTERM; the step that was running is rolled back.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
