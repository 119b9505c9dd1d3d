//! What tokio-postgres hides: the transaction's status, the command tags and
//! the parameters that the server reports, read from the frames as they pass;
//! and the limits that end a connection which does not keep them.
//!
//! The guard sits on the decrypted stream, between TLS and the driver. It reads
//! headers, and the bodies of four kinds of frames that are short; rows are
//! counted and never copied. See PostgreSQL's manual, "Message Formats".
//!
//! Knows nothing of statements: who asked for what is the session's business.

mod error;
mod frames;
mod guard;
mod notices;
mod state;
#[cfg(test)]
mod tests;
mod track;
mod traffic;

pub use error::WireError;
pub use state::{Observed, TransactionStatus};
pub use traffic::Traffic;

pub(super) use guard::{Guard, Guarded};
pub(super) use notices::Admitted;
pub(super) use state::{Subject, Wire};
