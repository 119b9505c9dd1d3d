//! Grants of what does not exist.

use std::fmt;

use crate::db::{PostgresSession, quote_literal};
use crate::revision::{Capabilities, Pattern};

use super::AuditError;
use super::declared::Declared;
use super::name::Name;
use super::sql::qualified;
use super::standing::text;

/// A grant that names a relation, or a schema, that does not exist: mostly a
/// slip of the pen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The capability.
    pub capability: String,
    /// What it names.
    pub target: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` grants {}, which does not exist", self.capability, self.target)
    }
}

/// The grants without a `*` that name what is not there, and what `ddl` does not
/// let the step create. One round trip; none where there is nothing to ask.
pub async fn missing(
    session: &mut PostgresSession,
    capabilities: &Capabilities,
) -> Result<Vec<Missing>, AuditError> {
    let declared = Declared::new(capabilities);
    let asked: Vec<String> = declared
        .relation_patterns()
        .filter_map(|(capability, pattern)| Some((capability, Pattern::parse(pattern).ok()?)))
        .filter_map(|(capability, pattern)| question(&declared, capability, &pattern))
        .collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.batch(&asked.join(" ")).await?;
    let missing =
        |row| Ok(Missing { capability: text(row, 0)?.to_owned(), target: text(row, 1)?.to_owned() });
    rows.iter().map(missing).collect()
}

/// Asks for what a pattern names without a `*`, unless the step may create it.
fn question(declared: &Declared<'_>, capability: &str, pattern: &Pattern) -> Option<String> {
    let (schema, name) = pattern.literal()?;
    let is_to_come = match name {
        Some(name) => declared.may_define(&Name::new(schema, name)),
        None => declared.may_define_schema(schema),
    };
    if is_to_come {
        return None;
    }
    let relation = name.map_or_else(String::new, |name| {
        format!(
            "AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid \
             AND c.relname = {}::pg_catalog.name)",
            quote_literal(name)
        )
    });
    // The blanks of a name must stay as they are: only what is ours is made
    // whole.
    let (literal, target) = (quote_literal(capability), quote_literal(&pattern.to_string()));
    let schema = quote_literal(schema);
    let equal = qualified("=");
    Some(format!(
        "SELECT {literal}, {target} WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n \
         WHERE n.nspname {equal} {schema}::pg_catalog.name {});",
        relation.replace(" = ", &format!(" {equal} "))
    ))
}
