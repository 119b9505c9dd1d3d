//! Our own texts of SQL: readable in the source, fully qualified on the wire.

/// The operators that our texts use.
const OPERATORS: [&str; 9] = ["<>", "<=", ">=", "=", "<", ">", "+", "-", "&"];

/// Writes every operator that stands alone between blanks with its schema.
///
/// Texts that ask the catalogs are written with plain operators, so that they
/// can be read. An operator without a schema is looked up in the session's
/// search path, which is guest-controlled: an operator `=` of a schema before
/// `pg_catalog` would be asked instead. `IN`, `BETWEEN`, `IS DISTINCT FROM` and
/// `CASE x WHEN` look up an operator too, and are not to be used.
pub fn qualified(text: &str) -> String {
    let words = text.split_whitespace().map(|word| match OPERATORS.contains(&word) {
        true => format!("OPERATOR(pg_catalog.{word})"),
        false => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_get_their_schema() {
        let text = "SELECT 1\n  WHERE a.b = 'x-y' AND c <> 2";
        let expected = "SELECT 1 WHERE a.b OPERATOR(pg_catalog.=) 'x-y' AND c OPERATOR(pg_catalog.<>) 2";
        assert_eq!(qualified(text), expected);
    }
}
