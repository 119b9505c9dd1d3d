//! What must be so in the ledger for a step to begin.

use std::collections::BTreeSet;

use crate::db::{quote_identifier, quote_literal};
use crate::revision::{Direction, Manifest};

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
        // Whole ids: labels were looked up when the folder was read.
        let needed: BTreeSet<&str> = manifest
            .parents
            .iter()
            .map(AsRef::as_ref)
            .chain(manifest.depends_on.iter().map(String::as_str))
            .collect();
        let needed: Vec<String> = needed.into_iter().map(quote_literal).collect();
        let table = format!("{}.revision", quote_identifier(schema));
        match direction {
            Direction::Upgrade => Self {
                expression: format!(
                    "NOT EXISTS (SELECT 1 FROM {table} WHERE revision = {revision}) AND {} = \
                     (SELECT count(*) FROM {table} WHERE revision = ANY (ARRAY[{}]::text[]))",
                    needed.len(),
                    needed.join(", "),
                ),
                violated: "what it needs is no longer applied, or the revision already is",
            },
            Direction::Downgrade => Self {
                expression: format!(
                    "EXISTS (SELECT 1 FROM {table} WHERE revision = {revision}) \
                     AND NOT EXISTS (SELECT 1 FROM {table} WHERE {revision} = ANY (parents || depends_on))"
                ),
                violated: "the revision is no longer applied, or another one needs it",
            },
        }
    }
}
