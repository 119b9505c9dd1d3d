//! The columns: which formats fit them, and what stands in the way.

use plugin_kit::{TableName, refuse_hidden_rows};
use plugin_sdk::prelude::*;

use crate::pseudonym::Shape;

/// The catalogs that are read.
pub const CATALOGS: [&str; 4] =
    ["pg_catalog.pg_attribute", "pg_catalog.pg_class", "pg_catalog.pg_constraint", "pg_catalog.pg_namespace"];

/// The foreign keys that a column is part of, on either side.
pub(crate) const FOREIGN_KEYS: &str = "\
select foreign_key.conname::text
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_attribute attribute on attribute.attrelid = owner.oid
join pg_catalog.pg_constraint foreign_key on foreign_key.contype = 'f'
    and (foreign_key.conrelid = owner.oid and attribute.attnum = any (foreign_key.conkey)
        or foreign_key.confrelid = owner.oid and attribute.attnum = any (foreign_key.confkey))
where space.nspname = $1 and owner.relname = $2 and attribute.attname = $3
order by 1";

/// How a column's values are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As text.
    Text,
    /// As `bigint`.
    Int8,
    /// As `integer`.
    Int4,
    /// As `smallint`.
    Int2,
    /// As UUIDs.
    Uuid,
}

/// Looks at a column before anything is changed.
///
/// # Errors
///
/// Says why its values cannot be replaced by such pseudonyms.
pub fn check(tx: &Transaction, table: &TableName, column: &str, shape: &Shape) -> Result<Kind> {
    let description = tx.describe_table(&table.sql())?;
    refuse_hidden_rows(tx, table)?;
    ensure!(!description.key.is_empty(), "{table} has no primary key, by which its rows could be found");
    let is_key = description.key.iter().any(|key| key == column);
    ensure!(!is_key, "the column `{column}` is the key of {table}, by which its rows are found");
    let found = description.columns.iter().find(|found| found.column.name == column);
    let found = found.with_context(|| {
        let names: Vec<&str> = description.columns.iter().map(|column| column.column.name.as_str()).collect();
        format!("{table} has no column `{column}`; it has `{}`", names.join("`, `"))
    })?;
    ensure!(!found.generated, "the column `{column}` of {table} is generated, and cannot be written");
    let names = params![&description.schema, &description.name, column];
    let foreign_keys: Vec<(String,)> = tx.query_as(FOREIGN_KEYS, names)?;
    if let Some((name,)) = foreign_keys.first() {
        bail!(
            "the column `{column}` of {table} is part of the foreign key `{name}`, which holds after each \
             change: drop it in a revision before this one, replace the values on both sides with the same \
             key and format, and add it again"
        );
    }
    kind(&found.column.type_name, shape).with_context(|| {
        format!(
            "the column `{column}` of {table} is of type {}, which its format does not fit",
            found.column.type_name
        )
    })
}

fn kind(type_name: &str, shape: &Shape) -> Option<Kind> {
    match (type_name, shape) {
        ("text" | "varchar" | "bpchar" | "citext", _) => Some(Kind::Text),
        ("int8", Shape::Integer { .. }) => Some(Kind::Int8),
        ("int4", Shape::Integer { min, max }) => fits::<i32>(*min, *max).then_some(Kind::Int4),
        ("int2", Shape::Integer { min, max }) => fits::<i16>(*min, *max).then_some(Kind::Int2),
        ("uuid", Shape::Uuid) => Some(Kind::Uuid),
        _ => None,
    }
}

/// Whether the whole range is one of the column's type.
fn fits<T: TryFrom<i64>>(min: i64, max: i64) -> bool {
    T::try_from(min).is_ok() && T::try_from(max).is_ok()
}
