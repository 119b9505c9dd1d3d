//! The parameters.

use serde::Deserialize;

use crate::bindings::runner::migration::host;

/// What to do.
#[derive(Deserialize)]
pub struct Params {
    /// The statements, each run by itself.
    pub statements: Vec<String>,
    /// The data of statements `COPY … FROM STDIN`; without it they are sent as
    /// any other statement.
    #[serde(default)]
    pub copy_data: Option<String>,
    /// What happens after the last statement.
    #[serde(default)]
    pub ending: Ending,
}

/// What happens after the last statement.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// The guest is content.
    #[default]
    Commit,
    /// The guest fails, and the host rolls the step back.
    Rollback,
    /// A savepoint that was set before the first statement is rolled back.
    Savepoint,
}

impl Params {
    /// Reads them from the host.
    pub fn load() -> Result<Self, String> {
        serde_json::from_str(&host::params()).map_err(|error| format!("the parameters: {error}"))
    }
}
