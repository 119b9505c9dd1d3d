//! Names in SQL: parse what a user wrote, quote what we send.

use std::fmt;

/// A table's name, with its schema if it was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableName {
    /// The schema.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
}

/// Why a text is no table's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no table's name: {reason}; `schema.table` is expected, with double quotes where SQL needs them"
)]
pub struct NameError {
    text: String,
    reason: &'static str,
}

impl TableName {
    /// Parses a name as SQL spells it: unquoted parts are folded to lower case,
    /// quoted ones taken as they are. See PostgreSQL's manual, "Identifiers and
    /// Key Words".
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let error = |reason| NameError { text: text.to_owned(), reason };
        let mut parts = Vec::new();
        let mut rest = text.trim();
        loop {
            let (part, after) = identifier(rest).map_err(error)?;
            parts.push(part);
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => break,
                None => return Err(error("something follows the name")),
            }
        }
        let mut parts = parts.into_iter().rev();
        let table = parts.next().ok_or_else(|| error("it is empty"))?;
        let schema = parts.next();
        match parts.next() {
            None => Ok(Self { schema, table }),
            Some(_) => Err(error("it has more than two parts")),
        }
    }
}

/// A name for what is the host's own in a session: a migration cannot guess it.
pub(super) fn random_name() -> String {
    format!("runner_{:016x}", rand::random::<u64>())
}

/// Takes one identifier off the beginning.
fn identifier(text: &str) -> Result<(String, &str), &'static str> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted_identifier(quoted);
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name.chars().next() {
        None => Err("a part of it is empty"),
        Some(first) if first.is_numeric() || first == '$' => Err("a part of it begins with a digit"),
        // A server with UTF-8 folds ASCII only.
        Some(_) => Ok((name.to_ascii_lowercase(), rest)),
    }
}

fn quoted_identifier(text: &str) -> Result<(String, &str), &'static str> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"').ok_or("a quote is not closed")?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None if name.is_empty() => return Err("a part of it is empty"),
            None if name.contains('\0') => return Err("it holds a NUL"),
            None => return Ok((name, after)),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quote_identifier(schema))?;
        }
        f.write_str(&quote_identifier(&self.table))
    }
}

/// An identifier in double quotes, whatever it holds.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string constant, right whatever `standard_conforming_strings` is.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    match quoted.contains('\\') {
        false => format!("'{quoted}'"),
        true => format!("E'{}'", quoted.replace('\\', "\\\\")),
    }
}

/// A string constant between dollar signs, for a text of many lines.
pub fn dollar_quoted(text: &str) -> String {
    let tag = |number: &u32| match number {
        0 => "$runner$".to_owned(),
        number => format!("$runner{number}$"),
    };
    // The text's end must not make a tag together with ours.
    let is_free = |tag: &String| !format!("{text}$").contains(tag.as_str());
    let tag = (0..).map(|number| tag(&number)).find(is_free).expect("a text holds so many tags only");
    format!("{tag}{text}{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_sql_reads_them() {
        for (text, expected) in [
            ("listings", "\"listings\""),
            ("Public.Listings", "\"public\".\"listings\""),
            ("\"My Schema\".\"a\"\"b\"", "\"My Schema\".\"a\"\"b\""),
            (" public.\"t.x\" ", "\"public\".\"t.x\""),
            ("größe", "\"größe\""),
        ] {
            assert_eq!(TableName::parse(text).expect("a name").to_string(), expected);
        }
        for text in ["", ".", "a.", "a.b.c", "1a", "a b", "t (a) from stdin; --", "\"a", "\"\"", "a;b"] {
            assert!(TableName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_dollar_quoted_text_does_not_hold_its_tag() {
        assert_eq!(dollar_quoted("a"), "$runner$a$runner$");
        assert_eq!(dollar_quoted("$runner$"), "$runner1$$runner$$runner1$");
        assert_eq!(dollar_quoted("a $runner"), "$runner1$a $runner$runner1$");
    }

    #[test]
    fn literals_are_quoted() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\'b"), "E'a\\\\''b'");
    }
}
