//! What the mock was told, and what was done to it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use super::control::db_error;
use super::table::{Table, place, project};
use crate::bindings::types::{self, Column};
use crate::bulk::TableRead;
use crate::codec::{Span, decode_value, next_tuple};
use crate::host::Level;
use crate::row::{Row, encode_row};
use crate::types::{PgType, oid};
use crate::{Error, Result, Value};

/// One statement that a migration ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The statement. A savepoint's are `SAVEPOINT`, `RELEASE` and `ROLLBACK TO`;
    /// a reader's is its query, a writer's `COPY` and the table.
    pub sql: String,
    /// Its parameters.
    pub params: Vec<Value>,
}

/// One message that a migration logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// The message.
    pub message: String,
}

/// What a statement is answered with.
#[derive(Clone)]
pub(super) enum Answer {
    Rows(ResultSet),
    Affected(u64),
    Fails(types::Error),
}

/// Columns, and rows as tuples.
#[derive(Clone)]
pub(super) struct ResultSet {
    pub(super) columns: Vec<Column>,
    pub(super) tuples: Vec<Vec<u8>>,
}

/// Everything about one mock.
#[derive(Default)]
pub(crate) struct State {
    expected: RefCell<Vec<Expected>>,
    pub(super) tables: RefCell<Vec<Table>>,
    filters: RefCell<Vec<(String, Filter)>>,
    /// What the last reader was told about the number of rows.
    pub(super) expected_rows: Cell<Option<u64>>,
    pub(super) accept_everything: Cell<bool>,
    pub(super) statements: RefCell<Vec<Statement>>,
    pub(super) log: RefCell<Vec<LogLine>>,
    pub(super) progress: RefCell<Vec<(u64, Option<u64>)>>,
    pub(super) params: RefCell<String>,
    pub(super) transaction_time: Cell<i64>,
    /// The state of the generator; none where `random` is not granted.
    pub(super) random: Cell<Option<u64>>,
    /// The savepoints that are set, the last one last, with the tables as they
    /// were.
    pub(super) savepoints: RefCell<Vec<(u32, Vec<Table>)>>,
    pub(super) next_savepoint: Cell<u32>,
    /// The error that aborted the transaction.
    pub(super) aborted: RefCell<Option<types::Error>>,
    pub(super) lost_writer: RefCell<Option<String>>,
}

/// Stands for a condition in SQL.
type Filter = Rc<dyn Fn(&Row) -> bool>;

struct Expected {
    sql: String,
    prefix: bool,
    answers: VecDeque<Answer>,
}

impl State {
    pub(super) fn expect(&self, sql: &str, prefix: bool, answer: Answer) {
        let sql = normal(sql);
        let mut expected = self.expected.borrow_mut();
        match expected.iter_mut().find(|known| known.sql == sql && known.prefix == prefix) {
            Some(known) => known.answers.push_back(answer),
            None => expected.push(Expected { sql, prefix, answers: [answer].into() }),
        }
    }

    /// Records a statement and finds its answer.
    pub(super) fn run(&self, sql: &str, params: &[Value]) -> Result<Answer, types::Error> {
        self.record(sql, params);
        self.check_alive()?;
        match self.answer(&normal(sql)) {
            Answer::Fails(error) => {
                if matches!(error, types::Error::Database(_)) {
                    *self.aborted.borrow_mut() = Some(error.clone());
                }
                Err(error)
            }
            answer => Ok(answer),
        }
    }

    pub(super) fn record(&self, sql: &str, params: &[Value]) {
        let statement = Statement { sql: sql.to_owned(), params: params.to_vec() };
        self.statements.borrow_mut().push(statement);
    }

    /// Refuses everything in an aborted transaction, as the server does.
    pub(super) fn check_alive(&self) -> Result<(), types::Error> {
        match &*self.aborted.borrow() {
            None => Ok(()),
            Some(_) => Err(types::Error::Database(db_error(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
            ))),
        }
    }

    /// What the runner looks at before it commits.
    pub(super) fn settle(&self) -> Result<()> {
        if let Some(table) = &*self.lost_writer.borrow() {
            return Err(Error::message(format!(
                "a writer to `{table}` was dropped without `finish`; its rows are lost"
            )));
        }
        match self.aborted.borrow().clone() {
            None => Ok(()),
            Some(error) => Err(Error::from(error).context(
                "the migration returned ok, but an error that it swallowed has aborted the \
                 transaction",
            )),
        }
    }

    pub(super) fn table(&self, name: &str) -> Table {
        let tables = self.tables.borrow();
        let table = tables.iter().find(|table| table.name == name);
        table.cloned().unwrap_or_else(|| {
            panic!("the mock has no table `{name}`: call `mock.table(\"{name}\", …)` first")
        })
    }

    /// Changes a table; an error of the server aborts the transaction.
    pub(super) fn change<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Table) -> Result<T, types::Error>,
    ) -> Result<T, types::Error> {
        let mut tables = self.tables.borrow_mut();
        let table = tables.iter_mut().find(|table| table.name == name);
        let changed = change(table.expect("a writer was opened on the table"));
        if let Err(error @ types::Error::Database(_)) = &changed {
            *self.aborted.borrow_mut() = Some(error.clone());
        }
        changed
    }

    pub(super) fn filter(&self, condition: &str, filter: Filter) {
        self.filters.borrow_mut().push((normal(condition), filter));
    }

    /// Whether a test has said what the statement returns.
    pub(super) fn expects(&self, sql: &str) -> bool {
        let sql = normal(sql);
        self.expected
            .borrow()
            .iter()
            .any(|known| known.sql == sql || (known.prefix && sql.starts_with(&known.sql)))
    }

    /// The rows of a table that a transform reads.
    pub(super) fn read_table(&self, read: &TableRead) -> Result<ResultSet, types::Error> {
        self.record(&read.select(), read.params());
        self.check_alive()?;
        let table = self.table(&read.table);
        let mut set = table.set.clone();
        if let Some((condition, _)) = &read.filter {
            let filter = self.filter_of(condition);
            let columns: Rc<[Column]> = set.columns.clone().into();
            set.tuples.retain(|tuple| filter(&Row::new(Rc::clone(&columns), values_of(tuple, &columns))));
        }
        if !read.order.is_empty() {
            table.sort(&mut set, &read.order);
        }
        let places: Vec<usize> = read.columns.iter().map(|name| place(&set.columns, name)).collect();
        Ok(ResultSet {
            columns: places.iter().map(|place| set.columns[*place].clone()).collect(),
            tuples: set.tuples.iter().map(|tuple| project(tuple, &places)).collect(),
        })
    }

    fn filter_of(&self, condition: &str) -> Filter {
        let known = normal(condition);
        let filters = self.filters.borrow();
        let found = filters.iter().rev().find(|(condition, _)| *condition == known);
        found.map(|(_, filter)| Rc::clone(filter)).unwrap_or_else(|| {
            panic!("the mock runs no SQL: say with `mock.on_filter` for which rows `{condition}` holds")
        })
    }

    fn answer(&self, sql: &str) -> Answer {
        let mut expected = self.expected.borrow_mut();
        let exact = expected.iter().position(|known| !known.prefix && known.sql == sql);
        let found =
            exact.or_else(|| expected.iter().position(|known| known.prefix && sql.starts_with(&known.sql)));
        let Some(index) = found else {
            assert!(self.accept_everything.get(), "{}", unexpected(sql, &expected));
            return Answer::Affected(0);
        };
        let answers = &mut expected[index].answers;
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        answer.expect("an expectation has an answer from the beginning")
    }
}

impl ResultSet {
    pub(super) fn push(&mut self, row: &[Value]) -> Result<()> {
        let mut tuple = Vec::new();
        encode_row(row, &self.columns, &mut tuple)?;
        self.tuples.push(tuple);
        Ok(())
    }

    /// The rows as the host's convenient view has them.
    pub(super) fn values(&self) -> Vec<Vec<Value>> {
        self.tuples.iter().map(|tuple| values_of(tuple, &self.columns)).collect()
    }
}

/// Takes bytes apart into tuples, which have to be whole and of the right types.
pub(super) fn split_tuples(bytes: &[u8], columns: &[Column]) -> Result<Vec<Vec<u8>>> {
    let (mut position, mut spans) = (0, Vec::new());
    let mut tuples = Vec::new();
    loop {
        let start = position;
        if !next_tuple(bytes, &mut position, columns.len(), &mut spans)? {
            return Ok(tuples);
        }
        try_values(bytes, &spans, columns)?;
        tuples.push(bytes[start..position].to_vec());
    }
}

pub(super) fn values_of(tuple: &[u8], columns: &[Column]) -> Vec<Value> {
    let mut spans = Vec::new();
    let values =
        next_tuple(tuple, &mut 0, columns.len(), &mut spans).and_then(|_| try_values(tuple, &spans, columns));
    values.expect("tuples are checked before they are kept")
}

fn try_values(bytes: &[u8], spans: &[Span], columns: &[Column]) -> Result<Vec<Value>> {
    let read = |(span, column): (&Span, &Column)| match span.of(bytes) {
        None => Ok(Value::Null),
        Some(bytes) => decode_value(column.pg_type(), bytes)
            .map_err(|error| Error::message(format!("the column `{}` {error}", column.name))),
    };
    spans.iter().zip(columns).map(read).collect()
}

pub(super) fn columns_of(columns: &[(&str, &str)]) -> Vec<Column> {
    columns.iter().map(|(name, ty)| column(name, ty)).collect()
}

/// A column of a type that is called by any of its names.
pub(super) fn column(name: &str, type_name: &str) -> Column {
    let (element, array) = match type_name.strip_suffix("[]") {
        Some(element) => (element, "_"),
        None => (type_name, ""),
    };
    let element = match element {
        "boolean" => "bool",
        "smallint" => "int2",
        "int" | "integer" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" => "float8",
        "decimal" => "numeric",
        "character varying" => "varchar",
        "timestamp with time zone" => "timestamptz",
        other => other,
    };
    let type_name = format!("{array}{element}");
    let built_in = PgType::built_in_by_name(&type_name).map(|ty| ty.oid);
    let type_oid = built_in.unwrap_or_else(|| user_defined_oid(&type_name));
    Column { name: name.to_owned(), type_oid, type_name, type_modifier: -1 }
}

/// The same number for the same name, as a database would have it.
fn user_defined_oid(name: &str) -> u32 {
    let hash = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    oid::FIRST_USER_DEFINED + name.bytes().fold(0x811C_9DC5, hash) % 1_000_000
}

fn normal(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches([';', ' ']).to_owned()
}

fn unexpected(sql: &str, expected: &[Expected]) -> String {
    let known: String = expected.iter().map(|known| format!("\n    {}", known.sql)).collect();
    let known = if known.is_empty() { " nothing".to_owned() } else { known };
    format!("the mock was not told about this statement:\n    {sql}\nit was told about:{known}")
}
