//! Talking to PostgreSQL: connecting, the one session, the lock, errors.
//!
//! The only place that names tokio-postgres. Knows nothing of revisions,
//! components or policy.

pub mod error;
#[cfg(test)]
pub(crate) mod fake;
pub mod session;

pub use error::{DbError, ServerError};
pub use session::{
    Column, CursorId, Kind, Parameter, Prepared, QueryResult, ResultLimit, Session, SharedSession, Tuples,
    Type,
};
