//! Reading any number of rows in flat memory.

use std::marker::PhantomData;
use std::rc::Rc;

use crate::bindings::types::Column;
use crate::codec::{Span, next_tuple};
use crate::row::{FromRow, OwnedRow, Plan, RawRow, ReadRow, Row, RowView, decode_next};
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
        ReaderRows { reader: self, state: RowsState::default() }
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

    /// Calls the closure with each remaining row, whose columns need not be known
    /// before. The first error ends it.
    ///
    /// # Errors
    ///
    /// The closure's error and the server's. Those about one row name its number,
    /// counted from 1.
    pub fn for_each(mut self, mut work: impl FnMut(RawRow<'_>) -> Result<()>) -> Result<()> {
        let (mut spans, mut number) = (Vec::new(), 0_u64);
        while let Some(batch) = self.next_batch()? {
            let Batch { bytes, columns } = &batch;
            let mut position = 0;
            while next_tuple(bytes, &mut position, columns.len(), &mut spans)? {
                number += 1;
                let row = RawRow::new(bytes, &spans, columns);
                work(row).map_err(|error| error.in_row(format_args!("row {number}")))?;
            }
        }
        self.close()
    }

    /// Says how many rows there are in all, for the progress that the runner shows
    /// by itself. Without it the server's estimate has to do.
    pub fn expect_rows(&self, rows: u64) {
        self.inner.expect_rows(rows);
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

/// The rows of a query, as [`Transaction::read`] gives them.
///
/// ```
/// # use plugin_sdk::prelude::*;
/// #[derive(FromRow)]
/// struct User<'a> {
///     id: i64,
///     name: &'a str,
/// }
///
/// fn example(tx: &Transaction) -> Result<()> {
///     let mut longest = 0;
///     tx.read::<User>("select id, name from public.users", &[])?.for_each(|user| {
///         longest = longest.max(user.name.len());
///         Ok(())
///     })?;
///     for tag in tx.read::<(i64, String)>("select id, name from public.tags", &[])? {
///         let (id, name) = tag?;
///         info!("{id}: {name}");
///     }
///     Ok(())
/// }
/// ```
#[must_use = "rows are read by `for_each` or a `for` loop"]
pub struct Rows<'tx, T> {
    reader: Reader<'tx>,
    state: RowsState<T>,
}

impl<'tx, T: ReadRow> Rows<'tx, T> {
    pub(crate) fn new(reader: Reader<'tx>) -> Self {
        Self { reader, state: RowsState::default() }
    }

    /// Sets the most rows in a batch; see [`Reader::with_batch_rows`].
    pub fn batch_rows(mut self, rows: u32) -> Self {
        self.reader = self.reader.with_batch_rows(rows);
        self
    }

    /// Says how many rows there are in all, for the progress that the runner shows
    /// by itself.
    pub fn expect_rows(self, rows: u64) -> Self {
        self.reader.expect_rows(rows);
        self
    }

    /// Calls the closure with each row, which may borrow from the batch. The first
    /// error ends it.
    ///
    /// # Errors
    ///
    /// The closure's error and the server's, and a column that is missing or does
    /// not fit. Those about one row name its number, counted from 1.
    pub fn for_each(self, mut work: impl for<'a> FnMut(T::Of<'a>) -> Result<()>) -> Result<()> {
        let Self { mut reader, .. } = self;
        let plan = Plan::of::<T::Of<'_>>(&reader.columns)?;
        let (mut spans, mut number) = (Vec::new(), 0_u64);
        while let Some(batch) = reader.next_batch()? {
            let Batch { bytes, columns } = &batch;
            let mut position = 0;
            while next_tuple(bytes, &mut position, columns.len(), &mut spans)? {
                number += 1;
                let row = T::Of::from_row(&RowView::new(bytes, &spans, columns, &plan));
                row.and_then(&mut work).map_err(|error| error.in_row(format_args!("row {number}")))?;
            }
        }
        reader.close()
    }
}

impl<T: OwnedRow> Iterator for Rows<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        self.state.next(&mut self.reader)
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
    state: RowsState<T>,
}

/// Where an iteration over all batches is.
struct RowsState<T> {
    /// None before the first batch.
    plan: Option<(Plan, Vec<u8>)>,
    cursor: Cursor,
    /// Rows read so far.
    rows: u64,
    /// Whether there was an error: without this, a caller that goes on after one
    /// might not end.
    has_failed: bool,
    row: PhantomData<T>,
}

impl<T> Default for RowsState<T> {
    fn default() -> Self {
        Self { plan: None, cursor: Cursor::default(), rows: 0, has_failed: false, row: PhantomData }
    }
}

impl<T: for<'a> FromRow<'a>> RowsState<T> {
    fn next(&mut self, reader: &mut Reader<'_>) -> Option<Result<T>> {
        if self.has_failed {
            return None;
        }
        let row = self.try_next(reader);
        self.has_failed = row.is_err();
        row.transpose()
    }

    fn try_next(&mut self, reader: &mut Reader<'_>) -> Result<Option<T>> {
        loop {
            let (plan, bytes) = match &mut self.plan {
                Some(state) => state,
                None => self.plan.insert((Plan::of::<T>(&reader.columns)?, Vec::new())),
            };
            let Cursor { position, spans } = &mut self.cursor;
            if *position < bytes.len() {
                self.rows += 1;
                let row = decode_next(bytes, position, &reader.columns, plan, spans);
                return row.map_err(|error| error.in_row(format_args!("row {}", self.rows)));
            }
            *bytes = reader.next_bytes(reader.batch_rows, Reader::BATCH_BYTES)?;
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
        self.state.next(self.reader)
    }
}
