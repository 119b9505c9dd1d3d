//! What a migration may do.

use crate::bindings::runner::migration::host;
use crate::bindings::runner::migration::sql::{BatchReader, BatchWriter, Savepoint, Transaction};
use crate::bindings::runner::migration::types::{ArrayDim, ArrayValue, Error, Failure, Interval, Value};
use crate::{number, param, say, sql};

/// Does what `kind` says; none if it is not known here.
pub fn run(kind: &str, tx: &Transaction) -> Option<Result<(), Failure>> {
    Some(match kind {
        "nothing" => Ok(()),
        "message" => Err(Failure::Message("in its own words".into())),
        "host" => host_functions(),
        "random" => random(),
        "log" => log(),
        "execute" => execute(tx),
        "query" => query(tx),
        "script" => tx.script(&param("sql")).map_err(sql),
        "swallow" => swallow(tx),
        "savepoint" => savepoint(tx),
        "savepoint-order" => savepoint_order(tx),
        "savepoint-reader" => savepoint_reader(tx),
        "savepoint-writer" => savepoint_writer(tx),
        "write-then-script" => write_then_script(tx),
        "reader-rows" => reader_rows(tx),
        "reader-bytes" => reader_bytes(tx),
        "writer-rows" => writer_rows(tx),
        "write" => write(tx),
        "keep-or-undo" => keep_or_undo(tx),
        "copy" => copy(tx),
        "copy-rows" => copy_rows(tx),
        "copy-params" => copy_params(tx),
        _ => return None,
    })
}

fn host_functions() -> Result<(), Failure> {
    host::progress(1, Some(2));
    host::progress(2, None);
    say(host::params());
    say(format!("{:?}", host::param("list")));
    say(format!("{:?}", host::param("unset")));
    say(host::transaction_time().to_string());
    Ok(())
}

fn random() -> Result<(), Failure> {
    let bytes = host::random_bytes(number("len")).map_err(sql)?;
    say(bytes.len().to_string());
    Ok(())
}

fn log() -> Result<(), Failure> {
    for _ in 0..number("times") {
        say("x".repeat(1000));
    }
    Ok(())
}

/// The parameter `values`, one a line: `int4:1`, `null`, `literal:x` …
fn values() -> Vec<Value> {
    param("values").lines().map(value).collect()
}

fn value(line: &str) -> Value {
    let (kind, text) = line.split_once(':').unwrap_or((line, ""));
    let text = text.to_owned();
    let number = |text: &str| text.parse::<i64>().expect("a number");
    match kind {
        "int2" => Value::Int2(text.parse().expect("an int2")),
        "int4" => Value::Int4(text.parse().expect("an int4")),
        "int8" => Value::Int8(number(&text)),
        "numeric" => Value::Numeric(text),
        "text" => Value::Text(text),
        "lines" => Value::Text(lines(&text)),
        "texts" => texts(&lines(&text)),
        "jsonb" => Value::Jsonb(text),
        "bytea" => Value::Bytea(bytes(&text)),
        "timestamptz" => Value::Timestamptz(number(&text)),
        "date" => Value::Date(text.parse().expect("days")),
        "time" => Value::Time(number(&text)),
        "interval" => interval(&text),
        "float4" => Value::Float4(text.parse().expect("a float4")),
        "float8" => Value::Float8(text.parse().expect("a float8")),
        "bool" => Value::Boolean(text == "t"),
        "uuid" => Value::Uuid((text.parse().expect("a number"), 1)),
        "literal" => Value::Literal(text),
        _ => Value::Null,
    }
}

/// `␤` stands for the end of a line: the values are one a line.
fn lines(text: &str) -> String {
    text.replace('␤', "\n")
}

fn bytes(digits: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(pair).collect()
}

/// Months, days and microseconds.
fn interval(text: &str) -> Value {
    let mut parts = text.split(' ').map(|part| part.parse::<i64>().expect("a number"));
    let mut next = || parts.next().expect("three numbers");
    Value::Interval(Interval { months: next() as i32, days: next() as i32, micros: next() })
}

/// An array of `text` that begins at 0, with the items that commas divide and a
/// NULL after them.
fn texts(text: &str) -> Value {
    let mut elements: Vec<_> = text.split(',').map(|item| Some(item.as_bytes().to_vec())).collect();
    elements.push(None);
    let dims = vec![ArrayDim { len: elements.len() as u32, lower_bound: 0 }];
    Value::Array(ArrayValue { element_oid: 25, dims, elements })
}

/// Writes the values `times` times as rows of the named columns, asking for
/// nothing.
fn write(tx: &Transaction) -> Result<(), Failure> {
    let columns: Vec<String> = param("columns").split_whitespace().map(str::to_owned).collect();
    let writer = tx.open_writer(&param("table"), &columns).map_err(sql)?;
    let rows = vec![values(); number("times").max(1) as usize];
    writer.write_rows(&rows).map_err(sql)?;
    say(short(BatchWriter::finish(writer)));
    Ok(())
}

/// Runs the statement after a savepoint, and ends the savepoint as `end` says.
fn keep_or_undo(tx: &Transaction) -> Result<(), Failure> {
    let savepoint = tx.savepoint().map_err(sql)?;
    tx.execute(&param("sql"), &[]).map_err(sql)?;
    match param("end").as_str() {
        "release" => Savepoint::release(savepoint).map_err(sql),
        "rollback" => Savepoint::rollback(savepoint).map_err(sql),
        _ => {
            drop(savepoint);
            Ok(())
        }
    }
}

/// Runs the statement `times` times, and the statement `between` in between.
fn execute(tx: &Transaction) -> Result<(), Failure> {
    for time in 0..number("times").max(1) {
        if time > 0 && !param("between").is_empty() {
            tx.execute(&param("between"), &[]).map_err(sql)?;
        }
        let rows = tx.execute(&param("sql"), &values()).map_err(sql)?;
        say(format!("{rows} rows"));
    }
    Ok(())
}

fn query(tx: &Transaction) -> Result<(), Failure> {
    let result = tx.query(&param("sql"), &values()).map_err(sql)?;
    for column in &result.columns {
        say(format!("{} {} {} {}", column.name, column.type_oid, column.type_name, column.type_modifier));
    }
    for row in &result.rows {
        say(format!("{row:?}"));
    }
    Ok(())
}

/// Runs a statement, hides its error, tries another, and reports success.
fn swallow(tx: &Transaction) -> Result<(), Failure> {
    say(short(tx.execute(&param("sql"), &[])));
    say(short(tx.execute("select 'next'", &[])));
    Ok(())
}

fn short<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("ok {value:?}"),
        Err(Error::Database(error)) => format!("database {} at {:?}", error.sqlstate, error.position),
        Err(Error::Other((kind, _))) => kind,
        Err(error) => format!("{error:?}"),
    }
}

/// Sets a savepoint, runs the statement, and ends the savepoint as `end` says.
fn savepoint(tx: &Transaction) -> Result<(), Failure> {
    let savepoint = tx.savepoint().map_err(sql)?;
    say(short(tx.execute(&param("sql"), &[])));
    match param("end").as_str() {
        "release" => say(short(Savepoint::release(savepoint))),
        "rollback" => say(short(Savepoint::rollback(savepoint))),
        "drop" => drop(savepoint),
        _ => std::mem::forget(savepoint),
    }
    say(short(tx.execute("select 'after'", &[])));
    Ok(())
}

fn savepoint_order(tx: &Transaction) -> Result<(), Failure> {
    let outer = tx.savepoint().map_err(sql)?;
    let inner = tx.savepoint().map_err(sql)?;
    say(short(Savepoint::release(outer)));
    say(short(Savepoint::release(inner)));
    Ok(())
}

/// A reader that is opened after a savepoint ends with it.
fn savepoint_reader(tx: &Transaction) -> Result<(), Failure> {
    let savepoint = tx.savepoint().map_err(sql)?;
    let reader = tx.open_reader(&param("sql"), &[]).map_err(sql)?;
    Savepoint::rollback(savepoint).map_err(sql)?;
    say(short(reader.next_bytes(1, 1)));
    say(short(BatchReader::close(reader)));
    Ok(())
}

/// Rows that are written after a savepoint are gone when it is rolled back.
fn savepoint_writer(tx: &Transaction) -> Result<(), Failure> {
    let writer = tx.open_writer(&param("table"), &[]).map_err(sql)?;
    let row = vec![Value::Int4(1), Value::Text("a".into())];
    writer.write_rows(std::slice::from_ref(&row)).map_err(sql)?;
    let savepoint = tx.savepoint().map_err(sql)?;
    writer.write_rows(&[row.clone(), row.clone()]).map_err(sql)?;
    let doomed = tx.open_writer(&param("table"), &[]).map_err(sql)?;
    doomed.write_rows(std::slice::from_ref(&row)).map_err(sql)?;
    Savepoint::rollback(savepoint).map_err(sql)?;
    say(short(BatchWriter::finish(doomed)));
    say(short(BatchWriter::finish(writer)));
    Ok(())
}

/// A script while a writer still holds rows.
fn write_then_script(tx: &Transaction) -> Result<(), Failure> {
    let writer = tx.open_writer(&param("table"), &["id".to_owned()]).map_err(sql)?;
    let rows = vec![vec![Value::Int4(1)]; number("rows") as usize];
    writer.write_rows(&rows).map_err(sql)?;
    tx.script(&param("sql")).map_err(sql)?;
    BatchWriter::finish(writer).map_err(sql)?;
    Ok(())
}

fn reader_rows(tx: &Transaction) -> Result<(), Failure> {
    let reader = tx.open_reader(&param("sql"), &values()).map_err(sql)?;
    say(format!("{} columns", reader.columns().len()));
    loop {
        let rows = reader.next_rows(number("max-rows")).map_err(sql)?;
        say(format!("{} rows", rows.len()));
        if rows.is_empty() {
            break;
        }
    }
    BatchReader::close(reader).map_err(sql)
}

fn reader_bytes(tx: &Transaction) -> Result<(), Failure> {
    let reader = tx.open_reader(&param("sql"), &values()).map_err(sql)?;
    loop {
        let bytes = reader.next_bytes(number("max-rows"), number("max-bytes")).map_err(sql)?;
        say(format!("{} bytes", bytes.len()));
        if bytes.is_empty() {
            return Ok(());
        }
    }
}

/// Writes `rows` rows of an `int4` and a `text`, `batch` rows a call.
fn writer_rows(tx: &Transaction) -> Result<(), Failure> {
    let columns: Vec<String> = param("columns").split_whitespace().map(str::to_owned).collect();
    let writer = tx.open_writer(&param("table"), &columns).map_err(sql)?;
    let names: Vec<String> = writer.columns().into_iter().map(|column| column.name).collect();
    say(names.join(" "));
    let row = vec![Value::Int8(7), Value::Text("x".repeat(100))];
    let batch = vec![row; number("batch") as usize];
    for _ in 0..number("rows") / number("batch").max(1) {
        writer.write_rows(&batch).map_err(sql)?;
    }
    say(short(BatchWriter::finish(writer)));
    Ok(())
}

/// From a query into a table, as bytes.
fn copy(tx: &Transaction) -> Result<(), Failure> {
    let reader = tx.open_reader(&param("sql"), &[]).map_err(sql)?;
    let writer = tx.open_writer(&param("table"), &[]).map_err(sql)?;
    loop {
        let bytes = reader.next_bytes(20_000, 1 << 20).map_err(sql)?;
        if bytes.is_empty() {
            break;
        }
        writer.write_bytes(&bytes).map_err(sql)?;
    }
    BatchReader::close(reader).map_err(sql)?;
    say(short(BatchWriter::finish(writer)));
    Ok(())
}

/// The same by values.
fn copy_rows(tx: &Transaction) -> Result<(), Failure> {
    let reader = tx.open_reader(&param("sql"), &[]).map_err(sql)?;
    let writer = tx.open_writer(&param("table"), &[]).map_err(sql)?;
    loop {
        let rows = reader.next_rows(1_000).map_err(sql)?;
        if rows.is_empty() {
            break;
        }
        writer.write_rows(&rows).map_err(sql)?;
    }
    BatchReader::close(reader).map_err(sql)?;
    say(short(BatchWriter::finish(writer)));
    Ok(())
}

/// The same by values as the parameters of `insert`.
fn copy_params(tx: &Transaction) -> Result<(), Failure> {
    let insert = param("insert");
    for row in tx.query(&param("sql"), &[]).map_err(sql)?.rows {
        tx.execute(&insert, &row).map_err(sql)?;
    }
    Ok(())
}
