//! What must be so in the ledger for a step to begin.

use crate::db::{quote_identifier, quote_literal};
use crate::revision::{Direction, Manifest, RevisionId};

/// What must be so in the ledger for a step to begin: the plan was made before
/// its transaction began, and what it relies on must still be so.
pub(super) struct Precondition {
    /// As SQL.
    pub(super) expression: String,
    /// What is wrong if it is not so.
    pub(super) violated: &'static str,
}

impl Precondition {
    /// For a step on the ledger in `schema`.
    pub(super) fn of(schema: &str, direction: Direction, manifest: &Manifest) -> Self {
        let revision = quote_literal(manifest.revision.as_str());
        let table = format!("{}.revision", quote_identifier(schema));
        match direction {
            Direction::Upgrade => Self {
                expression: format!(
                    "NOT EXISTS (SELECT 1 FROM {table} WHERE revision = {revision}) AND {} = \
                     (SELECT count(*) FROM {table} WHERE revision = ANY (ARRAY[{}]::text[]))",
                    manifest.parents.len(),
                    literals(&manifest.parents),
                ),
                violated: "a parent is no longer applied, or the revision already is",
            },
            Direction::Downgrade => Self {
                expression: format!(
                    "EXISTS (SELECT 1 FROM {table} WHERE revision = {revision}) \
                     AND NOT EXISTS (SELECT 1 FROM {table} WHERE {revision} = ANY (parents))"
                ),
                violated: "the revision is no longer applied, or a child of it is",
            },
        }
    }
}

pub(super) fn literals(ids: &[RevisionId]) -> String {
    ids.iter().map(|id| quote_literal(id.as_str())).collect::<Vec<_>>().join(", ")
}
