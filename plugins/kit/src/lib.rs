//! What the plugins of the catalogue share.
mod dependents;
mod names;
pub use dependents::{
    DEPENDENT_CATALOGS, DEPENDENTS, Dependent, DependentKind, dependents, refuse_dependents,
};
pub use names::{TableName, ident, list, literal};
