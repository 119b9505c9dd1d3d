//! What must be so in the ledger for a step to begin.

use std::collections::BTreeSet;

use crate::db::{Parameter, quote_identifier, quote_literal};
use crate::revision::{Direction, Manifest};

/// What must be so in the ledger for a step to begin: the plan was made before
/// its transaction began, and what it relies on must still be so.
pub(super) struct Precondition {
    /// As SQL.
    pub(super) expression: String,
    /// What is wrong if it is not so.
    pub(super) violated: &'static str,
}

/// What is wrong where it is not so.
pub(super) fn violated(direction: Direction) -> &'static str {
    match direction {
        Direction::Upgrade => "what it needs is no longer applied, or the revision already is",
        Direction::Downgrade => "the revision is no longer applied, or another one needs it",
    }
}

/// Whole ids: labels were looked up when the folder was read.
fn needed(manifest: &Manifest) -> BTreeSet<&str> {
    let parents = manifest.parents.iter().map(AsRef::as_ref);
    parents.chain(manifest.depends_on.iter().map(String::as_str)).collect()
}

/// The same for statements that are prepared once and run for each step: as SQL
/// with parameters from `$2` on, whose operators mean the same wherever the session
/// looks for them.
pub(super) struct PreparedPrecondition;

impl PreparedPrecondition {
    /// For steps in one direction that need so many others, on the ledger in
    /// `schema`.
    ///
    /// Each is looked up by itself, by the index: the server keeps the plan that
    /// it makes while the table is empty, and of an array it would make a scan.
    pub(super) fn expression(schema: &str, direction: Direction, manifest: &Manifest) -> String {
        let table = format!("{}.revision", quote_identifier(schema));
        let is = "OPERATOR(pg_catalog.=)";
        let applied = |parameter: usize| {
            format!("EXISTS (SELECT 1 FROM {table} WHERE revision {is} ${parameter}::pg_catalog.text)")
        };
        match direction {
            Direction::Upgrade => {
                let needed = (0..needed(manifest).len()).map(|at| format!(" AND {}", applied(at + 3)));
                format!("NOT {}{}", applied(2), needed.collect::<String>())
            }
            Direction::Downgrade => format!(
                "{} AND NOT EXISTS (SELECT 1 FROM {table} \
                 WHERE $2::pg_catalog.text {is} ANY (parents) OR $2::pg_catalog.text {is} ANY (depends_on))",
                applied(2)
            ),
        }
    }

    /// The values of the parameters for one revision.
    pub(super) fn parameters(direction: Direction, manifest: &Manifest) -> Vec<Parameter> {
        let needed = match direction {
            Direction::Upgrade => needed(manifest),
            Direction::Downgrade => BTreeSet::new(),
        };
        let ids = std::iter::once(manifest.revision.as_str()).chain(needed);
        ids.map(|id| Parameter::Text(id.to_owned())).collect()
    }
}

impl Precondition {
    /// For a step on the ledger in `schema`.
    pub(super) fn of(schema: &str, direction: Direction, manifest: &Manifest) -> Self {
        let revision = quote_literal(manifest.revision.as_str());
        let needed: Vec<String> = needed(manifest).into_iter().map(quote_literal).collect();
        let table = format!("{}.revision", quote_identifier(schema));
        match direction {
            Direction::Upgrade => Self {
                expression: format!(
                    "NOT EXISTS (SELECT 1 FROM {table} WHERE revision = {revision}) AND {} = \
                     (SELECT count(*) FROM {table} WHERE revision = ANY (ARRAY[{}]::text[]))",
                    needed.len(),
                    needed.join(", "),
                ),
                violated: violated(direction),
            },
            Direction::Downgrade => Self {
                expression: format!(
                    "EXISTS (SELECT 1 FROM {table} WHERE revision = {revision}) \
                     AND NOT EXISTS (SELECT 1 FROM {table} WHERE {revision} = ANY (parents || depends_on))"
                ),
                violated: violated(direction),
            },
        }
    }
}
