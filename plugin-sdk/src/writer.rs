//! Writing any number of rows, by COPY.

use std::marker::PhantomData;

use crate::bindings::types::Column;
use crate::bulk::{Counts, row_place};
use crate::codec::{write_field, write_null};
use crate::row::{RawFields, ToRow, WritePlan};
use crate::types::{PgType, ToField};
use crate::{Result, Transaction, Value, sys};

/// A bulk writer. It has to be [finished](Self::finish): one that is dropped
/// before fails the migration, so that no row is ever lost silently.
///
/// Rows are collected here and sent when enough has come together, so that an
/// error can belong to rows of an earlier call.
#[must_use = "a writer that is dropped without `finish` fails the migration"]
pub struct Writer<'tx> {
    inner: sys::BatchWriter,
    target: Target,
    /// Rows written one by one.
    rows: u64,
    columns: Vec<Column>,
    plan: Option<WritePlan>,
    buffer: Vec<u8>,
    transaction: PhantomData<&'tx Transaction>,
}

/// Where the rows go, for the message about one of them.
pub(crate) struct Target {
    /// As SQL spells it.
    pub(crate) table: String,
    /// How many of the columns, from the first, are the key.
    pub(crate) key_columns: usize,
}

impl Writer<'_> {
    /// Bytes that are collected before they go to the host.
    pub const BUFFER_BYTES: usize = 256 << 10;

    pub(crate) fn new(inner: sys::BatchWriter, target: Target) -> Self {
        let columns = inner.columns();
        Self { inner, target, rows: 0, columns, plan: None, buffer: Vec::new(), transaction: PhantomData }
    }

    /// The columns that a row must have, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Writes one row, from a struct with `#[derive(ToRow)]` or a tuple.
    ///
    /// # Errors
    ///
    /// Names the column that is missing or does not fit, or the server's error
    /// about rows before this one.
    #[inline]
    pub fn write<T: ToRow>(&mut self, row: &T) -> Result<()> {
        let start = self.buffer.len();
        let plan = match &mut self.plan {
            Some(plan) if plan.is_for::<T>() => plan,
            plan => plan.insert(WritePlan::of::<T>(&self.columns)?),
        };
        self.rows += 1;
        if let Err(error) = plan.write(row, &self.columns, &mut self.buffer) {
            // Half a row must not be sent if the migration goes on without it.
            self.buffer.truncate(start);
            let key = plan.first_values(row, &self.columns[..self.target.key_columns]);
            return Err(error.in_row(row_place(self.rows, &self.target.table, &key)));
        }
        match self.buffer.len() >= Self::BUFFER_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes one row field by field, in the order of the [columns](Self::columns):
    /// for columns that are known only when the migration runs.
    ///
    /// # Errors
    ///
    /// The closure's error, a column without a field, or the server's error about
    /// rows before this one.
    #[inline]
    pub fn write_fields(&mut self, fill: impl FnOnce(&mut RawFields<'_>) -> Result<()>) -> Result<()> {
        let start = self.buffer.len();
        let mut fields = RawFields::new(&self.columns, &mut self.buffer);
        let filled = fill(&mut fields).and_then(|()| fields.finish());
        if let Err(error) = filled {
            // Half a row must not be sent if the migration goes on without it.
            self.buffer.truncate(start);
            return Err(error);
        }
        self.rows += 1;
        match self.buffer.len() >= Self::BUFFER_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes whole tuples in the layout of COPY BINARY, as
    /// [`Reader::next_bytes`](crate::Reader::next_bytes) gives them.
    ///
    /// # Errors
    ///
    /// Fails on bytes that are not whole tuples, and with the server's errors.
    pub fn write_bytes(&mut self, tuples: &[u8]) -> Result<()> {
        self.flush()?;
        Ok(self.inner.write_bytes(tuples)?)
    }

    /// Writes rows that are given as values; see [`row!`](crate::row).
    ///
    /// # Errors
    ///
    /// Fails on values that do not fit, and with the server's errors.
    pub fn write_rows(&mut self, rows: &[Vec<Value>]) -> Result<()> {
        self.flush()?;
        Ok(self.inner.write_rows(rows)?)
    }

    /// Sends what is left, and returns the number of rows written.
    ///
    /// # Errors
    ///
    /// The server's error about any row.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        Ok(sys::BatchWriter::finish(self.inner)?)
    }

    /// The same as [`finish`](Self::finish), and tells what became of the rows.
    ///
    /// # Errors
    ///
    /// The server's error about any row; for a key that is there twice, is NULL
    /// or is missing, an error of the kind `key`.
    pub fn finish_counted(mut self) -> Result<Counts> {
        self.flush()?;
        Ok(sys::BatchWriter::finish_counted(self.inner)?)
    }

    fn flush(&mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            let sent = self.inner.write_bytes(&self.buffer);
            self.buffer.clear();
            sent?;
        }
        Ok(())
    }
}

/// Appends one field of a row: what the derive's code calls.
///
/// # Errors
///
/// Says why the value does not fit the column.
#[doc(hidden)]
#[inline]
pub fn write_value<T: ToField>(value: &T, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<()> {
    if value.is_null() {
        write_null(out);
        return Ok(());
    }
    write_field(out, |out| value.encode(ty, out))
}
