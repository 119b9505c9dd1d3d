//! What a test says to the mock, and asks it afterwards.

use std::rc::Rc;

use super::state::{Answer, LogLine, ResultSet, State, Statement, columns_of};
use super::sys;
use super::table::{Table, place};
use crate::bindings::types::{self, DbError};
use crate::bulk::ColumnNames;
use crate::row::{FromRow, Plan, Row, decode_next};
use crate::{Migration, Result, Transaction, Value};

/// A host for tests. See the [module](super).
///
/// The one that [`host`](crate::host) and the log macros speak to is the one of
/// the thread that was made last, or that last ran a migration.
pub struct Mock {
    state: Rc<State>,
    transaction: Transaction,
}

impl Mock {
    /// A host that knows no statements, no tables and no parameters.
    #[must_use]
    pub fn new() -> Self {
        let state = Rc::new(State::default());
        sys::set_current(Rc::clone(&state));
        let transaction = Transaction::of_mock(sys::Transaction::new(Rc::clone(&state)));
        Self { state, transaction }
    }

    /// The transaction to call the migration with, or parts of it.
    pub fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// Runs the migration as the runner would.
    ///
    /// # Errors
    ///
    /// What the migration returns, and what the runner would not commit: an
    /// aborted transaction, a writer that was not finished.
    pub fn upgrade<M: Migration>(&self, migration: &M) -> Result<()> {
        sys::set_current(Rc::clone(&self.state));
        migration.upgrade(&self.transaction)?;
        self.state.settle()
    }

    /// Takes the migration back as the runner would.
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade).
    pub fn downgrade<M: Migration>(&self, migration: &M) -> Result<()> {
        sys::set_current(Rc::clone(&self.state));
        migration.downgrade(&self.transaction)?;
        self.state.settle()
    }

    /// Expects a query. White space does not matter.
    pub fn on_query(&self, sql: &str) -> Expectation<'_> {
        Expectation { state: &self.state, sql: sql.to_owned(), prefix: false }
    }

    /// Expects a statement that is executed, or a script. White space does not
    /// matter.
    pub fn on_execute(&self, sql: &str) -> Expectation<'_> {
        self.on_query(sql)
    }

    /// Expects any statement that begins with this.
    pub fn on_prefix(&self, sql: &str) -> Expectation<'_> {
        Expectation { state: &self.state, sql: sql.to_owned(), prefix: true }
    }

    /// Accepts every statement that nothing else was said about: it touches and
    /// returns no rows.
    pub fn accept_everything(&self) {
        self.state.accept_everything.set(true);
    }

    /// Makes a table that can be written to. The types are PostgreSQL's, as in
    /// `int8`, `bigint`, `text[]`; other names are types made by users.
    ///
    /// What comes back takes the table's [key](MockTable::key) and its first
    /// [rows](MockTable::rows).
    pub fn table(&self, name: &str, columns: &[(&str, &str)]) -> MockTable<'_> {
        self.state.tables.borrow_mut().push(Table::new(name, columns_of(columns)));
        MockTable { state: &self.state, name: name.to_owned() }
    }

    /// Says for which rows a condition in SQL holds that a
    /// [transform](crate::Transform::filter) reads by. White space does not matter.
    pub fn on_filter(&self, condition: &str, holds: impl Fn(&Row) -> bool + 'static) {
        self.state.filter(condition, Rc::new(holds));
    }

    /// The number of rows that a reader was told to expect.
    pub fn expected_rows(&self) -> Option<u64> {
        self.state.expected_rows.get()
    }

    /// Sets the revision's parameters, a JSON object, for
    /// [`Params::load`](crate::Params::load) and
    /// [`host::param`](crate::host::param).
    pub fn set_params(&self, params: &str) {
        *self.state.params.borrow_mut() = params.to_owned();
    }

    /// Sets the time at which the transaction began.
    pub fn set_transaction_time(&self, time: crate::types::TimestampTz) {
        self.state.transaction_time.set(time.0);
    }

    /// Grants `random`, with bytes that are the same in every test.
    pub fn grant_random(&self) {
        self.state.random.set(Some(0x9E37_79B9_7F4A_7C15));
    }

    /// Every statement so far, savepoints included.
    pub fn statements(&self) -> Vec<Statement> {
        self.state.statements.borrow().clone()
    }

    /// Every log message so far.
    pub fn log(&self) -> Vec<LogLine> {
        self.state.log.borrow().clone()
    }

    /// Every report of progress so far: work done, and work expected.
    pub fn progress(&self) -> Vec<(u64, Option<u64>)> {
        self.state.progress.borrow().clone()
    }

    /// The rows of a table, as they are now, read back from the bytes.
    ///
    /// # Panics
    ///
    /// Fails the test if there is no such table, or if its rows cannot be read
    /// into the type.
    pub fn written<T: for<'a> FromRow<'a>>(&self, table: &str) -> Vec<T> {
        let table = self.state.table(table).set;
        let read = || -> Result<Vec<T>> {
            let plan = Plan::of::<T>(&table.columns)?;
            let bytes = table.tuples.concat();
            let (mut position, mut spans) = (0, Vec::new());
            std::iter::from_fn(|| {
                decode_next(&bytes, &mut position, &table.columns, &plan, &mut spans).transpose()
            })
            .collect()
        };
        read().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The rows of a table, as they are now, as values.
    ///
    /// # Panics
    ///
    /// Fails the test if there is no such table.
    pub fn written_values(&self, table: &str) -> Vec<Vec<Value>> {
        self.state.table(table).set.values()
    }
}

impl Default for Mock {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        sys::forget_current(&self.state);
    }
}

/// A table of the mock, to be told more about.
pub struct MockTable<'a> {
    state: &'a State,
    name: String,
}

impl MockTable<'_> {
    /// Declares the primary key: bulk writers find rows by it, and no two rows may
    /// have the same.
    ///
    /// # Panics
    ///
    /// Fails the test if the table has no such column.
    pub fn key(self, key: impl ColumnNames) -> Self {
        let key = key.into_names();
        self.change(|table| {
            drop(table.columns(&key));
            table.key = key;
        })
    }

    /// Declares a column that the server computes: it can be read and not written.
    /// The mock computes nothing: what [`rows`](Self::rows) has put there stays.
    ///
    /// # Panics
    ///
    /// Fails the test if the table has no such column.
    pub fn generated(self, column: &str) -> Self {
        self.change(|table| {
            let _ = place(&table.set.columns, column);
            table.generated.push(column.to_owned());
        })
    }

    /// Puts rows into the table; see [`row!`](crate::row).
    ///
    /// # Panics
    ///
    /// Fails the test if a value does not fit its column.
    pub fn rows(self, rows: impl IntoIterator<Item = Vec<Value>>) -> Self {
        self.change(|table| {
            for row in rows {
                table.set.push(&row).unwrap_or_else(|error| panic!("the mock's row {row:?}: {error}"));
            }
        })
    }

    fn change(self, change: impl FnOnce(&mut Table)) -> Self {
        let changed = self.state.change(&self.name, |table| {
            change(table);
            Ok(())
        });
        changed.expect("what is said about a table is no statement");
        self
    }
}

/// A statement that a migration is expected to run, to be given an answer.
///
/// The same statement may get several answers, one after the other; the last of
/// them is given again and again.
#[must_use = "an expectation is nothing without an answer"]
pub struct Expectation<'a> {
    state: &'a State,
    sql: String,
    prefix: bool,
}

impl Expectation<'_> {
    /// Answers with rows. The columns are names and types, as in
    /// `("id", "int8")`.
    ///
    /// # Panics
    ///
    /// Fails the test if a value does not fit its column.
    pub fn returns(self, columns: &[(&str, &str)], rows: impl IntoIterator<Item = Vec<Value>>) {
        let mut set = ResultSet { columns: columns_of(columns), tuples: vec![] };
        for row in rows {
            set.push(&row).unwrap_or_else(|error| panic!("the mock's row {row:?}: {error}"));
        }
        self.answer(Answer::Rows(set));
    }

    /// Answers with the number of rows that the statement touches.
    pub fn affects(self, rows: u64) {
        self.answer(Answer::Affected(rows));
    }

    /// Answers with an error of the server, which aborts the transaction.
    pub fn fails(self, sqlstate: &str, message: &str) {
        self.fails_with(types::Error::Database(db_error(sqlstate, message)));
    }

    /// Answers with any error of the host.
    pub fn fails_with(self, error: types::Error) {
        self.answer(Answer::Fails(error));
    }

    fn answer(self, answer: Answer) {
        self.state.expect(&self.sql, self.prefix, answer);
    }
}

/// An error of the server that has nothing but what every error has.
pub(super) fn db_error(sqlstate: &str, message: &str) -> DbError {
    DbError {
        sqlstate: sqlstate.to_owned(),
        severity: "ERROR".to_owned(),
        message: message.to_owned(),
        detail: None,
        hint: None,
        position: None,
        schema: None,
        table: None,
        column: None,
        datatype: None,
        constraint: None,
    }
}
