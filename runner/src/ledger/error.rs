//! What can go wrong with the ledger.

use crate::db::{DbError, ServerError};
use crate::revision::{Digest, RevisionId};

use super::CURRENT_VERSION;

/// Why the ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A newer runner made it.
    #[error(
        "the ledger in schema `{schema}` has version {found}; this runner knows versions up to {CURRENT_VERSION}"
    )]
    Newer {
        /// The ledger's schema.
        schema: String,
        /// Its version.
        found: i64,
    },
    /// The schema exists, and is not ours.
    #[error("schema `{schema}` exists and is no ledger of runner")]
    NotALedger {
        /// The schema.
        schema: String,
    },
    /// The login may not create it.
    #[error("this login may not create the ledger in schema `{schema}`")]
    NotPermitted {
        /// The schema.
        schema: String,
        /// What the server says.
        source: Box<ServerError>,
    },
    /// A row that no runner wrote.
    #[error("the ledger's row for `{revision}` cannot be read: {reason}")]
    Damaged {
        /// Which row.
        revision: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The component's bytes are gone or are other ones.
    #[error("the ledger has no sound copy of component {digest}: {reason}")]
    Component {
        /// Which component.
        digest: Digest,
        /// What is wrong.
        reason: String,
    },
    /// The lock is no longer ours: nothing was written.
    #[error("this session no longer holds the runner's lock")]
    LockLost,
    /// The revision is not applied.
    #[error("revision `{0}` is not in the ledger")]
    NotApplied(RevisionId),
    /// The ticket was not taken: the transaction writes nothing.
    #[error("the ledger did not take the ticket for `{0}`: its transaction, session or time is another one")]
    TicketRefused(RevisionId),
    /// There is no table of Alembic's.
    #[error("there is no table {table} in this database")]
    NoVersionTable {
        /// The table, as SQL spells it.
        table: String,
    },
    /// The server refused, or is gone.
    #[error("the ledger cannot be used")]
    Database(#[from] DbError),
}
