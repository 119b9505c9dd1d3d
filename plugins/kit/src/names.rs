//! Names from parameters, and how SQL spells them.

use std::fmt;

use plugin_sdk::prelude::*;

/// The longest name that PostgreSQL keeps, in bytes; it cuts off the rest.
const LONGEST_NAME: usize = 63;

/// A table's name as parameters have it: `schema.table`, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    schema: String,
    name: String,
}

impl TableName {
    /// Takes `schema.table` apart.
    ///
    /// # Errors
    ///
    /// Fails for what has not two parts, or quotes.
    pub fn parse(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        match parts[..] {
            [schema, name] if !schema.is_empty() && !name.is_empty() && !text.contains('"') => {
                Ok(Self { schema: schema.to_owned(), name: name.to_owned() })
            }
            _ => bail!("`{text}` is no name of a table: write `schema.table`, without quotes"),
        }
    }

    /// A table in the same schema whose name is this one, `_`, and the suffix.
    ///
    /// # Errors
    ///
    /// Fails for a name that is longer than PostgreSQL's names can be.
    pub fn beside(&self, suffix: &str) -> Result<Self> {
        let name = format!("{}_{suffix}", self.name);
        ensure!(
            !suffix.is_empty() && !suffix.contains(['.', '"']),
            "`{suffix}` is no suffix of a table's name"
        );
        ensure!(
            name.len() <= LONGEST_NAME,
            "`{name}` is longer than a table's name can be: choose a shorter suffix"
        );
        Ok(Self { schema: self.schema.clone(), name })
    }

    /// The schema's name.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The name without the schema.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name as SQL spells it.
    pub fn sql(&self) -> String {
        format!("{}.{}", ident(&self.schema), ident(&self.name))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A name as SQL spells it.
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL spells it.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    match quoted.contains('\\') {
        true => format!("E'{}'", quoted.replace('\\', "\\\\")),
        false => format!("'{quoted}'"),
    }
}

/// What each name becomes, with commas between.
pub fn list<T>(names: impl IntoIterator<Item = T>, sql: impl FnMut(T) -> String) -> String {
    names.into_iter().map(sql).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    #[test]
    fn names_have_two_parts() {
        let table = TableName::parse("public.My table").unwrap();
        assert_eq!(table.sql(), "\"public\".\"My table\"");
        assert_eq!(table.beside("rejects").unwrap().to_string(), "public.My table_rejects");
        for wrong in ["", "users", ".users", "public.", "a.b.c", "public.\"users\""] {
            assert!(TableName::parse(wrong).is_err(), "{wrong}");
        }
        assert!(table.beside("").is_err());
        assert!(table.beside(&"x".repeat(60)).is_err());
    }

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }
}
