//! `COPY … FROM STDIN` through a writer, as a migration has to do it.
//!
//! It reads as much of the statement as the cases have: a table, a list of
//! columns, and the formats text and csv with `HEADER`. Every value is sent as a
//! literal, so that the server parses it as it would in a COPY.

use crate::bindings::runner::migration::sql::{BatchWriter, Row, Transaction};
use crate::bindings::runner::migration::types::{Error, Value};

/// What a statement says.
struct Copy {
    table: String,
    columns: Vec<String>,
    is_csv: bool,
    has_header: bool,
}

/// Whether a statement begins with the word COPY.
pub fn is_copy(sql: &str) -> bool {
    sql.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("copy"))
}

/// Writes the data; returns the number of rows.
pub fn copy(tx: &Transaction, sql: &str, data: &str) -> Result<String, Error> {
    let Some(copy) = parse(sql) else {
        return Err(Error::Other(("case".into(), "only COPY … FROM STDIN is understood".into())));
    };
    let columns: Vec<String> = copy.columns.clone();
    let writer = tx.open_writer(&copy.table, &columns)?;
    let lines = data.lines().skip(usize::from(copy.has_header)).take_while(|line| *line != "\\.");
    let rows: Vec<Row> = lines.map(|line| copy.row(line)).collect();
    writer.write_rows(&rows)?;
    Ok(BatchWriter::finish(writer)?.to_string())
}

fn parse(sql: &str) -> Option<Copy> {
    let rest = sql.trim_start().get("copy".len()..)?;
    let at = rest.to_ascii_lowercase().find("from stdin")?;
    let (target, options) = (rest[..at].trim(), rest[at..].to_ascii_lowercase());
    let (table, columns) = match target.split_once('(') {
        Some((table, columns)) => (table.trim(), columns.trim_end().strip_suffix(')')?),
        None => (target, ""),
    };
    let columns = columns.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    Some(Copy {
        table: table.to_owned(),
        columns: columns.collect(),
        is_csv: options.contains("csv"),
        has_header: options.contains("header") && !options.contains("header false"),
    })
}

impl Copy {
    fn row(&self, line: &str) -> Row {
        if self.is_csv { csv(line).map(|field| value(field, "")).collect() } else { text(line) }
    }
}

/// Fields between commas; quotes around a field may hold commas.
fn csv(line: &str) -> impl Iterator<Item = String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().expect("there is always one").push(other),
        }
    }
    fields.into_iter()
}

/// Fields between tabs.
fn text(line: &str) -> Row {
    line.split('\t').map(|field| value(field.to_owned(), "\\N")).collect()
}

fn value(field: String, null: &str) -> Value {
    if field == null { Value::Null } else { Value::Literal(field) }
}
