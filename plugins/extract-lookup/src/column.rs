//! The column: its type, its default, and what stands in the way of changing it.

use plugin_kit::{DependentKind, TableName, check_indexes, ident, refuse_dependents};
use plugin_sdk::prelude::*;
use plugin_sdk::{TableColumn, TableDescription};

use crate::{ExtractLookup, Names};

/// The catalogs that are read, beside those of the dependents.
pub const CATALOGS: [&str; 3] = ["information_schema.columns", "pg_catalog.pg_enum", "pg_catalog.pg_type"];

/// What follows the column to another type by itself, or is given to it anew.
const FOLLOW: [DependentKind; 3] = [DependentKind::Default, DependentKind::Index, DependentKind::Unique];

/// The labels of an enum, in its order.
pub(crate) const LABELS: &str = "\
select label.enumlabel::text
from pg_catalog.pg_type kind
join pg_catalog.pg_namespace space on space.oid = kind.typnamespace
join pg_catalog.pg_enum label on label.enumtypid = kind.oid
where space.nspname = $1 and kind.typname = $2 and kind.oid::int8 = $3
order by label.enumsortorder";

/// The collation of a column; NULL for that of the database.
pub(crate) const COLLATION: &str = "\
select collation_schema::text, collation_name::text from information_schema.columns
where table_schema = $1 and table_name = $2 and column_name = $3";

/// A column's default as SQL.
pub(crate) const DEFAULT: &str = "\
select column_default::text from information_schema.columns
where table_schema = $1 and table_name = $2 and column_name = $3";

/// The type that the column has before.
pub enum Origin {
    /// Text of this type.
    Text(String),
    /// An enum with these labels.
    Enum {
        /// In the enum's order.
        labels: Vec<String>,
    },
}

impl Origin {
    /// Looks at the column before anything is changed.
    ///
    /// # Errors
    ///
    /// Says why the column has no values for a lookup table.
    pub fn find(tx: &Transaction, names: &Names, plugin: &ExtractLookup) -> Result<Self> {
        let description = tx.describe_table(&names.table.sql())?;
        let found = column(&description, &names.table, &names.column)?;
        ensure!(!found.generated, "the column `{}` of {} is generated", names.column, names.table);
        let is_taken = description.columns.iter().any(|column| column.column.name == names.key_column);
        ensure!(
            !is_taken || names.key_column == names.column,
            "{} has a column `{}` already: set `key_column` to another name",
            names.table,
            names.key_column
        );
        match (&plugin.enum_type, text_type(found)) {
            (None, Some(sql)) => Ok(Self::Text(sql)),
            (None, None) => bail!(
                "the column `{}` of {} is of type {}, which is neither text nor varchar; for an enum, set \
                 `enum_type` to its name",
                names.column,
                names.table,
                found.column.type_name
            ),
            (Some(name), _) => Self::enumerated(tx, name, found),
        }
    }

    fn enumerated(tx: &Transaction, name: &str, column: &TableColumn) -> Result<Self> {
        let name = TableName::parse(name).context("the parameter `enum_type`")?;
        let oid = i64::from(column.column.type_oid);
        let labels: Vec<(String,)> = tx.query_as(LABELS, params![name.schema(), name.name(), oid])?;
        ensure!(
            !labels.is_empty(),
            "the column `{}` is of type {}, and not of an enum {name}",
            column.column.name,
            column.column.type_name
        );
        Ok(Self::Enum { labels: labels.into_iter().map(|(label,)| label).collect() })
    }

    /// The type of the values in the lookup table.
    pub fn lookup_type(&self) -> &str {
        match self {
            Self::Text(sql) => sql,
            Self::Enum { .. } => "text",
        }
    }
}

/// The type that the downgrade gives back, as SQL: the enum's, or the one that the
/// lookup table's values have.
///
/// # Errors
///
/// Fails where the tables are not as the upgrade left them.
pub fn former_type(tx: &Transaction, names: &Names, plugin: &ExtractLookup) -> Result<String> {
    if let Some(name) = &plugin.enum_type {
        return Ok(TableName::parse(name)?.sql());
    }
    let description = tx.describe_table(&names.lookup.sql())?;
    let found = column(&description, &names.lookup, &plugin.name_column)?;
    text_type(found).with_context(|| {
        format!(
            "the column `{}` of {} is of another type than the upgrade gave it",
            plugin.name_column, names.lookup
        )
    })
}

/// Refuses a column that something depends on which cannot follow, and one with an
/// index that the parameters do not name.
///
/// # Errors
///
/// Names all that depends on the column, or the index.
pub fn check_dependents(tx: &Transaction, table: &TableName, column: &str, indexes: &[String]) -> Result<()> {
    let place = (table.schema(), table.name(), column);
    refuse_dependents(tx, place, &FOLLOW)?;
    check_indexes(tx, place, indexes)
}

/// A column's default as SQL.
///
/// # Errors
///
/// The server's error.
pub fn default_of(tx: &Transaction, table: &TableName, column: &str) -> Result<Option<String>> {
    let row: Option<(Option<String>,)> =
        tx.query_opt(DEFAULT, params![table.schema(), table.name(), column])?;
    Ok(row.and_then(|(default,)| default))
}

/// A column's collation as a clause with a space before it; empty for that of the
/// database, and for a type without collations.
///
/// # Errors
///
/// The server's error.
pub fn collation_of(tx: &Transaction, table: &TableName, column: &str) -> Result<String> {
    let row: Option<(Option<String>, Option<String>)> =
        tx.query_opt(COLLATION, params![table.schema(), table.name(), column])?;
    Ok(match row {
        Some((Some(schema), Some(name))) => format!(" COLLATE {}.{}", ident(&schema), ident(&name)),
        _ => String::new(),
    })
}

fn column<'a>(description: &'a TableDescription, table: &TableName, name: &str) -> Result<&'a TableColumn> {
    description.columns.iter().find(|column| column.column.name == name).with_context(|| {
        let names: Vec<&str> = description.columns.iter().map(|column| column.column.name.as_str()).collect();
        format!("{table} has no column `{name}`; it has `{}`", names.join("`, `"))
    })
}

/// The type as SQL, if it is one of text. The modifier counts four bytes more than
/// the length.
fn text_type(column: &TableColumn) -> Option<String> {
    match (column.column.type_name.as_str(), column.column.type_modifier) {
        ("text", _) => Some("text".to_owned()),
        ("varchar", -1) => Some("varchar".to_owned()),
        ("varchar", modifier) => Some(format!("varchar({})", modifier - 4)),
        _ => None,
    }
}
