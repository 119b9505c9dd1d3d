//! The column: what it is, and what an encrypted one would break.

use plugin_kit::{DependentKind, TableName, refuse_dependents, refuse_hidden_rows};
use plugin_sdk::TableDescription;
use plugin_sdk::prelude::*;

/// How the column holds bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As base64.
    Text,
    /// As they are.
    Bytes,
}

/// Looks at the column before anything is changed.
///
/// # Errors
///
/// Says why the column cannot be encrypted where it stands, and what to do.
pub fn check(tx: &Transaction, table: &TableName, column: &str) -> Result<Encoding> {
    let description = tx.describe_table(&table.sql())?;
    refuse_hidden_rows(tx, table)?;
    ensure!(!description.key.is_empty(), "{table} has no primary key, by which its rows could be found");
    let encoding = encoding(&description, table, column)?;
    // Views and triggers see other values and are none the worse.
    let follow = [DependentKind::View, DependentKind::Trigger];
    refuse_dependents(tx, (table.schema(), table.name(), column), &follow)?;
    Ok(encoding)
}

fn encoding(description: &TableDescription, table: &TableName, column: &str) -> Result<Encoding> {
    let names = || {
        let names: Vec<&str> = description.columns.iter().map(|column| column.column.name.as_str()).collect();
        names.join("`, `")
    };
    let found = description.columns.iter().find(|found| found.column.name == column);
    let found = found.with_context(|| format!("{table} has no column `{column}`; it has `{}`", names()))?;
    ensure!(!found.generated, "the column `{column}` of {table} is generated, and cannot be written");
    match (found.column.type_name.as_str(), found.column.type_modifier) {
        ("bytea", _) => Ok(Encoding::Bytes),
        ("text", _) | ("varchar", -1) => Ok(Encoding::Text),
        (other, _) => bail!(
            "the column `{column}` of {table} is of type {other}, where an encrypted value does not fit: make \
             it text or bytea first, in a revision before this one"
        ),
    }
}
