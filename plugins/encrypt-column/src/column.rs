//! The column: what it is, and what an encrypted one would break.

use plugin_sdk::TableDescription;
use plugin_sdk::prelude::*;

/// The catalogs that are read.
pub const CATALOGS: [&str; 5] = [
    "pg_catalog.pg_attribute",
    "pg_catalog.pg_class",
    "pg_catalog.pg_constraint",
    "pg_catalog.pg_depend",
    "pg_catalog.pg_namespace",
];

/// What depends on a column, by the catalog that has it: 1259 is `pg_class` (an
/// index, or a generated column of the same table), 2606 `pg_constraint`, 2604
/// `pg_attrdef`.
pub(crate) const DEPENDENTS: &str = "\
select case
    when constrained.conname is not null then 'the constraint ' || constrained.conname
    when dependent.classid = 2604 then 'its default'
    when related.oid = owner.oid then 'a generated column'
    else 'the index ' || related.relname end
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_attribute attribute on attribute.attrelid = owner.oid
join pg_catalog.pg_depend dependent on dependent.refclassid = 1259 and dependent.refobjid = owner.oid
    and dependent.refobjsubid = attribute.attnum
left join pg_catalog.pg_constraint constrained
    on dependent.classid = 2606 and constrained.oid = dependent.objid and constrained.contype <> 'n'
left join pg_catalog.pg_class related
    on dependent.classid = 1259 and related.oid = dependent.objid and related.relkind in ('r', 'p', 'i', 'I')
where space.nspname = $1 and owner.relname = $2 and attribute.attname = $3
    and (constrained.oid is not null or related.oid is not null or dependent.classid = 2604)
order by 1";

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
pub fn check(tx: &Transaction, table: &str, column: &str) -> Result<Encoding> {
    let description = tx.describe_table(table)?;
    ensure!(!description.key.is_empty(), "{table} has no primary key, by which its rows could be found");
    let encoding = encoding(&description, table, column)?;
    let params = params![&description.schema, &description.name, column];
    let dependents: Vec<(String,)> = tx.query_as(DEPENDENTS, params)?;
    let names: Vec<String> = dependents.into_iter().map(|(name,)| name).collect();
    ensure!(
        names.is_empty(),
        "the column `{column}` of {table} cannot be encrypted: {} depends on its values. Drop that first, in \
         a revision before this one",
        names.join(", ")
    );
    Ok(encoding)
}

fn encoding(description: &TableDescription, table: &str, column: &str) -> Result<Encoding> {
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
