//! Bulk writes that rows are given to one by one.

use std::marker::PhantomData;

use super::Counts;
use crate::Result;
use crate::bindings::types::Column;
use crate::row::WriteRow;
use crate::writer::Writer;

/// A [`BulkWrite`](super::BulkWrite) that is open for rows of one type. It has to
/// be [finished](Self::finish).
#[must_use = "a writer that is dropped without `finish` fails the migration"]
pub struct RowWriter<'tx, T> {
    writer: Writer<'tx>,
    row: PhantomData<fn(T)>,
}

impl<'tx, T: WriteRow> RowWriter<'tx, T> {
    pub(super) fn new(writer: Writer<'tx>) -> Self {
        Self { writer, row: PhantomData }
    }

    /// Writes one row.
    ///
    /// # Errors
    ///
    /// Names the row, its key and the column that does not fit; or the server's
    /// error about rows before this one.
    #[inline]
    pub fn write(&mut self, row: &T::Of<'_>) -> Result<()> {
        self.writer.write(row)
    }

    /// Writes whole tuples of the [columns](Self::columns), in the layout of COPY
    /// BINARY.
    ///
    /// # Errors
    ///
    /// Fails on bytes that are not whole tuples, and with the server's errors.
    pub fn write_bytes(&mut self, tuples: &[u8]) -> Result<()> {
        self.writer.write_bytes(tuples)
    }

    /// The columns of a tuple, in order: those of the key first.
    pub fn columns(&self) -> &[Column] {
        self.writer.columns()
    }

    /// Applies the rows, and tells what became of them.
    ///
    /// # Errors
    ///
    /// The server's error about any row; for a key that is there twice, is NULL
    /// or is missing, an error of the kind `key`.
    pub fn finish(self) -> Result<Counts> {
        self.writer.finish_counted()
    }
}
