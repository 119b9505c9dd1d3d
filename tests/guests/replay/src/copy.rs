//! `COPY … FROM STDIN` through a writer, as a migration has to do it.
//!
//! It reads as much of the statement as the cases have: a table, a list of
//! columns, and the formats text and csv with `HEADER`; and values of the types
//! that tables of the fixture have.

use crate::bindings::runner::migration::sql::{BatchWriter, Row, Transaction};
use crate::bindings::runner::migration::types::{Column, Error, Value};

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
    let writer = tx.open_writer(&copy.table, &copy.columns)?;
    let columns = writer.columns();
    let lines = data.lines().skip(usize::from(copy.has_header)).take_while(|line| *line != "\\.");
    let rows: Result<Vec<Row>, Error> = lines.map(|line| copy.row(line, &columns)).collect();
    writer.write_rows(&rows?)?;
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
    fn row(&self, line: &str, columns: &[Column]) -> Result<Row, Error> {
        let (fields, null) = match self.is_csv {
            true => (csv(line), ""),
            false => (line.split('\t').map(str::to_owned).collect(), "\\N"),
        };
        fields.iter().zip(columns).map(|(field, column)| value(field, null, column)).collect()
    }
}

/// Fields between commas; quotes around a field may hold commas.
fn csv(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().expect("there is always one").push(other),
        }
    }
    fields
}

fn value(field: &str, null: &str, column: &Column) -> Result<Value, Error> {
    if field == null {
        return Ok(Value::Null);
    }
    let wrong = || Error::Other(("case".into(), format!("no {}: {field}", column.type_name)));
    match column.type_name.as_str() {
        "int2" => field.parse().map(Value::Int2).map_err(|_| wrong()),
        "int4" => field.parse().map(Value::Int4).map_err(|_| wrong()),
        "int8" => field.parse().map(Value::Int8).map_err(|_| wrong()),
        "float8" => field.parse().map(Value::Float8).map_err(|_| wrong()),
        "bool" => Ok(Value::Boolean(field.starts_with(['t', 'T', '1', 'y']))),
        "numeric" => Ok(Value::Numeric(field.to_owned())),
        // The host makes enums and JSON of it, and says so where it cannot.
        _ => Ok(Value::Text(field.to_owned())),
    }
}
