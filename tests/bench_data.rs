//! The benchmark of data migrations over few rows: all of its parts work, and
//! leave the same table. What they take is nobody's business here.

#[path = "bench/data/mod.rs"]
pub mod data;
#[path = "bench/measure.rs"]
#[expect(dead_code, reason = "the other benchmarks use the rest")]
pub mod measure;

use crate::support;
use data::Options;

#[test]
fn every_contender_leaves_the_same_table_and_has_its_row() {
    let table = data::run(&Options { rows: 3_000, rounds: 1, only: None });
    let rows = |beginning: &str| table.lines().filter(|line| line.starts_with(beginning)).count();
    assert_eq!(rows("| guest, "), 3, "{table}");
    assert_eq!(rows("| native Rust, "), 1, "{table}");
    assert_eq!(rows("| Alembic, "), 3, "{table}");
    assert_eq!(rows("| 30,000 |"), 1, "ten times as many rows for the memory: {table}");
    assert!(!table.contains("left out"), "{table}");
    assert!(table.starts_with("`cargo xtask bench data --rows 3000 --rounds 1`: "), "{table}");
    assert!(table.contains("psycopg") && table.contains("PostgreSQL 1"), "{table}");
}

#[test]
fn a_wrong_option_is_named() {
    let parse = |args: &[&str]| Options::parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>());
    assert_eq!(parse(&["--rows", "5", "--rounds", "1"]), Ok(Options { rows: 5, rounds: 1, only: None }));
    assert_eq!(parse(&["--only", "rewrite"]).map(|options| options.only), Ok(Some("rewrite".into())));
    assert_eq!(parse(&["--rows", "0"]), Err("`--rows` needs a whole number above 0 behind it".into()));
    assert_eq!(parse(&["--rows"]), Err("`--rows` needs a whole number above 0 behind it".into()));
    assert!(parse(&["--fast", "1"]).is_err_and(|error| error.starts_with("`--fast` is not an option")));
}
