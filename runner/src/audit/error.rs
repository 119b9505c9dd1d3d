//! Why an audit came to no result.

use crate::db::DbError;

/// Why an audit came to no result. The step must not be committed then.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The server counts no rows: it cannot be seen which tables were written.
    #[error("the server does not count the rows that a transaction writes (`track_counts` is off)")]
    NotCounting,
    /// The server rejected a question of the audit, or the connection is gone.
    #[error("the effects of the step cannot be read")]
    Db(#[from] DbError),
    /// The server's answer is not one that we can read.
    #[error("the server's answer to the audit cannot be read: {0}")]
    Answer(String),
}
