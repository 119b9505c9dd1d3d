//! What is in a database, as text: each object and each row on a line of its own,
//! in an order that does not depend on how it came about.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::{DbError, PostgresSession, TextRow, quote_literal};
use similar::TextDiff;

/// Reads the objects; `{without}` is the schema that is left out.
const OBJECTS: &str = include_str!("snapshot.sql");

/// The lines around a difference that are shown with it.
const CONTEXT: usize = 2;

/// What is in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    text: String,
    /// The names of the tables, as SQL spells them with their schemas.
    tables: BTreeSet<String>,
}

impl Snapshot {
    /// Reads everything but one schema. The rows of the tables that `rows` names
    /// are those of its query, where values are not to be compared as they are.
    pub(super) async fn take(
        session: &mut PostgresSession,
        without: &str,
        rows: &BTreeMap<String, String>,
    ) -> Result<Self, DbError> {
        // Every name is written with its schema then.
        session.batch("SET search_path = ''").await?;
        let objects = session.batch(&OBJECTS.replace("{without}", &quote_literal(without))).await?;
        let mut lines: Vec<String> = objects.iter().map(line).collect();
        let tables = "SELECT format('%I.%I', nspname, relname) FROM pg_catalog.pg_class \
             JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace \
             WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspname <> ";
        let tables = session.batch(&format!("{tables}{}", quote_literal(without))).await?;
        let tables: BTreeSet<String> =
            tables.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
        for table in &tables {
            let all = format!("SELECT * FROM {table}");
            let query = rows.get(table).unwrap_or(&all);
            let sql = format!(
                "SELECT compared::text FROM ({query}) compared ORDER BY compared::text COLLATE \"C\""
            );
            let rows = session.batch(&sql).await?;
            lines.extend(rows.iter().map(|row| format!("row of {table}: {}", line(row))));
        }
        lines.sort();
        Ok(Self { text: lines.into_iter().map(|line| line + "\n").collect(), tables })
    }

    /// The first of these tables that is not there.
    pub(super) fn lacks<'t>(&self, mut tables: impl Iterator<Item = &'t String>) -> Option<&'t String> {
        tables.find(|table| !self.tables.contains(*table))
    }

    /// What is here and what was expected, line by line; none if it is the same.
    pub(super) fn difference(&self, expected: &Self) -> Option<String> {
        if self == expected {
            return None;
        }
        let difference = TextDiff::from_lines(&expected.text, &self.text);
        Some(difference.unified_diff().context_radius(CONTEXT).header("expected", "found").to_string())
    }
}

/// A row of the catalogs' query as one line; a body of several lines stays readable.
fn line(row: &TextRow) -> String {
    let fields: Vec<_> = row.iter().flatten().map(|field| field.trim_end().replace('\n', "\n    ")).collect();
    fields.join(" ")
}
