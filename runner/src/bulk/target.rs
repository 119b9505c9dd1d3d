//! What a table is, as the catalogs have it.

use serde::Deserialize;

use super::catalog::question;
use super::{BulkError, StagedColumn};
use crate::db::{TableName, TextRow};

/// A relation whose rows are to be changed or that is to be described.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Target {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name in the schema.
    pub name: String,
    /// `pg_class.relkind`: `r` for a table, `p` for a partitioned one.
    pub kind: char,
    /// Whether row-level security is enabled.
    pub row_security: bool,
    /// About how many rows it has, by `pg_class.reltuples`; none where the server
    /// has never counted.
    #[serde(deserialize_with = "rounded")]
    pub estimated_rows: Option<u64>,
    /// Its columns in order.
    pub columns: Vec<TargetColumn>,
    /// What tells its rows apart: unique indexes over plain columns and all
    /// rows, the primary key first.
    pub keys: Vec<UniqueKey>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a column has that many properties")]
pub struct TargetColumn {
    /// Its plain name.
    pub name: String,
    /// `pg_type.oid`.
    pub type_oid: u32,
    /// The type's schema.
    pub type_schema: String,
    /// `pg_type.typname`.
    pub type_name: String,
    /// `pg_attribute.atttypmod`; -1 where there is none.
    pub type_modifier: i32,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// `GENERATED ALWAYS AS (…)`.
    pub generated: bool,
    /// `GENERATED ALWAYS AS IDENTITY`.
    pub identity_always: bool,
    /// Whether the server takes its values in binary format.
    pub binary: bool,
}

/// A unique index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UniqueKey {
    /// Whether it is the primary key's.
    pub primary: bool,
    /// Whether it is checked with each row: not that of a deferrable constraint.
    pub immediate: bool,
    /// Its columns in the index's order.
    pub columns: Vec<UniqueColumn>,
}

/// A column of a unique index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UniqueColumn {
    /// Its plain name.
    pub name: String,
    /// The schema of the operator by which the index holds two values for equal.
    pub operator_schema: String,
    /// That operator.
    pub operator: String,
}

impl Target {
    /// What to ask the server about a table, whose name is as SQL spells it.
    pub fn question(table: &str) -> String {
        question(table)
    }

    /// Reads the answer to [`Self::question`].
    ///
    /// # Errors
    ///
    /// [`BulkError::Answer`] if it is not one.
    pub fn from_rows(table: &str, rows: &[TextRow]) -> Result<Self, BulkError> {
        let wrong = |message: String| BulkError::Answer { table: table.to_owned(), message };
        let text = rows.iter().flatten().flatten().next_back();
        let text = text.ok_or_else(|| wrong("it is empty".into()))?;
        serde_json::from_str(text).map_err(|error| wrong(error.to_string()))
    }

    /// Its name as SQL spells it, with the schema.
    pub fn sql_name(&self) -> TableName {
        TableName { schema: Some(self.schema.clone()), table: self.name.clone() }
    }

    /// Its name for messages: with quotes only where SQL needs them.
    pub fn label(&self) -> String {
        label(&self.schema, &self.name)
    }

    /// Whether its rows are in partitions.
    pub fn is_partitioned(&self) -> bool {
        self.kind == 'p'
    }

    /// The table in FROM, UPDATE or DELETE. A table that others inherit from is
    /// meant without them: no key reaches over several tables.
    pub fn sql_only(&self) -> String {
        match self.is_partitioned() {
            true => self.sql_name().to_string(),
            false => format!("ONLY {}", self.sql_name()),
        }
    }

    /// # Errors
    ///
    /// [`BulkError::NotATable`] where rows cannot be changed in bulk.
    pub fn must_be_table(&self) -> Result<(), BulkError> {
        let what = match self.kind {
            'r' | 'p' => return Ok(()),
            'v' => "a view",
            'm' => "a materialized view",
            'f' => "a foreign table",
            'S' => "a sequence",
            'i' | 'I' => "an index",
            'c' => "a composite type",
            _ => "no table",
        };
        Err(BulkError::NotATable { table: self.label(), what })
    }

    /// A column by its plain name.
    pub fn column(&self, name: &str) -> Option<&TargetColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of the primary key, or else of a unique index over columns
    /// that cannot be NULL; empty where there is neither.
    pub fn natural_key(&self) -> Vec<String> {
        let is_full = |key: &&UniqueKey| {
            let mut columns = key.columns.iter();
            columns.all(|column| self.column(&column.name).is_some_and(|column| !column.nullable))
        };
        // The primary key comes first.
        self.keys.iter().find(is_full).map(UniqueKey::names).unwrap_or_default()
    }

    /// The columns that whole rows are written for: those named, or all but the
    /// generated ones.
    ///
    /// # Errors
    ///
    /// [`BulkError::Column`] names one that cannot be written.
    pub fn written_columns(&self, names: &[String]) -> Result<Vec<StagedColumn>, BulkError> {
        let all = self.columns.iter().filter(|column| !column.generated);
        let all: Vec<String> = all.map(|column| column.name.clone()).collect();
        let mut found: Vec<StagedColumn> = Vec::new();
        for name in if names.is_empty() { &all } else { names } {
            let column = self.known(name)?;
            if column.generated {
                return Err(self.no_column(name, "the server computes it"));
            }
            if !column.binary {
                return Err(self.no_column(name, "the server takes values of its type as text only"));
            }
            if found.iter().any(|other| other.name == *name) {
                return Err(self.no_column(name, "it is named twice"));
            }
            found.push(StagedColumn::of(column));
        }
        Ok(found)
    }

    /// A column of this plain name.
    pub(super) fn known(&self, name: &str) -> Result<&TargetColumn, BulkError> {
        const SYSTEM: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];
        self.column(name).ok_or_else(|| match SYSTEM.contains(&name) {
            true => self.no_column(name, "it is a system column"),
            false => self.no_column(name, "the table has no such column"),
        })
    }

    /// A column that is not there, or cannot be used.
    pub(super) fn no_column(&self, column: &str, why: &'static str) -> BulkError {
        BulkError::Column { table: self.label(), column: column.to_owned(), why }
    }
}

impl UniqueKey {
    /// Its columns' plain names, in the index's order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }
}

/// A full name for messages: with quotes only where SQL needs them.
pub(super) fn label(schema: &str, name: &str) -> String {
    format!("{}.{}", plain(schema), plain(name))
}

fn plain(name: &str) -> String {
    let is_plain = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    match is_plain(name) {
        true => name.to_owned(),
        false => crate::db::quote_identifier(name),
    }
}

/// The server has a `real`, whose size it prints as 1e+06.
fn rounded<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let number: Option<f64> = Option::deserialize(from)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of rows is positive and far below 2^64"
    )]
    Ok(number.map(|number| number.round() as u64))
}
