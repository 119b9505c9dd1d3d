//! The lent transaction.

use crate::bindings::sql::{DeleteOptions, RewriteOptions, TableDescription, UpdateOptions, UpsertOptions};
use crate::bulk::{BulkWrite, Delete, How, Insert, Rewrite, Update, Upsert};
use crate::reader::{Reader, Rows};
use crate::row::{FromRow, ReadRow, Row, RowSet, WriteRow};
use crate::savepoint::Savepoint;
use crate::transform::Transform;
use crate::types::ToValue;
use crate::writer::{Target, Writer};
use crate::{Context, Error, Result, sys};

/// The runner's transaction, lent for one call.
///
/// It cannot be committed, kept or opened again: returning `Ok` commits it,
/// returning an error rolls it back. After an error of the server the
/// transaction is aborted, as PostgreSQL has it: every statement fails until a
/// savepoint that was set before is rolled back. The runner remembers, and does
/// not commit an aborted transaction whatever the migration returns.
#[repr(transparent)]
pub struct Transaction {
    inner: sys::Transaction,
}

impl Transaction {
    /// Runs one statement and returns the number of rows that it touched.
    ///
    /// # Errors
    ///
    /// The server's error, or a parameter that does not fit.
    pub fn execute(&self, sql: &str, params: &[&dyn ToValue]) -> Result<u64> {
        Ok(self.inner.execute(sql, &values(params))?)
    }

    /// Runs one statement and returns its rows, to be read by name or number.
    ///
    /// For results of any size use [`reader`](Self::reader).
    ///
    /// # Errors
    ///
    /// The server's error, or `limit` if the result is larger than the operator
    /// allows.
    pub fn query(&self, sql: &str, params: &[&dyn ToValue]) -> Result<Vec<Row>> {
        Ok(self.rows(sql, params)?.into_rows())
    }

    /// Runs one statement and returns its rows as structs or tuples.
    ///
    /// # Errors
    ///
    /// The server's error, or a column that is missing or does not fit.
    pub fn query_as<T>(&self, sql: &str, params: &[&dyn ToValue]) -> Result<Vec<T>>
    where
        T: for<'a> FromRow<'a>,
    {
        self.rows(sql, params)?.decode()
    }

    /// Runs a statement that returns exactly one row.
    ///
    /// # Errors
    ///
    /// As [`query_as`](Self::query_as), and when there is no row or more than
    /// one.
    pub fn query_one<T>(&self, sql: &str, params: &[&dyn ToValue]) -> Result<T>
    where
        T: for<'a> FromRow<'a>,
    {
        let row = self.query_opt(sql, params)?;
        row.with_context(|| format!("expected one row, found none: {sql}"))
    }

    /// Runs a statement that returns one row or none.
    ///
    /// # Errors
    ///
    /// As [`query_as`](Self::query_as), and when there is more than one row.
    pub fn query_opt<T>(&self, sql: &str, params: &[&dyn ToValue]) -> Result<Option<T>>
    where
        T: for<'a> FromRow<'a>,
    {
        let mut rows = self.query_as(sql, params)?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            more => Err(Error::message(format!("expected one row, found {more}: {sql}"))),
        }
    }

    /// Runs several statements separated by semicolons, and discards their rows.
    ///
    /// # Errors
    ///
    /// The server's error; its position counts from the beginning of the text.
    pub fn script(&self, sql: &str) -> Result<()> {
        Ok(self.inner.script(sql)?)
    }

    /// Sets a savepoint. One that is dropped is rolled back.
    ///
    /// # Errors
    ///
    /// Fails when the transaction is aborted already.
    pub fn savepoint(&self) -> Result<Savepoint<'_>> {
        Ok(Savepoint::new(self.inner.savepoint()?))
    }

    /// Runs a closure inside a savepoint: kept if it returns `Ok`, undone if not.
    ///
    /// # Errors
    ///
    /// The closure's error. The transaction goes on.
    pub fn in_savepoint<T>(&self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let savepoint = self.savepoint()?;
        match work(self) {
            Ok(value) => savepoint.release().map(|()| value),
            Err(error) => {
                savepoint.rollback()?;
                Err(error)
            }
        }
    }

    /// Opens a cursor on a query, to read any number of rows in flat memory.
    ///
    /// # Errors
    ///
    /// The server's error, or a parameter that does not fit.
    pub fn reader(&self, sql: &str, params: &[&dyn ToValue]) -> Result<Reader<'_>> {
        Ok(Reader::new(self.inner.open_reader(sql, &values(params))?))
    }

    /// Opens a bulk writer on a table, by `COPY`.
    ///
    /// `table` is a name as SQL spells it, quotes included; `columns` are plain
    /// names, and none of them means all, in the table's order.
    ///
    /// # Errors
    ///
    /// The server's error, such as a table that does not exist.
    pub fn writer(&self, table: &str, columns: &[&str]) -> Result<Writer<'_>> {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let target = Target { table: table.to_owned(), key_columns: 0 };
        Ok(Writer::new(self.inner.open_writer(table, &columns)?, target))
    }

    /// Reads the rows of a query into structs or tuples, any number of them in
    /// flat memory: [`for_each`](Rows::for_each) for structs that borrow their
    /// text, a `for` loop for those that own it.
    ///
    /// # Errors
    ///
    /// The server's error, or a parameter that does not fit.
    pub fn read<T: ReadRow>(&self, sql: &str, params: &[&dyn ToValue]) -> Result<Rows<'_, T>> {
        Ok(Rows::new(self.reader(sql, params)?))
    }

    /// Writes new rows to a table, by `COPY`.
    pub fn insert(&self, table: &str) -> BulkWrite<'_, Insert> {
        BulkWrite::new(self, table, How::Insert)
    }

    /// Gives new values to rows of a table, found by their key.
    pub fn update(&self, table: &str) -> BulkWrite<'_, Update> {
        let options = UpdateOptions { skip_unchanged: false, allow_missing: false, lock_out_writers: false };
        BulkWrite::new(self, table, How::Update(options))
    }

    /// Inserts rows, or gives new values to those that are there: `INSERT … ON
    /// CONFLICT`.
    pub fn upsert(&self, table: &str) -> BulkWrite<'_, Upsert> {
        let options = UpsertOptions { keep_existing: false, skip_unchanged: false, lock_out_writers: false };
        BulkWrite::new(self, table, How::Upsert(options))
    }

    /// Deletes rows of a table, found by their key.
    pub fn delete(&self, table: &str) -> BulkWrite<'_, Delete> {
        let options = DeleteOptions { allow_missing: false, lock_out_writers: false };
        BulkWrite::new(self, table, How::Delete(options))
    }

    /// Puts other rows in place of all that a table has: faster than an update
    /// where most rows change. Columns that are not written get their defaults.
    ///
    /// Other sessions can read the table until the rows are applied, and cannot
    /// write it from the beginning, so [open](BulkWrite::open) it before the table
    /// is read. Fails with the kind `unsafe` where it would do harm, such as to
    /// foreign keys that point at the table.
    pub fn rewrite(&self, table: &str) -> BulkWrite<'_, Rewrite> {
        BulkWrite::new(self, table, How::Rewrite(RewriteOptions { fire_triggers: false }))
    }

    /// Reads rows of a table, maps each of them in Rust, and writes them back. See
    /// [`Transform`].
    pub fn transform<In: ReadRow, Out: WriteRow>(&self, table: &str) -> Transform<'_, In, Out> {
        Transform::new(self, table)
    }

    /// Describes a table: its columns, its key, and about how many rows it has.
    ///
    /// # Errors
    ///
    /// The server's error, such as a table that does not exist.
    pub fn describe_table(&self, table: &str) -> Result<TableDescription> {
        Ok(self.inner.describe_table(table)?)
    }

    pub(crate) fn host(&self) -> &sys::Transaction {
        &self.inner
    }

    fn rows(&self, sql: &str, params: &[&dyn ToValue]) -> Result<RowSet> {
        Ok(RowSet::new(self.inner.query(sql, &values(params))?))
    }

    /// Wraps the transaction that the host lends for this call.
    #[doc(hidden)]
    #[cfg(target_family = "wasm")]
    pub fn lent(inner: &sys::Transaction) -> &Self {
        // SAFETY: `Self` is a transparent wrapper of the type pointed to, and
        // the reference keeps its lifetime.
        unsafe { &*std::ptr::from_ref(inner).cast::<Self>() }
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn of_mock(inner: sys::Transaction) -> Self {
        Self { inner }
    }
}

pub(crate) fn values(params: &[&dyn ToValue]) -> Vec<crate::Value> {
    params.iter().map(|param| param.to_value()).collect()
}
