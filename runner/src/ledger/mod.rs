//! The ledger: which revisions are applied, from which bytes, and by whom.
//!
//! The only SQL that we own. Heads are never stored, they are derived: storing
//! only heads is where other tools' longest-lived bugs come from. Nothing here
//! begins or ends a transaction of a step, and reading writes nothing, not even
//! the ledger's own tables.

mod alembic;
mod entry;
mod error;
mod plugins;
mod read;
mod schema;
mod script;
mod statement;
mod ticket;
mod write;

pub use alembic::alembic_heads;
pub use entry::{Applied, Confinement, Contents, Failure, How, Outcome, Recorded, Run};
pub use error::LedgerError;
pub use plugins::PluginApplied;
pub use schema::CURRENT_VERSION;
pub use script::AtRunTime;
pub use statement::{Partly, StatementLine, StatementRecord};
pub(crate) use ticket::derived_name;
pub use ticket::{Holder, Token};
pub(crate) use write::NOT_RECORDED;

use crate::db::quote_identifier;

/// The ledger of one project in one database: a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    name: String,
    /// The schema's name, quoted.
    schema: String,
}

impl Ledger {
    /// The ledger in the schema of this name.
    pub fn in_schema(name: &str) -> Self {
        Self { name: name.to_owned(), schema: quote_identifier(name) }
    }

    /// The schema's name.
    pub fn schema_name(&self) -> &str {
        &self.name
    }
}
