//! Checks, while a script runs, that the server expects a type for each value
//! that the value was written for.

use std::collections::BTreeSet;

use crate::db::{Fits, Parameter, quote_literal};

use super::psql::check;

/// Values by what they are for, and the types that they fit.
pub(super) type Uses = BTreeSet<(String, Fits)>;

/// The parameters of a prepared statement, by number, or a row's fields, by
/// column.
pub(super) fn uses<'a>(
    names: impl IntoIterator<Item = String>,
    values: impl IntoIterator<Item = &'a Parameter>,
) -> Uses {
    let written = |(name, value): (String, &Parameter)| match value {
        Parameter::Written(written) => Some((name, written.fits.clone())),
        // These fit every type.
        Parameter::Null | Parameter::Text(_) | Parameter::Binary(_) => None,
    };
    names.into_iter().zip(values).filter_map(written).collect()
}

/// Checks the parameters of a prepared statement.
pub(super) fn check_parameters(statement: &str, uses: &Uses) -> String {
    let type_ = format!(
        "(SELECT s.parameter_types[w.name::int]::oid FROM pg_catalog.pg_prepared_statements s WHERE s.name = {})",
        quote_literal(statement)
    );
    check_types(&type_, uses, "a parameter has another type than its value was written for")
}

/// Checks the columns of a table, whose name is as SQL spells it.
pub(super) fn check_columns(table: &str, uses: &Uses) -> String {
    let type_ = format!(
        "(SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = {}::pg_catalog.regclass \
         AND a.attname = w.name AND NOT a.attisdropped)",
        quote_literal(table)
    );
    check_types(&type_, uses, "a column has another type than its values were written for")
}

/// `type_` is the type's number for the row `w`. Domains count as what they
/// are made of.
fn check_types(type_: &str, uses: &Uses, otherwise: &str) -> String {
    if uses.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = uses.iter().map(row).collect();
    let expression = format!(
        "WITH RECURSIVE wanted (name, types, enums) AS (VALUES {}), base (name, type) AS (\n\
         \x20   SELECT DISTINCT w.name, {type_} FROM wanted w\n\
         \x20   UNION SELECT b.name, t.typbasetype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type \
         WHERE t.typtype = 'd')\n\
         SELECT pg_catalog.bool_and(EXISTS (SELECT 1 FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type\n\
         \x20   WHERE b.name = w.name AND (t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace \
         AND t.typname::text = ANY (w.types)\n\
         \x20       OR w.enums AND (t.typtype = 'e' OR t.typname = 'citext')))) FROM wanted w",
        rows.join(", ")
    );
    check(&expression, otherwise)
}

fn row((name, fits): &(String, Fits)) -> String {
    let types: Vec<String> = fits.types.iter().map(|type_| quote_literal(type_)).collect();
    format!("({}, ARRAY[{}]::text[], {})", quote_literal(name), types.join(", "), fits.enums)
}
