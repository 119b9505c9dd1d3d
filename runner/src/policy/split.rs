//! From a migration's text to its statements.

use pg_query::ParserOptions;

use super::gate::Piece;
use super::place::characters;
use super::{PolicyError, Refusal, alone, kind, refuse};
use crate::revision::TransactionMode;

/// The longest text that is parsed, in bytes. The parser needs about 1,000
/// times as much memory.
pub const MAX_TEXT: usize = 4 * 1024 * 1024;

/// How many places a syntax error is looked for at. Each costs a parse; a wrong
/// caret is worse than none.
const MAX_GUESSES: usize = 200;

/// One statement that may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The statement, without the semicolon.
    pub text: &'a str,
    /// Where it begins in the whole text, in bytes.
    pub offset: usize,
}

/// Splits a text into its statements, and refuses the text if any of them may
/// not be sent. Empty statements are left out.
pub fn statements(text: &str) -> Result<Vec<Statement<'_>>, PolicyError> {
    statements_of(text, TransactionMode::Revision)
}

/// The same for a step that is wrapped in transactions in this way.
pub fn statements_of(text: &str, transactions: TransactionMode) -> Result<Vec<Statement<'_>>, PolicyError> {
    if text.len() > MAX_TEXT {
        let message =
            format!("the text has {} bytes, more than the {MAX_TEXT} that are parsed at once", text.len());
        return Err(PolicyError::Syntax { message, position: None });
    }
    let parsed = pg_query::parse(text, ParserOptions::DEFAULT).map_err(|error| syntax_error(text, &error))?;
    let mut found = Vec::with_capacity(parsed.protobuf.stmts.len());
    for raw in &parsed.protobuf.stmts {
        let statement = trimmed(text, raw.stmt_location, raw.stmt_len);
        if let Some(node) = raw.stmt.as_ref().and_then(|node| node.node.as_ref())
            && let Some((what, why)) = refuse::reason(node).or_else(|| alone::reason(node, transactions))
        {
            let (node, why) = (kind::node_name(node), why.to_owned());
            let position = characters(text, statement.offset);
            let refusal = Refusal { what, node, why, grant: None, position };
            return Err(PolicyError::Refused(Box::new(refusal)));
        }
        found.push(statement);
    }
    Ok(found)
}

/// Checks a text that must hold exactly one statement.
pub fn statement(text: &str) -> Result<Statement<'_>, PolicyError> {
    let found = statements(text)?;
    match found.as_slice() {
        [one] => Ok(*one),
        others => Err(PolicyError::NotOne { found: others.len() }),
    }
}

/// The parser gives a statement's place with the white space and the comments
/// before it, and a length of 0 for "up to the end".
pub(super) fn trimmed(text: &str, location: i32, length: i32) -> Statement<'_> {
    let start = usize::try_from(location).expect("the parser counts from 0");
    let end = match usize::try_from(length).expect("the parser's lengths are not negative") {
        0 => text.len(),
        length => start + length,
    };
    let whole = &text[start..end];
    let without = skip_blank(whole);
    Statement { text: without.trim_end(), offset: start + (whole.len() - without.len()) }
}

/// Leaves out white space and comments at the beginning.
fn skip_blank(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        if text.starts_with("--") {
            text = text.split_once('\n').map_or("", |(_, rest)| rest);
        } else if text.starts_with("/*") {
            text = after_comment(text);
        } else {
            return text;
        }
    }
}

/// What follows the block comment at the beginning of the text. They nest.
fn after_comment(text: &str) -> &str {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return &text[at..];
        }
    }
    ""
}

/// A syntax error in one piece of a text, with its place in the whole.
pub(super) fn syntax_error_in(whole: &str, piece: Piece<'_>, error: &pg_query::Error) -> PolicyError {
    let before = characters(whole, piece.offset) - 1;
    match syntax_error(piece.text, error) {
        PolicyError::Syntax { message, position } => {
            PolicyError::Syntax { message, position: position.map(|position| position + before) }
        }
        other => other,
    }
}

/// Finds the place of a syntax error; pg_query reports the token alone.
pub(super) fn syntax_error(text: &str, error: &pg_query::Error) -> PolicyError {
    let message = match error {
        pg_query::Error::Parse(message) => message.clone(),
        other => other.to_string(),
    };
    let position = syntax_offset(text, &message).map(|offset| characters(text, offset));
    // The token may be a string that was not closed: the rest of the text.
    let message = match message.split_once('\n') {
        Some((first, _)) => format!("{first}…"),
        None => message,
    };
    PolicyError::Syntax { message, position }
}

/// Where the token begins at which the parser gave up, in bytes.
///
/// The text up to the end of that token fails in the same way, and the text up
/// to the end of any token before it does not: so the first such token is it.
fn syntax_offset(text: &str, message: &str) -> Option<usize> {
    if message.ends_with("at end of input") {
        return Some(text.trim_end().len());
    }
    let token = message.strip_suffix('"')?.split_once("at or near \"")?.1;
    let fails_here = |offset: &usize| {
        let upto = &text[..offset + token.len()];
        matches!(pg_query::parse(upto, ParserOptions::DEFAULT), Err(pg_query::Error::Parse(found)) if found == message)
    };
    let places = text.match_indices(token).map(|(offset, _)| offset);
    places.filter(|offset| is_whole(text, *offset, token)).take(MAX_GUESSES).find(fails_here)
}

/// Whether what stands at the offset is not a part of a longer word.
fn is_whole(text: &str, offset: usize, word: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let joins =
        |left: Option<char>, right: Option<char>| left.is_some_and(is_letter) && right.is_some_and(is_letter);
    let (before, after) = (&text[..offset], &text[offset + word.len()..]);
    !joins(before.chars().next_back(), word.chars().next())
        && !joins(word.chars().next_back(), after.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        statements(sql).expect("parses").into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn statements_are_split_without_comments_around_them() {
        let sql = "-- one\nselect 1; /* a /* nested */ one */ select ';' ;;\n\nselect 3 -- end\n";
        assert_eq!(texts(sql), ["select 1", "select ';'", "select 3 -- end"]);
    }

    #[test]
    fn function_bodies_stay_whole() {
        let sql = "create function f() returns int language sql as $$ select 1; select 2 $$; select f()";
        assert_eq!(texts(sql).len(), 2);
    }

    #[test]
    fn statements_that_end_the_transaction_are_refused_with_their_place() {
        for (sql, expected) in [
            ("select 1;\ncommit", 11),
            ("rollback", 1),
            ("select 'é'; abort", 13),
            ("start transaction", 1),
            ("/* x */ prepare transaction 'x'", 9),
            ("end and chain", 1),
            ("savepoint a", 1),
        ] {
            match statements(sql) {
                Err(PolicyError::Refused(refusal)) => assert_eq!(refusal.position, expected, "{sql}"),
                other => panic!("{sql}: {other:?}"),
            }
        }
    }

    #[test]
    fn copy_is_refused_because_it_would_end_the_connection() {
        for sql in ["copy t from stdin", "copy t to '/tmp/x'", "copy t from program 'id'"] {
            assert!(
                matches!(statements(sql), Err(PolicyError::Refused(refusal)) if refusal.what == "COPY"),
                "{sql}"
            );
        }
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        match statements("select 1;\n\ncreate tabel t (id int)") {
            Err(PolicyError::Syntax { message, position }) => {
                assert_eq!(message, "syntax error at or near \"tabel\"");
                assert_eq!(position, Some(19));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_syntax_error_is_found_wherever_it_is() {
        for (sql, place) in [
            ("create table three (i int);\ncreat x;", "creat x"),
            ("create table b (id int, b int,, c int)", ", c int"),
            ("select 'abc", "'abc"),
            ("select 1; selct 2", "selct 2"),
            ("select a from t where and b", "and b"),
        ] {
            let expected = sql.rfind(place).map(|offset| u32::try_from(offset + 1).expect("short"));
            match statements(sql) {
                Err(PolicyError::Syntax { position, .. }) => assert_eq!(position, expected, "{sql}"),
                other => panic!("{sql}: {other:?}"),
            }
        }
    }

    #[test]
    fn one_statement_means_one() {
        assert_eq!(statement(" select 1 ; ").expect("one").text, "select 1");
        assert_eq!(statement("select 1; select 2"), Err(PolicyError::NotOne { found: 2 }));
        assert_eq!(statement(" -- nothing"), Err(PolicyError::NotOne { found: 0 }));
    }
}
