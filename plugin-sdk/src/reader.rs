//! Reading any number of rows in flat memory.

use std::marker::PhantomData;
use std::rc::Rc;

use crate::bindings::types::Column;
use crate::codec::Span;
use crate::row::{FromRow, Plan, Row, decode_next};
use crate::{Result, Transaction, sys};

/// A server-side cursor.
///
/// Rows come in batches. [`rows`](Self::rows) reads them into types of their
/// own; [`next_batch`](Self::next_batch) is for types that borrow from the batch;
/// [`next_rows`](Self::next_rows) and [`next_bytes`](Self::next_bytes) give what
/// the host gives. All of them move the same cursor.
pub struct Reader<'tx> {
    inner: sys::BatchReader,
    columns: Rc<[Column]>,
    batch_rows: u32,
    transaction: PhantomData<&'tx Transaction>,
}

impl<'tx> Reader<'tx> {
    /// Rows in a batch, unless set otherwise.
    pub const BATCH_ROWS: u32 = 5_000;
    /// Bytes in a batch.
    pub const BATCH_BYTES: u32 = 1 << 20;

    pub(crate) fn new(inner: sys::BatchReader) -> Self {
        let columns = inner.columns().into();
        Self { inner, columns, batch_rows: Self::BATCH_ROWS, transaction: PhantomData }
    }

    /// Sets the most rows in a batch. 1,000 to 10,000 is good; below 100 reading
    /// is several times slower.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: u32) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// The result's columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The next batch; none at the end.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn next_batch(&mut self) -> Result<Option<Batch>> {
        let bytes = self.next_bytes(self.batch_rows, Self::BATCH_BYTES)?;
        Ok((!bytes.is_empty()).then(|| Batch { bytes, columns: Rc::clone(&self.columns) }))
    }

    /// All remaining rows, in types of their own.
    pub fn rows<T: for<'a> FromRow<'a>>(&mut self) -> ReaderRows<'_, 'tx, T> {
        ReaderRows { reader: self, plan: None, cursor: Cursor::default(), row: PhantomData }
    }

    /// The next rows as values; an empty list at the end.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn next_rows(&mut self, max_rows: u32) -> Result<Vec<Row>> {
        let rows = self.inner.next_rows(max_rows)?;
        Ok(rows.into_iter().map(|values| Row::new(Rc::clone(&self.columns), values)).collect())
    }

    /// The next rows as bytes, whole tuples in the layout of COPY BINARY; an
    /// empty list at the end.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn next_bytes(&mut self, max_rows: u32, max_bytes: u32) -> Result<Vec<u8>> {
        Ok(self.inner.next_bytes(max_rows, max_bytes)?)
    }

    /// Closes the cursor now, which dropping it does too, without an error to
    /// see.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn close(self) -> Result<()> {
        Ok(sys::BatchReader::close(self.inner)?)
    }
}

/// The rows that came together, as bytes.
pub struct Batch {
    bytes: Vec<u8>,
    columns: Rc<[Column]>,
}

impl Batch {
    /// The rows, in a type that may borrow from the batch.
    ///
    /// # Errors
    ///
    /// Names the column that is missing or does not fit; checked once, before the
    /// first row.
    pub fn rows<'a, T: FromRow<'a>>(&'a self) -> Result<BatchRows<'a, T>> {
        let plan = Plan::of::<T>(&self.columns)?;
        Ok(BatchRows { batch: self, plan, cursor: Cursor::default(), row: PhantomData })
    }

    /// The rows as tuples in the layout of COPY BINARY, as
    /// [`Writer::write_bytes`](crate::Writer::write_bytes) takes them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Where an iteration is in a batch.
#[derive(Default)]
struct Cursor {
    position: usize,
    spans: Vec<Span>,
}

/// The rows of a batch.
pub struct BatchRows<'a, T> {
    batch: &'a Batch,
    plan: Plan,
    cursor: Cursor,
    row: PhantomData<T>,
}

impl<'a, T: FromRow<'a>> Iterator for BatchRows<'a, T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        let Batch { bytes, columns } = self.batch;
        let Cursor { position, spans } = &mut self.cursor;
        let row = decode_next(bytes, position, columns, &self.plan, spans).transpose();
        if let Some(Err(_)) = row {
            // Without this, a caller that goes on after an error would not end.
            *position = bytes.len();
        }
        row
    }
}

/// The rows of a reader.
pub struct ReaderRows<'r, 'tx, T> {
    reader: &'r mut Reader<'tx>,
    /// None before the first batch.
    plan: Option<(Plan, Vec<u8>)>,
    cursor: Cursor,
    row: PhantomData<T>,
}

impl<T: for<'a> FromRow<'a>> ReaderRows<'_, '_, T> {
    fn try_next(&mut self) -> Result<Option<T>> {
        loop {
            let (plan, bytes) = match &mut self.plan {
                Some(state) => state,
                None => self.plan.insert((Plan::of::<T>(&self.reader.columns)?, Vec::new())),
            };
            let Cursor { position, spans } = &mut self.cursor;
            if *position < bytes.len() {
                return decode_next(bytes, position, &self.reader.columns, plan, spans);
            }
            *bytes = self.reader.next_bytes(self.reader.batch_rows, Reader::BATCH_BYTES)?;
            *position = 0;
            if bytes.is_empty() {
                return Ok(None);
            }
        }
    }
}

impl<T: for<'a> FromRow<'a>> Iterator for ReaderRows<'_, '_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        self.try_next().transpose()
    }
}
