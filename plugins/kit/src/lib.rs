//! What the plugins of the catalogue share.
//!
//! A plugin learns from its parameters which table it works on. Here is what comes
//! before and after its own work: the table is looked up and checked ([`Target`]),
//! the old values are kept so that a downgrade can put them back ([`Saved`]), and the
//! values that could not be understood are kept with the reason ([`Rejects`]). What
//! stands in the way of changing a column, [`refuse_dependents`] knows, and
//! [`refuse_hidden_rows`] whether all rows can be seen at all.

mod dependents;
mod foreign_key;
mod names;
mod rejects;
mod row_security;
mod saved;
mod target;

pub use dependents::{
    DEPENDENT_CATALOGS, DEPENDENTS, Dependent, DependentKind, check_indexes, dependents, refuse_dependents,
};
pub use foreign_key::ForeignKeyRules;
pub use names::{TableName, ident, list, literal};
pub use rejects::{RejectWriter, Rejects};
pub use row_security::{ROW_SECURITY, refuse_hidden_rows};
pub use saved::{Saved, SavedWriter, create_beside, prefixed};
pub use target::Target;
