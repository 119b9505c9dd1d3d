//! Arbitrary texts, for a bounded time: no panic, and whatever is let through is
//! let through again as it is sent.

use std::time::Duration;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

use super::*;

const BUDGET: Duration = Duration::from_secs(2);

const PIECES: &[&str] = &[
    "SELECT ",
    "FROM ",
    "app.users ",
    "runner.history ",
    "t ",
    "WHERE ",
    "(",
    ")",
    ", ",
    "; ",
    "'a' ",
    "$$ ",
    "$t$",
    "\"",
    "'",
    "--",
    "/*",
    "*/",
    "\n",
    "WITH ",
    "AS ",
    "INSERT INTO ",
    "VALUES ",
    "UPDATE ",
    "SET ",
    "a = 1 ",
    "DELETE ",
    "CREATE ",
    "TABLE ",
    "FUNCTION ",
    "app.f() ",
    "LANGUAGE ",
    "plpgsql ",
    "BEGIN ",
    "END ",
    "ATOMIC ",
    "RETURN ",
    "ALTER ",
    "DROP ",
    "ADD ",
    "COLUMN ",
    "int ",
    "text ",
    "::",
    ".",
    "*",
    "[1]",
    "pg_sleep(1) ",
    "lower('a') ",
    "é",
    "\u{0}",
    "E'\\",
    "U&'",
    "1.5",
    "$1 ",
    "COMMENT ON ",
    "IS ",
    "NULL ",
    "DO ",
    "CALL ",
    "GRANT ",
    "TO ",
    "ON ",
    "INDEX ",
    "VIEW ",
    "TYPE ",
    "ENUM ",
    "IF ",
    "EXISTS ",
    "NOT ",
    "DEFAULT ",
    "CHECK ",
    "REFERENCES ",
    "UNION ",
    "ORDER BY ",
    "OVER ",
    "EXPLAIN ",
];

fn text(bytes: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::new();
    for _ in 0..bytes.int_in_range(0..=40)? {
        text.push_str(bytes.choose(PIECES)?);
    }
    Ok(text)
}

#[test]
fn no_text_brings_the_policy_down() {
    arbtest(|bytes| {
        let text = text(bytes)?;
        if let Ok(found) = check(&everything(), &text) {
            for checked in found {
                let again = check(&everything(), checked.text()).expect("what is sent is allowed");
                assert_eq!(again[0].text(), checked.text(), "{text}");
                assert_eq!(&text[checked.offset()..][..checked.source().len()], checked.source());
                for place in 1..=u32::try_from(checked.text().len()).expect("is short") {
                    let _ = checked.place_of(place);
                }
            }
        }
        Ok(())
    })
    .budget(BUDGET)
    .size_max(4_096);
}

#[test]
fn no_body_brings_the_policy_down() {
    arbtest(|bytes| {
        let body = text(bytes)?.replace("$b$", "");
        let _ = check(&everything(), &format!("DO $b$ BEGIN {body}; END $b$"));
        let _ = check(
            &everything(),
            &format!("CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS $b${body}$b$"),
        );
        Ok(())
    })
    .budget(BUDGET)
    .size_max(4_096);
}

/// The statements of the other tests, cut and mixed.
#[test]
fn pieces_of_real_statements_do_not_either() {
    let real = include_str!("allowed.rs");
    let lines: Vec<&str> =
        real.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
    arbtest(|bytes| {
        let (left, right) = (bytes.choose(&lines)?, bytes.choose(&lines)?);
        let cut = |text: &str, at: usize| text.char_indices().nth(at).map_or(text.len(), |(at, _)| at);
        let (end, start) = (bytes.int_in_range(0..=80)?, bytes.int_in_range(0..=80)?);
        let mixed = format!("{}{}", &left[..cut(left, end)], &right[cut(right, start)..]);
        if let Ok(found) = check(&everything(), &mixed) {
            for checked in found {
                assert!(check(&everything(), checked.text()).is_ok(), "{mixed} -> {}", checked.text());
            }
        }
        Ok(())
    })
    .budget(BUDGET)
    .size_max(4_096);
}
