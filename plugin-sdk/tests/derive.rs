//! The derives, the mock and the wrappers together, as a migration uses them.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;

use plugin_sdk::mock::Mock;
use plugin_sdk::prelude::*;
use plugin_sdk::serde_json::{self, json};
use plugin_sdk::{ParamType, row};

/// Repairs text that was decoded
/// with the wrong character set.
///
/// More about it.
#[derive(Params, Debug)]
struct RepairText {
    /// The table to repair, as `schema.table`.
    table: String,
    /// The columns to repair.
    columns: Vec<String>,
    /// Rows in one batch.
    #[param(default = 5000)]
    batch: u32,
    #[param(default = "latin1", rename = "character-set")]
    charset: String,
    #[param(default)]
    mode: Mode,
    only: Option<bool>,
    #[param(default = BTreeMap::new())]
    extra: BTreeMap<String, Nested>,
}

/// How to repair.
#[derive(Params, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    FixAll,
    #[param(rename = "dry")]
    LookOnly,
}

#[derive(Params, Debug, PartialEq)]
struct Nested {
    rate: f64,
    any: serde_json::Value,
}

impl Migration for RepairText {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let mut reader = tx.reader("select id, title from public.listings", &[])?;
        let mut writer = tx.writer("public.repaired", &["title", "id"])?;
        let mut done = 0;
        while let Some(batch) = reader.next_batch()? {
            for listing in batch.rows::<Listing<'_>>()? {
                let mut listing = listing?;
                listing.title = listing.title.map(str::trim);
                writer.write(&listing)?;
                done += 1;
            }
            host::progress(done, None);
        }
        reader.close()?;
        writer.finish()?;
        info!("repaired {done} rows in {}", self.table);
        Ok(())
    }

    fn capabilities() -> Vec<Capability> {
        vec![Capability::new("write", ["${table}"], "rewrites the damaged columns")]
    }
}

plugin_sdk::export!(RepairText);

#[derive(FromRow, ToRow)]
struct Listing<'a> {
    id: i64,
    title: Option<&'a str>,
}

fn load(text: &str) -> Result<RepairText> {
    let mock = Mock::new();
    mock.set_params(text);
    RepairText::load()
}

#[test]
fn parameters_are_read_and_defaults_filled_in() {
    let read = load(
        r#"{"table": "public.t", "columns": ["a"], "mode": "dry",
            "extra": {"x": {"rate": 1, "any": [null]}}}"#,
    );
    let read = read.unwrap();
    assert_eq!((read.table.as_str(), read.columns[0].as_str()), ("public.t", "a"));
    assert_eq!((read.batch, read.charset.as_str()), (5000, "latin1"));
    assert_eq!((read.mode, read.only), (Mode::LookOnly, None));
    assert_eq!(read.extra["x"], Nested { rate: 1.0, any: json!([null]) });
}

#[test]
fn a_parameter_that_does_not_fit_is_named() {
    let cases = [
        ("[]", "parameters: expected a table, found a list"),
        ("{}", "parameter `table`: is not set"),
        (r#"{"table": 7}"#, "parameter `table`: expected a string, found a number"),
        (
            r#"{"table": "t", "columns": ["a", 7]}"#,
            "parameter `columns[1]`: expected a string, found a number",
        ),
        (
            r#"{"table": "t", "columns": [], "batch": -1}"#,
            "parameter `batch`: expected a whole number from 0 to 4294967295, found a number",
        ),
        (
            r#"{"table": "t", "columns": [], "mode": "x"}"#,
            "parameter `mode`: expected one of `fix-all`, `dry`, found a string",
        ),
        (
            r#"{"table": "t", "columns": [], "extra": {"k": {"rate": "x", "any": 1}}}"#,
            "parameter `extra.k.rate`: expected a number, found a string",
        ),
        (
            r#"{"tabel": "t"}"#,
            "parameter `tabel`: there is no such parameter; there are `table`, `columns`, \
             `batch`, `character-set`, `mode`, `only`, `extra`",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(load(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn the_schema_says_what_the_struct_says() {
    let schema: serde_json::Value = serde_json::from_str(&<RepairText as Params>::schema()).unwrap();
    assert_eq!(
        schema,
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "description": "Repairs text that was decoded\nwith the wrong character set.\n\nMore about it.",
            "type": "object",
            "additionalProperties": false,
            "required": ["table", "columns"],
            "properties": {
                "table": {"type": "string", "description": "The table to repair, as `schema.table`."},
                "columns": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "The columns to repair.",
                },
                "batch": {
                    "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32,
                    "default": 5000, "description": "Rows in one batch.",
                },
                "character-set": {"type": "string", "default": "latin1"},
                "mode": {
                    "type": "string", "enum": ["fix-all", "dry"],
                    "default": "fix-all", "description": "How to repair.",
                },
                "only": {"type": "boolean"},
                "extra": {
                    "type": "object",
                    "default": {},
                    "additionalProperties": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["rate", "any"],
                        "properties": {"rate": {"type": "number"}, "any": {}},
                    },
                },
            },
        })
    );
    assert_eq!(RepairText::summary(), "Repairs text that was decoded with the wrong character set.");
    assert_eq!(Mode::LookOnly.to_json(), "dry");
    assert_eq!(RepairText::capabilities()[0].targets, ["${table}"]);
}

#[test]
fn a_migration_runs_against_the_mock() {
    let mock = Mock::new();
    mock.on_query("select id, title\n from public.listings;")
        .returns(&[("id", "int8"), ("title", "text")], [row![1, " a "], row![2, None::<String>]]);
    mock.table("public.repaired", &[("id", "bigint"), ("title", "text"), ("note", "text")]);

    let migration = load(r#"{"table": "public.listings", "columns": []}"#).unwrap();
    mock.upgrade(&migration).unwrap();

    assert_eq!(
        mock.written_values("public.repaired"),
        [row![1_i64, "a", Value::Null], row![2_i64, Value::Null, Value::Null]],
    );
    assert_eq!(mock.log()[0].message, "repaired 2 rows in public.listings");
    assert_eq!(mock.progress(), [(2, None)]);
    assert!(mock.downgrade(&migration).unwrap_err().is_irreversible());
}

#[derive(PgEnum, Debug, PartialEq, Clone, Copy)]
enum Mood {
    VeryHappy,
    #[pg(rename = "SAD")]
    Sad,
}

#[derive(PgNewtype, Debug, PartialEq)]
struct ListingId(i64);

#[derive(FromRow, ToRow, Debug, PartialEq)]
struct Everything {
    id: ListingId,
    mood: Mood,
    #[row(rename = "type")]
    kind: Option<String>,
    tags: Vec<Option<String>>,
    price: Numeric,
    at: TimestampTz,
    day: Date,
    key: Uuid,
    doc: JsonOf<BTreeMap<String, i32>>,
    raw: Vec<u8>,
    span: Interval,
    small: i32,
}

const EVERYTHING: &[(&str, &str)] = &[
    ("id", "int8"),
    ("mood", "mood"),
    ("type", "varchar"),
    ("tags", "text[]"),
    ("price", "numeric"),
    ("at", "timestamptz"),
    ("day", "date"),
    ("key", "uuid"),
    ("doc", "jsonb"),
    ("raw", "bytea"),
    ("span", "interval"),
    ("small", "int4"),
];

fn everything() -> Everything {
    Everything {
        id: ListingId(7),
        mood: Mood::VeryHappy,
        kind: None,
        tags: vec![Some("a".to_owned()), None],
        price: "1.50".parse().unwrap(),
        at: TimestampTz::INFINITY,
        day: Date::from_ymd(2024, 2, 29).unwrap(),
        key: "0f8fad5b-d9cb-469f-a165-70867728950e".parse().unwrap(),
        doc: JsonOf(BTreeMap::from([("a".to_owned(), 1)])),
        raw: vec![0, 255],
        span: Interval { months: 1, days: -2, micros: 3 },
        small: -5,
    }
}

#[test]
fn every_type_is_written_and_read_back() {
    let mock = Mock::new();
    mock.table("t", EVERYTHING);
    let mut writer = mock.transaction().writer("t", &[]).unwrap();
    writer.write(&everything()).unwrap();
    assert_eq!(writer.finish().unwrap(), 1);
    assert_eq!(mock.written::<Everything>("t"), [everything()]);

    mock.on_query("select").returns(EVERYTHING, mock.written_values("t"));
    let tx = mock.transaction();
    assert_eq!(tx.query_one::<Everything>("select", &[]).unwrap(), everything());
    let mut reader = tx.reader("select", &[]).unwrap();
    let rows: Result<Vec<Everything>> = reader.rows().collect();
    assert_eq!(rows.unwrap(), [everything()]);
    let row = &tx.query("select", &[]).unwrap()[0];
    assert_eq!(row.get::<Mood>("mood").unwrap(), Mood::VeryHappy);
    assert_eq!(row.get::<i64>(0).unwrap(), 7);
    assert_eq!(row.get::<Option<String>>("type").unwrap(), None);
}

#[derive(FromRow, Debug)]
#[allow(dead_code, reason = "only reading it is of interest")]
struct Wrong {
    id: i32,
}

#[test]
fn a_column_that_does_not_fit_is_named_with_both_types() {
    let mock = Mock::new();
    let tx = mock.transaction();
    mock.on_query("a").returns(&[("id", "text")], [row!["x"]]);
    mock.on_query("b").returns(&[("no", "int4")], []);
    mock.on_query("c").returns(&[("id", "int4")], [row![Value::Null]]);
    mock.on_query("d").returns(&[("mood", "mood")], [row!["so-so"]]);
    let message = |sql| tx.query_as::<Wrong>(sql, &[]).unwrap_err().to_string();
    assert_eq!(
        message("a"),
        "the field `id: i32` of `Wrong` does not fit the column `id` of type text: it takes int2 \
         or int4"
    );
    assert_eq!(message("b"), "there is no column `id` for the field `id` of `Wrong`; there are `no`");
    assert_eq!(
        message("c"),
        "the column `id`, read into `Wrong`, is NULL; the field's type would have to be an `Option`"
    );
    assert_eq!(
        tx.query_as::<(Mood,)>("d", &[]).unwrap_err().to_string(),
        "the column `mood`, read into `a tuple`, is `so-so`, expected one of `very_happy`, `SAD`"
    );
}

#[test]
fn a_row_that_cannot_be_written_leaves_nothing_behind() {
    let mock = Mock::new();
    mock.table("t", &[("a", "numeric"), ("b", "text")]);
    let mut writer = mock.transaction().writer("t", &["a", "b"]).unwrap();
    let error = writer.write(&(1_i64, "x")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the field `0: i64` of `a tuple` does not fit the column `a` of type numeric: it takes int8"
    );
    writer.write(&(Numeric::from(1), "x")).unwrap();
    writer.write(&(None::<Numeric>, None::<&str>)).unwrap();
    assert_eq!(writer.finish().unwrap(), 2);
}

#[test]
fn parameters_of_statements_are_recorded() {
    let mock = Mock::new();
    mock.on_execute("update").affects(3);
    let (id, name) = (ListingId(1), "x".to_owned());
    let rows = mock.transaction().execute("update", &[&id, &name, &Mood::Sad, &vec![1, 2]]).unwrap();
    assert_eq!(rows, 3);
    let params = &mock.statements()[0].params;
    assert_eq!(params[..3], row![1_i64, "x", "SAD"]);
    assert!(matches!(&params[3], Value::Array(array) if array.elements.len() == 2));
}

#[test]
fn an_error_aborts_the_transaction_until_the_savepoint_is_rolled_back() {
    let mock = Mock::new();
    mock.on_execute("insert").fails("23505", "duplicate key");
    mock.on_execute("select 1").affects(1);
    let tx = mock.transaction();

    let error = tx.in_savepoint(|tx| tx.execute("insert", &[])).unwrap_err();
    assert_eq!(error.sqlstate(), Some("23505"));
    assert_eq!(tx.execute("select 1", &[]).unwrap(), 1);

    tx.execute("insert", &[]).unwrap_err();
    let error = tx.execute("select 1", &[]).context("looking again").unwrap_err();
    assert_eq!(error.sqlstate(), Some("25P02"));
    assert!(error.to_string().starts_with("looking again: current transaction is aborted"));
}

#[derive(Params)]
struct Swallows {
    writer: bool,
}

impl Migration for Swallows {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        match self.writer {
            true => drop(tx.writer("t", &[])?),
            false => drop(tx.execute("insert", &[])),
        }
        Ok(())
    }
}

#[test]
fn what_the_runner_would_not_commit_fails() {
    let mock = Mock::new();
    mock.on_execute("insert").fails("23505", "duplicate key");
    let error = mock.upgrade(&Swallows { writer: false }).unwrap_err();
    assert_eq!(error.sqlstate(), Some("23505"));

    let mock = Mock::new();
    mock.table("t", &[("id", "int8")]);
    let error = mock.upgrade(&Swallows { writer: true }).unwrap_err();
    assert!(error.to_string().contains("dropped without `finish`"), "{error}");
}

#[test]
fn savepoints_end_in_order() {
    let mock = Mock::new();
    let tx = mock.transaction();
    let outer = tx.savepoint().unwrap();
    let inner = tx.savepoint().unwrap();
    assert!(outer.release().unwrap_err().to_string().ends_with("(order)"));
    drop(inner);
}

#[test]
fn standard_errors_become_errors_with_their_causes() {
    fn parse() -> Result<i32> {
        let number: i32 = "x".parse().context("reading the count")?;
        ensure!(number > 0, "{number} is not positive");
        bail!("never");
    }
    assert_eq!(parse().unwrap_err().to_string(), "reading the count: invalid digit found in string");
}
