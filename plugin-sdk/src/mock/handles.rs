//! Readers, writers and savepoints of the mock.

use std::cell::Cell;
use std::rc::Rc;

use super::state::{ResultSet, State, split_tuples, values_of};
use crate::Value;
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

/// A writer to a table of the mock.
pub(crate) struct BatchWriter {
    state: Rc<State>,
    table: String,
    columns: Vec<Column>,
    rows: Cell<u64>,
    finished: Cell<bool>,
}

impl BatchWriter {
    pub(super) fn new(state: Rc<State>, table: &str, columns: Vec<Column>) -> Self {
        let table = table.to_owned();
        Self { state, table, columns, rows: Cell::new(0), finished: Cell::new(false) }
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
        let tuples =
            split_tuples(bytes, &self.columns).map_err(|error| Error::Conversion(error.to_string()))?;
        self.rows.set(self.rows.get() + tuples.len() as u64);
        self.state.append(&self.table, self.in_table_order(tuples));
        Ok(())
    }

    pub(crate) fn finish(this: Self) -> Result<u64, Error> {
        this.finished.set(true);
        this.state.check_alive()?;
        Ok(this.rows.get())
    }

    /// Puts the columns of each row where the table has them, NULL for those
    /// that are not written.
    fn in_table_order(&self, tuples: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let table = self.state.table(&self.table);
        if table.columns == self.columns {
            return tuples;
        }
        let mut ordered = ResultSet { columns: table.columns, tuples: vec![] };
        for tuple in tuples {
            let values = values_of(&tuple, &self.columns);
            let place = |column: &Column| {
                let place = self.columns.iter().position(|written| written.name == column.name);
                place.map_or(Value::Null, |place| values[place].clone())
            };
            let row: Vec<_> = ordered.columns.iter().map(place).collect();
            ordered.push(&row).expect("the values come from columns of the same types");
        }
        ordered.tuples
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
        state.savepoints.borrow_mut().push(id);
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
        if savepoints.last() != Some(&self.id) {
            let message = "a savepoint that was set later is still there".to_owned();
            return Err(Error::Other(("order".to_owned(), message)));
        }
        savepoints.pop();
        self.ended.set(true);
        self.state.record(sql, &[]);
        if sql == "ROLLBACK TO" {
            // A savepoint cannot be set in an aborted transaction, so the error
            // came after this one.
            *self.state.aborted.borrow_mut() = None;
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
