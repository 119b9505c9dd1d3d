//! SQL as psql reads it: what of a statement psql would take for its own, and
//! what is checked while the script runs.

use crate::db::{dollar_quoted, quote_literal};
use crate::policy::{Mark, PolicyError, marks, rows_touched};

/// Makes psql stop at the first error, leave transactions to the script and
/// print nothing that was not asked for, whatever its start-up file says.
pub(super) const SETTINGS: &str = "\\set ON_ERROR_STOP on\n\
    \\set ON_ERROR_ROLLBACK off\n\
    \\set AUTOCOMMIT on\n\
    \\set SINGLELINE off\n\
    \\set FETCH_COUNT 0\n\
    \\set QUIET on\n\
    \\pset pager off\n";

/// How many numbers are added up as text before the server adds them: a longer
/// sum would exhaust its parser's stack.
const MAX_TERMS: usize = 50;

/// A statement with its semicolon, so that psql sends it as it is.
///
/// psql puts variables in the place of `:name` outside of strings, and ends
/// statements at semicolons by rules of its own. A backslash is never found
/// there: the policy's parser refuses it.
pub(super) fn statement(text: &str) -> Result<String, PolicyError> {
    let marks = marks(text)?;
    if marks.iter().any(|(_, mark)| *mark == Mark::Semicolon) {
        // The body of a function in standard SQL. psql sends what a query
        // returns without looking at it.
        return Ok(format!("SELECT {} \\gexec\n", quote_literal(text)));
    }
    let (mut safe, mut from) = (String::with_capacity(text.len() + 2), 0);
    for (at, _) in marks {
        let after = at + 1;
        safe += &text[from..after];
        if text[after..].starts_with(begins_variable) {
            safe.push(' ');
        }
        from = after;
    }
    safe += &text[from..];
    // A comment goes on to the end of its line.
    let ends_in_comment = safe.lines().next_back().is_some_and(|line| line.contains("--"));
    safe += if ends_in_comment { "\n;\n" } else { ";\n" };
    Ok(safe)
}

/// See psql's manual page, "Variables", and `psqlscan.l`.
fn begins_variable(character: char) -> bool {
    character.is_ascii_alphanumeric() || !character.is_ascii() || matches!(character, '_' | '\'' | '"' | '{')
}

/// Raises an error unless the expression is true.
pub(super) fn check(expression: &str, otherwise: &str) -> String {
    let body = format!(
        "BEGIN\n    IF ({expression}) IS NOT TRUE THEN\n        RAISE EXCEPTION USING MESSAGE = {};\n    END IF;\nEND",
        quote_literal(otherwise)
    );
    format!("DO {};\n", dollar_quoted(&body))
}

/// Notes the transaction's number: by it the ledger's statements know that they
/// are in the transaction that was begun.
pub(super) const NOTE_TRANSACTION: &str =
    "SELECT pg_catalog.pg_current_xact_id() AS runner_transaction \\gset\n";

/// The number that [`NOTE_TRANSACTION`] noted.
pub(super) const TRANSACTION: &str = ":'runner_transaction'";

/// Raises an error unless the statement before it touched one row.
pub(super) fn check_one_row(otherwise: &str) -> String {
    let raise = check("false", otherwise);
    format!("SELECT :ROW_COUNT <> 1 AS runner_stop \\gset\n\\if :runner_stop\n{raise}\\endif\n")
}

/// A line that psql and the server pass over. The text may be anything.
pub(super) fn comment(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("-- {line}\n")
}

/// Adds up, while the script runs, how many rows its statements touch.
#[derive(Default)]
pub(super) struct Tally {
    terms: usize,
    /// Whether a statement was told to touch a certain number.
    is_checked: bool,
}

impl Tally {
    /// Before the first statement of a step.
    pub(super) fn begin() -> &'static str {
        "\\set runner_rows 0\n\\set runner_off 0\n"
    }

    /// After a statement; `told` is the number that its migration relies on.
    pub(super) fn after(&mut self, sql: &str, told: Option<u64>) -> String {
        match rows_touched(sql) {
            Some(0) => String::new(),
            _ => self.add(told),
        }
    }

    /// After a statement that may touch rows.
    pub(super) fn add(&mut self, told: Option<u64>) -> String {
        let mut lines = "\\set runner_rows :runner_rows + :ROW_COUNT\n".to_owned();
        if let Some(told) = told {
            self.is_checked = true;
            lines += &format!("\\set runner_off :runner_off +abs( :ROW_COUNT - {told} )\n");
        }
        self.terms += 1;
        if self.terms >= MAX_TERMS {
            self.terms = 0;
            lines += "SELECT (:runner_rows) AS runner_rows, (:runner_off) AS runner_off \\gset\n";
        }
        lines
    }

    /// After the last statement of a step.
    pub(super) fn end(&self) -> String {
        if !self.is_checked {
            return String::new();
        }
        let raise =
            check("false", "a statement touched another number of rows than the script was written for");
        format!("SELECT (:runner_off) <> 0 AS runner_stop \\gset\n\\if :runner_stop\n{raise}\\endif\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> String {
        statement(text).expect("scans")
    }

    #[test]
    fn variables_of_psql_are_not_meant() {
        assert_eq!(sent("select a[1:n], b::int"), "select a[1: n], b::int;\n");
        assert_eq!(sent("select a[1:2]"), "select a[1: 2];\n");
        assert_eq!(sent("select a[lo : hi], ':x', $$:y$$"), "select a[lo : hi], ':x', $$:y$$;\n");
        assert_eq!(sent("select a[1:ä]"), "select a[1: ä];\n");
        assert_eq!(sent("select a[1:\"n\"]"), "select a[1: \"n\"];\n");
    }

    #[test]
    fn the_semicolon_is_not_part_of_a_comment() {
        assert_eq!(sent("select 1 -- end"), "select 1 -- end\n;\n");
        assert_eq!(sent("select 1 -- a\n + 1"), "select 1 -- a\n + 1;\n");
    }

    #[test]
    fn bodies_with_semicolons_are_sent_whole() {
        let sql = "create function f() returns int begin atomic select 1; select '\\'; end";
        assert_eq!(
            sent(sql),
            "SELECT E'create function f() returns int begin atomic select 1; select ''\\\\''; end' \\gexec\n"
        );
    }

    #[test]
    fn long_sums_are_added_up_on_the_way() {
        let mut tally = Tally::default();
        let lines: String = (0..120).map(|_| tally.add(Some(1))).collect();
        assert_eq!(lines.matches("\\gset").count(), 2);
        assert_eq!(tally.after("CREATE TABLE t ()", None), "");
    }

    #[test]
    fn comments_are_one_line() {
        assert_eq!(comment("a\n\\! rm\r\u{1b}[0m"), "-- a \\! rm  [0m\n");
    }
}
