//! What the host lends beside SQL: the log, progress, the one clock, randomness,
//! parameters.
//!
//! The log has macros that format: [`trace!`](crate::trace),
//! [`debug!`](crate::debug), [`info!`](crate::info), [`warn!`](crate::warn) and
//! [`error!`](crate::error).

pub use crate::bindings::host::Level;

use crate::Result;
use crate::sys;
use crate::types::TimestampTz;

/// Writes a message to the run's log.
///
/// Messages count against the operator's limit (1 MiB unless set otherwise);
/// what goes beyond it is dropped.
pub fn log(level: Level, message: &str) {
    sys::log(level, message);
}

/// Reports work done and, if it is known, work expected, both in a unit of the
/// migration's choice (usually rows).
pub fn progress(done: u64, total: Option<u64>) {
    sys::progress(done, total);
}

/// The time at which the transaction began: PostgreSQL's `now()`.
///
/// It is the only clock there is, and it stands still for the whole call.
pub fn transaction_time() -> TimestampTz {
    TimestampTz(sys::transaction_time())
}

/// Cryptographically secure random bytes, at most 65,536 a call.
///
/// # Errors
///
/// Fails with `denied` unless the revision's manifest grants `random`.
pub fn random_bytes(len: u32) -> Result<Vec<u8>> {
    Ok(sys::random_bytes(len)?)
}

/// One parameter as text: a string as it is, any other value as its JSON text.
///
/// `#[derive(Params)]` reads all of them into a struct; this is for code that
/// must stay small.
pub fn param(name: &str) -> Option<String> {
    sys::param(name)
}

/// All parameters as one JSON object, with the defaults filled in.
pub fn params() -> String {
    sys::params()
}
