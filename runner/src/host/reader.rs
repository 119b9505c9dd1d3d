//! The resource `batch-reader`: a server-side cursor with two views.

use wasmtime::component::Resource;

use super::bindings::sql::HostBatchReader;
use super::bindings::types::{self, Value};
use super::convert::{columns_pg_to_wit, rows_pg_to_wit};
use super::state::{Fault, State, host_call};
use super::work::{Sent, Work};
use crate::db::{Column, CursorId, Tuples};
use crate::policy::Checked;

/// A cursor, on the guest's side.
pub struct Reader;

/// What a batch should have at most, in bytes.
const BATCH_BYTES: usize = 1 << 20;

/// The rows of the first batch, of which nothing is known yet.
const FIRST_ROWS: u32 = 256;

/// How much larger than the one before a batch may be: the next rows can be
/// wider than the last ones.
const GROWTH: u32 = 8;

/// A cursor, on ours.
pub(super) struct OpenReader {
    cursor: CursorId,
    columns: Vec<Column>,
    /// The guest's text, for errors, and the statement in it.
    sql: String,
    checked: Checked,
    /// What was fetched, and how many rows of it the guest has.
    fetched: Tuples,
    taken: usize,
    next_fetch: u32,
}

impl OpenReader {
    pub(super) fn new(cursor: CursorId, columns: Vec<Column>, sql: String, checked: Checked) -> Self {
        let fetched = Tuples::default();
        Self { cursor, columns, sql, checked, fetched, taken: 0, next_fetch: FIRST_ROWS }
    }

    fn left(&self) -> usize {
        self.fetched.len() - self.taken
    }

    fn keep(&mut self, fetched: Tuples) {
        self.next_fetch = next_fetch(&fetched, self.next_fetch);
        self.fetched = fetched;
        self.taken = 0;
    }

    /// How many of the rows that are left fit; at least one, unless none is
    /// left.
    fn count(&self, max_rows: u32, max_bytes: usize) -> usize {
        let start = self.fetched.bytes_of_first(self.taken);
        let bytes = |rows| self.fetched.bytes_of_first(self.taken + rows) - start;
        let (mut fitting, mut most) = (1, self.left().min(max_rows as usize));
        while fitting < most {
            let middle = (fitting + most).div_ceil(2);
            match bytes(middle) <= max_bytes {
                true => fitting = middle,
                false => most = middle - 1,
            }
        }
        most
    }

    fn take(&mut self, rows: usize) -> &[u8] {
        let range = self.taken..self.taken + rows;
        self.taken = range.end;
        self.fetched.slice(range)
    }

    fn take_bytes(&mut self, rows: usize) -> Vec<u8> {
        if self.taken == 0 && rows == self.fetched.len() {
            return std::mem::take(&mut self.fetched).into_bytes();
        }
        self.take(rows).to_vec()
    }
}

/// How many rows to fetch next, so that they have about [`BATCH_BYTES`].
fn next_fetch(fetched: &Tuples, last: u32) -> u32 {
    if fetched.is_empty() {
        return last;
    }
    let width = (fetched.bytes().len() / fetched.len()).max(1);
    let rows = u32::try_from(BATCH_BYTES / width).unwrap_or(u32::MAX);
    rows.clamp(1, last.saturating_mul(GROWTH))
}

impl HostBatchReader for State {
    async fn columns(&mut self, this: Resource<Reader>) -> wasmtime::Result<Vec<types::Column>> {
        self.count_call()?;
        Ok(self.work.reader_columns(this.rep()))
    }

    async fn next_rows(&mut self, this: Resource<Reader>, max_rows: u32) -> Result<Vec<Vec<Value>>, Fault> {
        host_call!(self, self.work.next_rows(this.rep(), max_rows).await)
    }

    async fn next_bytes(
        &mut self,
        this: Resource<Reader>,
        max_rows: u32,
        max_bytes: u32,
    ) -> Result<Vec<u8>, Fault> {
        host_call!(self, self.work.next_bytes(this.rep(), max_rows, max_bytes).await)
    }

    async fn close(&mut self, this: Resource<Reader>) -> Result<(), Fault> {
        host_call!(self, self.work.close_reader(this.rep()).await)
    }

    async fn expect_rows(&mut self, this: Resource<Reader>, rows: u64) -> wasmtime::Result<()> {
        self.count_call()?;
        let _ = (this, rows);
        Ok(())
    }

    async fn drop(&mut self, this: Resource<Reader>) -> wasmtime::Result<()> {
        // An error is remembered, and aborts: dropping cannot report one.
        let _ = host_call!(self, self.work.close_reader(this.rep()).await);
        Ok(())
    }
}

impl Work {
    /// None of a reader that ended with its savepoint.
    fn reader_columns(&self, id: u32) -> Vec<types::Column> {
        self.readers.get(&id).map(|reader| columns_pg_to_wit(&reader.columns)).unwrap_or_default()
    }

    async fn next_rows(&mut self, id: u32, max_rows: u32) -> Result<Vec<Vec<Value>>, Fault> {
        let reader = self.filled(id, max_rows).await?;
        let count = reader.count(max_rows, BATCH_BYTES);
        let columns = reader.columns.clone();
        let rows = rows_pg_to_wit(&columns, reader.take(count))?;
        self.count_rows(count as u64);
        Ok(rows)
    }

    async fn next_bytes(&mut self, id: u32, max_rows: u32, max_bytes: u32) -> Result<Vec<u8>, Fault> {
        let reader = self.filled(id, max_rows).await?;
        let count = reader.count(max_rows, max_bytes as usize);
        let bytes = reader.take_bytes(count);
        self.count_rows(count as u64);
        Ok(bytes)
    }

    /// The reader, with rows in its buffer unless it is at its end.
    async fn filled(&mut self, id: u32, max_rows: u32) -> Result<&mut OpenReader, Fault> {
        let session = self.usable()?;
        if max_rows == 0 {
            let message = "no rows were asked for: an empty list would look like the end";
            return Err(types::Error::Conversion(message.into()).into());
        }
        let reader = self.readers.get(&id).ok_or_else(|| Fault::closed("reader"))?;
        if reader.left() == 0 {
            let rows = reader.next_fetch.min(max_rows);
            let answer = session.lock().await.fetch(reader.cursor, rows).await;
            let (sql, checked) = (reader.sql.clone(), reader.checked.clone());
            let fetched = self.noted_without_place(answer, Sent::one(&sql, &checked))?;
            self.readers.get_mut(&id).expect("it was there").keep(fetched);
        }
        Ok(self.readers.get_mut(&id).expect("it was there"))
    }

    pub(super) async fn close_reader(&mut self, id: u32) -> Result<(), Fault> {
        let Some(reader) = self.readers.get(&id) else { return Err(Fault::closed("reader")) };
        if self.is_aborted() {
            // It ends with the transaction, or with the savepoint; until then
            // the server takes no CLOSE.
            return Ok(());
        }
        let session = self.connected()?;
        let answer = session.lock().await.close_cursor(reader.cursor).await;
        let reader = self.readers.remove(&id).expect("it was there");
        self.noted_without_place(answer, Sent::one(&reader.sql, &reader.checked))
    }

    /// Forgets the readers from `first` on: the server has closed them, or will.
    pub(super) async fn forget_readers(&mut self, first: u32) {
        let ended = self.readers.split_off(&first);
        if let (Ok(session), false) = (self.connected(), ended.is_empty()) {
            let mut session = session.lock().await;
            ended.values().for_each(|reader| session.forget_cursor(reader.cursor));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    fn tuples(widths: &[usize]) -> Tuples {
        let mut tuples = Tuples::default();
        for width in widths {
            tuples.push([Some(vec![b'x'; *width].as_slice())].into_iter());
        }
        tuples
    }

    fn reader(widths: &[usize]) -> OpenReader {
        let checked = Policy::unrestricted().statement("select 1").expect("parses");
        let mut reader = OpenReader::new(CursorId(1), Vec::new(), "select 1".into(), checked);
        reader.keep(tuples(widths));
        reader
    }

    #[test]
    fn batches_grow_with_narrow_rows_and_shrink_with_wide_ones() {
        assert_eq!(next_fetch(&tuples(&[4; 256]), 256), 2048);
        assert_eq!(next_fetch(&tuples(&[4; 256]), 100_000), 104_857);
        assert_eq!(next_fetch(&tuples(&[1 << 19; 2]), 256), 1);
        assert_eq!(next_fetch(&tuples(&[4 << 20]), 256), 1);
        assert_eq!(next_fetch(&tuples(&[]), 77), 77);
    }

    #[test]
    fn a_batch_holds_whole_rows_within_its_bytes_but_at_least_one() {
        let mut reader = reader(&[10, 10, 100]);
        assert_eq!(reader.count(10, 1000), 3);
        assert_eq!(reader.count(2, 1000), 2);
        assert_eq!(reader.count(10, 32), 2);
        assert_eq!(reader.count(10, 31), 1);
        assert_eq!(reader.count(10, 0), 1);
        assert_eq!(reader.take_bytes(2).len(), 32);
        assert_eq!(reader.count(10, 1), 1, "the large one");
        assert_eq!(reader.take(1).len(), 106);
        assert_eq!(reader.left(), 0);
    }

    #[test]
    fn a_reader_at_its_end_has_nothing() {
        let mut reader = reader(&[]);
        assert_eq!(reader.count(10, 100), 0);
        assert!(reader.take_bytes(0).is_empty());
    }
}
