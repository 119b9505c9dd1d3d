//! Names of relations and functions as the server gives them.

use std::fmt;

use serde_json::Value;

use crate::revision::object_pattern;

/// A schema and a name in it, unquoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) schema: String,
    pub(super) name: String,
}

impl Name {
    pub(super) fn new(schema: &str, name: &str) -> Self {
        Self { schema: schema.to_owned(), name: name.to_owned() }
    }

    fn from_json(value: &Value) -> Option<Self> {
        Some(Self::new(value.get(0)?.as_str()?, value.get(1)?.as_str()?))
    }

    /// Whether this is a session's temporary schema, or the one of the server's
    /// own overflow tables, which are written together with their owners.
    pub(super) fn is_passing(&self) -> bool {
        is_passing(&self.schema)
    }
}

pub(super) fn is_passing(schema: &str) -> bool {
    schema == "pg_toast" || schema.starts_with("pg_temp_") || schema.starts_with("pg_toast_temp_")
}

/// As a manifest names it.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&object_pattern(&self.schema, &self.name))
    }
}

/// A relation, and the partitioned tables that it is a part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) name: Name,
    /// The nearest first.
    pub(super) ancestors: Vec<Name>,
}

impl Relation {
    /// Reads what [`relation_name`](super::sql::relation_name) writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let ancestors = value.get(2).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Some(Self {
            name: Name::from_json(&value)?,
            ancestors: ancestors.iter().filter_map(Name::from_json).collect(),
        })
    }

    /// Whether it, or a table that it is a partition of, fits.
    pub(super) fn any(&self, fits: impl Fn(&Name) -> bool) -> bool {
        std::iter::once(&self.name).chain(&self.ancestors).any(fits)
    }
}
