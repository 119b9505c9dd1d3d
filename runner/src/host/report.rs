//! What a call reports to the executor, without a word of wasmtime.

use std::fmt;
use std::time::Duration;

use super::error::CallError;
use crate::db::{DbError, ServerError};
use crate::policy::PolicyError;
use crate::revision::Capabilities;

/// What became of one call.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whether the migration did its work. Only after `Ok` may the executor
    /// commit.
    pub result: Result<(), CallError>,
    /// The last statement that failed, whatever the migration made of it.
    pub last_error: Option<Box<FailedStatement>>,
    /// What the call used.
    pub stats: Stats,
    /// The least that a manifest has to grant for the statements that succeeded.
    pub used: Capabilities,
}

/// What a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Statements sent to the server, COPY included; savepoints and fetches
    /// are not counted.
    pub statements: u64,
    /// Rows that statements touched, rows read, and rows written by COPY.
    pub rows: u64,
    /// Calls of the host.
    pub host_calls: u64,
    /// The time that the guest's own code took.
    pub guest_time: Duration,
    /// The most memory that the guest had, in bytes.
    pub peak_memory: u64,
}

/// A statement that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a statement failed")]
pub struct FailedStatement {
    /// The whole text as the guest gave it.
    pub text: String,
    /// Which statement of a script, and of how many; from 1.
    pub index: Option<(usize, usize)>,
    /// Why; a position in it counts from the beginning of `text` as well.
    #[source]
    pub error: StatementError,
    /// Where in `text`, in characters from 1.
    pub position: Option<u32>,
}

/// Why a statement failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The server rejected it, or is gone.
    #[error(transparent)]
    Database(#[from] DbError),
    /// It was not sent: the parser does not understand it, or no migration may
    /// send it.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The rows of a bulk change do not fit the table.
    #[error("{0}")]
    Bulk(String),
}

/// An error of the interface that a migration returned as its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestError {
    /// The server rejected a statement.
    Database(Box<ServerError>),
    /// A parameter or a result could not be converted.
    Conversion(String),
    /// A limit that the operator set was reached.
    Limit(String),
    /// The operation is not permitted to this migration.
    Denied(String),
    /// Anything else.
    Other {
        /// What kind, as in `closed`.
        kind: String,
        /// The message.
        message: String,
    },
}

impl fmt::Display for GuestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => write!(f, "{} ({})", error.message, error.sqlstate),
            Self::Conversion(message) | Self::Limit(message) | Self::Denied(message) => f.write_str(message),
            Self::Other { message, .. } => f.write_str(message),
        }
    }
}
