//! Readers, writers and savepoints of the mock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::state::{ResultSet, State, values_of};
use super::table::{Job, check_tuples};
use crate::Value;
use crate::bindings::sql::Counts;
use crate::bindings::types::{Column, Error};
use crate::row::encode_row;

/// A cursor on rows that the mock was told.
pub(crate) struct BatchReader {
    state: Rc<State>,
    set: ResultSet,
    position: Cell<usize>,
}

impl BatchReader {
    pub(super) fn new(state: Rc<State>, set: ResultSet) -> Self {
        Self { state, set, position: Cell::new(0) }
    }

    pub(crate) fn columns(&self) -> Vec<Column> {
        self.set.columns.clone()
    }

    pub(crate) fn next_rows(&self, max_rows: u32) -> Result<Vec<Vec<Value>>, Error> {
        let tuples = self.next_tuples(max_rows, u32::MAX)?;
        Ok(tuples.iter().map(|tuple| values_of(tuple, &self.set.columns)).collect())
    }

    pub(crate) fn next_bytes(&self, max_rows: u32, max_bytes: u32) -> Result<Vec<u8>, Error> {
        Ok(self.next_tuples(max_rows, max_bytes)?.concat())
    }

    pub(crate) fn expect_rows(&self, rows: u64) {
        self.state.expected_rows.set(Some(rows));
    }

    #[expect(clippy::unnecessary_wraps, reason = "the host's can fail")]
    pub(crate) fn close(this: Self) -> Result<(), Error> {
        drop(this);
        Ok(())
    }

    fn next_tuples(&self, max_rows: u32, max_bytes: u32) -> Result<&[Vec<u8>], Error> {
        self.state.check_alive()?;
        let rest = &self.set.tuples[self.position.get()..];
        let mut bytes = 0;
        let fits = |tuple: &&Vec<u8>| {
            bytes += tuple.len();
            bytes <= max_bytes as usize
        };
        let count = rest.iter().take(max_rows as usize).take_while(fits).count();
        let count = count.max(1).min(rest.len());
        self.position.set(self.position.get() + count);
        Ok(&rest[..count])
    }
}

/// A bulk writer to a table of the mock.
pub(crate) struct BatchWriter {
    state: Rc<State>,
    table: String,
    job: Job,
    key: Vec<String>,
    columns: Vec<Column>,
    /// The rows that wait for `finish`.
    staged: RefCell<Vec<Vec<u8>>>,
    rows: Cell<u64>,
    finished: Cell<bool>,
}

impl BatchWriter {
    pub(super) fn new(
        state: Rc<State>,
        table: &str,
        job: Job,
        key: Vec<String>,
        columns: Vec<Column>,
    ) -> Self {
        Self {
            state,
            table: table.to_owned(),
            job,
            key,
            columns,
            staged: RefCell::default(),
            rows: Cell::new(0),
            finished: Cell::new(false),
        }
    }

    pub(crate) fn columns(&self) -> Vec<Column> {
        self.columns.clone()
    }

    pub(crate) fn write_rows(&self, rows: &[Vec<Value>]) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for row in rows {
            encode_row(row, &self.columns, &mut bytes)
                .map_err(|error| Error::Conversion(error.to_string()))?;
        }
        self.write_bytes(&bytes)
    }

    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        self.state.check_alive()?;
        let tuples = check_tuples(bytes, &self.columns)?;
        self.rows.set(self.rows.get() + tuples.len() as u64);
        match self.job {
            // COPY goes into the table itself, so its rows are there at once.
            Job::Insert => self.apply(&tuples).map(|_| ()),
            _ => {
                self.staged.borrow_mut().extend(tuples);
                Ok(())
            }
        }
    }

    pub(crate) fn finish(this: Self) -> Result<u64, Error> {
        Self::finish_counted(this).map(|counts| counts.written)
    }

    pub(crate) fn finish_counted(this: Self) -> Result<Counts, Error> {
        this.finished.set(true);
        this.state.check_alive()?;
        let rows = this.rows.get();
        match this.job {
            Job::Insert => {
                Ok(Counts { written: rows, inserted: rows, updated: 0, deleted: 0, unchanged: 0, missing: 0 })
            }
            _ => this.apply(&this.staged.take()),
        }
    }

    fn apply(&self, tuples: &[Vec<u8>]) -> Result<Counts, Error> {
        self.state.change(&self.table, |table| table.apply(&self.job, &self.key, &self.columns, tuples))
    }
}

impl Drop for BatchWriter {
    fn drop(&mut self) {
        if !self.finished.get() {
            *self.state.lost_writer.borrow_mut() = Some(self.table.clone());
        }
    }
}

/// A savepoint of the mock.
pub(crate) struct Savepoint {
    state: Rc<State>,
    id: u32,
    ended: Cell<bool>,
}

impl Savepoint {
    pub(super) fn set(state: &Rc<State>) -> Result<Self, Error> {
        state.record("SAVEPOINT", &[]);
        state.check_alive()?;
        let id = state.next_savepoint.get();
        state.next_savepoint.set(id + 1);
        state.savepoints.borrow_mut().push((id, state.tables.borrow().clone()));
        Ok(Self { state: Rc::clone(state), id, ended: Cell::new(false) })
    }

    pub(crate) fn release(this: Self) -> Result<(), Error> {
        this.state.check_alive()?;
        this.end("RELEASE")
    }

    pub(crate) fn rollback(this: Self) -> Result<(), Error> {
        this.end("ROLLBACK TO")
    }

    fn end(&self, sql: &str) -> Result<(), Error> {
        let mut savepoints = self.state.savepoints.borrow_mut();
        if savepoints.last().map(|(id, _)| *id) != Some(self.id) {
            let message = "a savepoint that was set later is still there".to_owned();
            return Err(Error::Other(("order".to_owned(), message)));
        }
        let tables = savepoints.pop().map(|(_, tables)| tables).unwrap_or_default();
        self.ended.set(true);
        self.state.record(sql, &[]);
        if sql == "ROLLBACK TO" {
            // A savepoint cannot be set in an aborted transaction, so the error
            // came after this one.
            *self.state.aborted.borrow_mut() = None;
            *self.state.tables.borrow_mut() = tables;
        }
        Ok(())
    }
}

impl Drop for Savepoint {
    fn drop(&mut self) {
        if !self.ended.get() {
            // Out of order is the only way to fail, and then an outer savepoint
            // ends this one as well.
            let _ = self.end("ROLLBACK TO");
        }
    }
}
