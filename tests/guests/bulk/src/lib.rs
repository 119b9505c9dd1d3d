//! A guest that makes bulk changes as its parameters say: for the tests of the
//! host. It does without the SDK, to reach what the SDK hides.
//!
//! - `open`: `update`, `upsert`, `delete`, `rewrite`, `insert` or `describe`;
//! - `table`, and `key` and `columns` with a name in each line;
//! - `options`: the names of the options that are on, with spaces between;
//! - `read`: the query whose rows are written, as they are;
//! - `view`: `rows` to write values instead of bytes;
//! - `course`: what else happens, as the functions below say;
//! - `first`: a script before everything; `between`: a query before `finish`.
//!
//! It answers by messages to the log.

#![expect(clippy::result_large_err, reason = "the generated types are what the interface returns")]

mod bindings {
    wit_bindgen::generate!({ world: "plugin", path: "../../../wit/0.1.1", export_macro_name: "export" });
}

use bindings::exports::runner::migration::migration::{Capability, Description, Guest};
use bindings::runner::migration::host::{self, Level};
use bindings::runner::migration::sql::{
    BatchReader, BatchWriter, DeleteOptions, RewriteOptions, Savepoint, Transaction, UpdateOptions,
    UpsertOptions,
};
use bindings::runner::migration::types::{Error, Failure};

struct Bulk;

impl Guest for Bulk {
    fn describe() -> Description {
        Description {
            name: "bulk".into(),
            version: "0.1.0".into(),
            summary: "Makes bulk changes as a test wants.".into(),
            params_schema: r#"{"type": "object"}"#.into(),
            capabilities: Vec::<Capability>::new(),
        }
    }

    fn upgrade(tx: &Transaction) -> Result<(), Failure> {
        if let Some(first) = host::param("first") {
            tx.script(&first).map_err(Failure::Sql)?;
        }
        run(tx).map_err(Failure::Sql)
    }

    fn downgrade(_: &Transaction) -> Result<(), Failure> {
        Err(Failure::Irreversible(None))
    }
}

fn run(tx: &Transaction) -> Result<(), Error> {
    if param("open") == "describe" {
        return describe(tx);
    }
    match param("course").as_str() {
        "unfinished" => {
            drop(written(tx, open(tx)?)?);
            Ok(())
        }
        "left-open" => {
            std::mem::forget(written(tx, open(tx)?)?);
            Ok(())
        }
        "stop" => {
            written(tx, open(tx)?)?;
            Err(Error::Other(("stop".into(), "it stops half-way".into())))
        }
        "swallow" => {
            let ended = open(tx).and_then(|writer| finish(written(tx, writer)?));
            say(format!("swallowed {ended:?}"));
            Ok(())
        }
        "reader-first" => {
            let reader = tx.open_reader(&param("read"), &[])?;
            reader.next_bytes(1, 1)?;
            let opened = open(tx).map(drop);
            BatchReader::close(reader)?;
            opened
        }
        "undo-some" => undo_some(tx),
        "undo-finish" => undo_finish(tx),
        "fail-and-go-on" => fail_and_go_on(tx),
        "twice" => {
            finish(written(tx, open(tx)?)?)?;
            finish(written(tx, open(tx)?)?)
        }
        _ => finish(written(tx, open(tx)?)?),
    }
}

/// What was written after a savepoint is gone when it is rolled back, and the
/// writer goes on.
fn undo_some(tx: &Transaction) -> Result<(), Error> {
    let writer = written(tx, open(tx)?)?;
    let savepoint = tx.savepoint()?;
    let writer = copied(tx, &param("undone"), writer)?;
    Savepoint::rollback(savepoint)?;
    finish(writer)
}

/// A writer that was opened before a savepoint is finished after it, and the
/// savepoint is rolled back.
fn undo_finish(tx: &Transaction) -> Result<(), Error> {
    let writer = written(tx, open(tx)?)?;
    let savepoint = tx.savepoint()?;
    finish(writer)?;
    Savepoint::rollback(savepoint)
}

/// A writer that was opened after a savepoint fails; after its rollback, rows of
/// another query are written.
fn fail_and_go_on(tx: &Transaction) -> Result<(), Error> {
    let savepoint = tx.savepoint()?;
    let ended = open(tx).and_then(|writer| finish(written(tx, writer)?));
    say(format!("failed {ended:?}"));
    Savepoint::rollback(savepoint)?;
    finish(copied(tx, &param("instead"), open(tx)?)?)
}

fn open(tx: &Transaction) -> Result<BatchWriter, Error> {
    let (table, key, columns) = (param("table"), lines("key"), lines("columns"));
    let (skip_unchanged, allow_missing) = (is_on("skip-unchanged"), is_on("allow-missing"));
    let lock_out_writers = is_on("lock-out-writers");
    let writer = match param("open").as_str() {
        "update" => {
            let options = UpdateOptions { skip_unchanged, allow_missing, lock_out_writers };
            tx.open_update(&table, &key, &columns, options)
        }
        "upsert" => {
            let keep_existing = is_on("keep-existing");
            let options = UpsertOptions { keep_existing, skip_unchanged, lock_out_writers };
            tx.open_upsert(&table, &key, &columns, options)
        }
        "delete" => tx.open_delete(&table, &key, DeleteOptions { allow_missing, lock_out_writers }),
        "rewrite" => {
            let options = RewriteOptions { fire_triggers: is_on("fire-triggers") };
            tx.open_rewrite(&table, &columns, options)
        }
        _ => tx.open_writer(&table, &columns),
    }?;
    let columns = writer.columns();
    let names: Vec<_> =
        columns.iter().map(|column| format!("{}:{}", column.name, column.type_name)).collect();
    say(format!("columns {}", names.join(" ")));
    Ok(writer)
}

fn written(tx: &Transaction, writer: BatchWriter) -> Result<BatchWriter, Error> {
    let writer = copied(tx, &param("read"), writer)?;
    if let Some(between) = host::param("between") {
        tx.query(&between, &[])?;
    }
    Ok(writer)
}

fn copied(tx: &Transaction, query: &str, writer: BatchWriter) -> Result<BatchWriter, Error> {
    if query.is_empty() {
        return Ok(writer);
    }
    let reader = tx.open_reader(query, &[])?;
    loop {
        if param("view") == "rows" {
            let rows = reader.next_rows(1_000)?;
            if rows.is_empty() {
                break;
            }
            writer.write_rows(&rows)?;
        } else {
            let bytes = reader.next_bytes(10_000, 1 << 20)?;
            if bytes.is_empty() {
                break;
            }
            writer.write_bytes(&bytes)?;
        }
    }
    BatchReader::close(reader)?;
    Ok(writer)
}

fn finish(writer: BatchWriter) -> Result<(), Error> {
    let counts = BatchWriter::finish_counted(writer)?;
    say(format!(
        "written {} inserted {} updated {} deleted {} unchanged {} missing {}",
        counts.written, counts.inserted, counts.updated, counts.deleted, counts.unchanged, counts.missing
    ));
    Ok(())
}

fn describe(tx: &Transaction) -> Result<(), Error> {
    let table = tx.describe_table(&param("table"))?;
    say(format!(
        "{} {} key ({}) rows {:?}",
        table.schema,
        table.name,
        table.key.join(", "),
        table.estimated_rows
    ));
    for column in table.columns {
        let (nullable, generated, column) = (column.nullable, column.generated, column.column);
        say(format!(
            "{} {} {} {} {}",
            column.name, column.type_name, column.type_modifier, nullable, generated
        ));
    }
    Ok(())
}

/// A parameter; empty if it is not set.
fn param(name: &str) -> String {
    host::param(name).unwrap_or_default()
}

fn lines(name: &str) -> Vec<String> {
    param(name).lines().map(str::to_owned).collect()
}

fn is_on(option: &str) -> bool {
    param("options").split_whitespace().any(|word| word == option)
}

fn say(text: impl AsRef<str>) {
    host::log(Level::Info, text.as_ref());
}

bindings::export!(Bulk with_types_in bindings);
