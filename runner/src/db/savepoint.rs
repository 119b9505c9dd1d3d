//! Savepoints of the host's own.

use super::name::random_name;

/// A savepoint's name, random so that no statement of a migration can mean it by
/// accident, and the statements about it. See PostgreSQL's manual, SAVEPOINT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavepointName(String);

impl SavepointName {
    /// A new one.
    pub fn random() -> Self {
        Self(random_name())
    }

    /// Sets it.
    pub fn set(&self) -> String {
        format!("SAVEPOINT {}", self.0)
    }

    /// Undoes what was done since. The savepoint stays.
    pub fn roll_back(&self) -> String {
        format!("ROLLBACK TO SAVEPOINT {}", self.0)
    }

    /// Forgets it, and keeps what was done since.
    pub fn release(&self) -> String {
        format!("RELEASE SAVEPOINT {}", self.0)
    }
}
