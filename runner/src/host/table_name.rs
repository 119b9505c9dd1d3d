//! The name of a table, as SQL spells it.

/// A name that was taken apart and put together again, every part quoted: what
/// a guest gives as the name of a table becomes a part of a COPY statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableName(String);

impl TableName {
    /// Reads a name of one to three parts. None if it is anything else.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = name.trim();
        loop {
            let (part, after) = take_part(rest)?;
            parts.push(quoted(&part));
            match after.trim_start().strip_prefix('.') {
                Some(after) => rest = after.trim_start(),
                None if after.is_empty() && parts.len() <= 3 => return Some(Self(parts.join("."))),
                None => return None,
            }
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name as an identifier of SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn take_part(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix('"') {
        Some(rest) => take_quoted(rest),
        None => take_plain(text),
    }
}

/// Takes a quoted name whose opening quote is gone; two quotes are one.
fn take_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None if name.is_empty() || name.contains('\0') => return None,
            None => return Some((name, after)),
        }
    }
}

/// PostgreSQL folds unquoted names to lower case, the letters of ASCII alone.
fn take_plain(text: &str) -> Option<(String, &str)> {
    let continues = |c: char| c == '_' || c == '$' || c.is_ascii_alphanumeric() || !c.is_ascii();
    let end = text.find(|c| !continues(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name.starts_with(|c: char| c.is_ascii_digit() || c == '$') || name.is_empty() {
        true => None,
        false => Some((name.to_ascii_lowercase(), rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_sql_reads_them() {
        for (name, expected) in [
            ("Orders", r#""orders""#),
            ("public.orders", r#""public"."orders""#),
            (r#""Sch ema" . "a""b""#, r#""Sch ema"."a""b""#),
            ("größe", r#""größe""#),
            ("a.b.c", r#""a"."b"."c""#),
        ] {
            assert_eq!(TableName::parse(name).expect(name).as_str(), expected);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for name in [
            "",
            ".",
            "a.",
            ".a",
            "a b",
            "a; drop table b",
            "a (b)",
            "(select 1)",
            "a from program 'id'",
            "\"a",
            "\"\"",
            "1a",
            "a.b.c.d",
            "a--",
            "\"a\0b\"",
        ] {
            assert_eq!(TableName::parse(name), None, "{name}");
        }
    }
}
