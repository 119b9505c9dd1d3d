//! The resource `batch-reader`: a server-side cursor with two views.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::ahead::{FETCHED, Job, Late};
use super::bindings::sql::HostBatchReader;
use super::bindings::types::{self, Value};
use super::call::Progress;
use super::convert::{columns_pg_to_wit, rows_pg_to_wit};
use super::state::{Fault, State, host_call, streaming_call};
use super::work::{Sent, Work, observing};
use crate::db::{Column, CursorId, Parameter, Prepared, Tuples};
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

/// The most rows of a batch, however narrow they are.
const MOST_ROWS: u32 = 10_000;

/// How much larger than [`BATCH_BYTES`] a batch may be whose rows are all as
/// wide as the widest of the last one.
const WIDE_BATCHES: usize = 16;

/// What the operator is told that a migration does while its rows are counted.
const READING: &str = "reading";

/// A reader's query: the guest's text, and what the server made of it.
pub(super) struct Query {
    /// The guest's text, for errors.
    pub(super) sql: String,
    /// The statement in it.
    pub(super) checked: Checked,
    pub(super) prepared: Prepared,
    pub(super) params: Vec<Parameter>,
}

impl Query {
    pub(super) fn sent(&self) -> Sent<'_> {
        Sent::one(&self.sql, &self.checked)
    }
}

/// A cursor, on ours.
pub(super) struct OpenReader {
    cursor: CursorId,
    query: Arc<Query>,
    /// What was fetched, and how many rows of it the guest has.
    fetched: Tuples,
    taken: usize,
    /// What was fetched ahead.
    next: Next,
    next_fetch: u32,
    /// How many fetches were answered.
    fetches: u64,
    /// Whether the server has no further rows.
    at_end: bool,
    /// An error that the guest has not heard of yet.
    late: Option<Late>,
    /// How many rows the guest has had.
    given: u64,
    expected: Expected,
}

/// What comes after the rows that a reader holds.
enum Next {
    /// It is not asked for.
    Unasked,
    /// It is being fetched.
    Awaited,
    /// It is here.
    Here(Tuples),
}

/// How many rows a query has in all.
#[derive(Clone, Copy)]
enum Expected {
    Unknown,
    /// The server is asked for its estimate.
    Asked,
    /// The migration said so, or the server estimates it.
    Rows {
        rows: u64,
        estimated: bool,
    },
}

impl OpenReader {
    pub(super) fn new(cursor: CursorId, query: Query) -> Self {
        Self {
            cursor,
            query: Arc::new(query),
            fetched: Tuples::default(),
            taken: 0,
            next: Next::Unasked,
            next_fetch: FIRST_ROWS,
            fetches: 0,
            at_end: false,
            late: None,
            given: 0,
            expected: Expected::Unknown,
        }
    }

    fn columns(&self) -> &[Column] {
        &self.query.prepared.columns
    }

    fn left(&self) -> usize {
        self.fetched.len() - self.taken
    }

    /// Takes note of rows of which `asked` were asked for.
    fn count_fetch(&mut self, asked: u32, fetched: &Tuples) {
        self.next_fetch = next_fetch(fetched, self.next_fetch);
        self.fetches += 1;
        self.at_end = fetched.len() < asked as usize;
    }

    /// Puts further rows in the place of those that the guest has had.
    fn keep(&mut self, fetched: Tuples) {
        self.fetched = fetched;
        self.taken = 0;
    }

    /// The rows that were fetched ahead, or none at the end; nothing where the
    /// server is to be asked.
    fn rows_at_hand(&mut self) -> Option<Tuples> {
        match std::mem::replace(&mut self.next, Next::Unasked) {
            Next::Here(fetched) => Some(fetched),
            Next::Unasked | Next::Awaited => self.at_end.then(Tuples::default),
        }
    }

    /// Whether the guest reads on: who has asked for a second batch will
    /// probably ask for a third.
    fn is_streaming(&self) -> bool {
        self.fetches > 1
    }

    /// A fetch ahead has ended.
    pub(super) fn has_fetched(&mut self, asked: u32, answer: Result<Tuples, Option<Late>>) {
        self.next = Next::Unasked;
        match answer {
            Ok(fetched) => {
                self.count_fetch(asked, &fetched);
                self.next = Next::Here(fetched);
            }
            Err(late) => self.late = late,
        }
    }

    /// A fetch ahead was not begun.
    pub(super) fn has_not_fetched(&mut self) {
        self.next = Next::Unasked;
    }

    /// The server has been asked for its estimate.
    pub(super) fn has_estimated(&mut self, answer: Result<Option<u64>, Option<Late>>) {
        match answer {
            Ok(Some(rows)) if matches!(self.expected, Expected::Asked) => {
                self.expected = Expected::Rows { rows, estimated: true };
            }
            Ok(_) => {}
            Err(late) => self.late = late,
        }
    }

    /// The rows in all, and whether that is an estimate. An expectation that has
    /// turned out too low is none.
    fn total(&self) -> (Option<u64>, bool) {
        match self.expected {
            Expected::Rows { rows, estimated } if rows >= self.given => (Some(rows), estimated),
            Expected::Rows { .. } | Expected::Unknown | Expected::Asked => (None, false),
        }
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

/// How many rows to fetch next, so that they have about [`BATCH_BYTES`]. Nobody
/// knows how wide they are: what the last ones were is a guess, and the limit on
/// a statement's bytes ends the connection where it is far too low.
fn next_fetch(fetched: &Tuples, last: u32) -> u32 {
    if fetched.is_empty() {
        return last;
    }
    let width = (fetched.bytes().len() / fetched.len()).max(1);
    let rows = (BATCH_BYTES / width).min(WIDE_BATCHES * BATCH_BYTES / fetched.widest().max(1));
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    rows.clamp(1, last.saturating_mul(GROWTH).min(MOST_ROWS))
}

impl HostBatchReader for State {
    async fn columns(&mut self, this: Resource<Reader>) -> wasmtime::Result<Vec<types::Column>> {
        self.count_call()?;
        Ok(self.work.reader_columns(this.rep()))
    }

    async fn next_rows(&mut self, this: Resource<Reader>, max_rows: u32) -> Result<Vec<Vec<Value>>, Fault> {
        streaming_call!(self, self.work.next_rows(this.rep(), max_rows).await)
    }

    async fn next_bytes(
        &mut self,
        this: Resource<Reader>,
        max_rows: u32,
        max_bytes: u32,
    ) -> Result<Vec<u8>, Fault> {
        streaming_call!(self, self.work.next_bytes(this.rep(), max_rows, max_bytes).await)
    }

    async fn close(&mut self, this: Resource<Reader>) -> Result<(), Fault> {
        host_call!(self, self.work.close_reader(this.rep()).await)
    }

    async fn expect_rows(&mut self, this: Resource<Reader>, rows: u64) -> wasmtime::Result<()> {
        self.count_call()?;
        if let Some(reader) = self.work.readers.get_mut(&this.rep()) {
            reader.expected = Expected::Rows { rows, estimated: false };
        }
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
        self.readers.get(&id).map(|reader| columns_pg_to_wit(reader.columns())).unwrap_or_default()
    }

    async fn next_rows(&mut self, id: u32, max_rows: u32) -> Result<Vec<Vec<Value>>, Fault> {
        let reader = self.filled(id, max_rows).await?;
        let count = reader.count(max_rows, BATCH_BYTES);
        let query = Arc::clone(&reader.query);
        let rows = rows_pg_to_wit(&query.prepared.columns, reader.take(count))?;
        self.has_given(id, count);
        Ok(rows)
    }

    async fn next_bytes(&mut self, id: u32, max_rows: u32, max_bytes: u32) -> Result<Vec<u8>, Fault> {
        let reader = self.filled(id, max_rows).await?;
        let count = reader.count(max_rows, max_bytes as usize);
        let bytes = reader.take_bytes(count);
        self.has_given(id, count);
        Ok(bytes)
    }

    /// The reader, with rows in its buffer unless it is at its end, and the next
    /// ones on their way if the guest reads on.
    async fn filled(&mut self, id: u32, max_rows: u32) -> Result<&mut OpenReader, Fault> {
        self.look_back();
        self.tell_late(id)?;
        self.usable()?;
        if max_rows == 0 {
            let message = "no rows were asked for: an empty list would look like the end";
            return Err(types::Error::Conversion(message.into()).into());
        }
        let reader = self.readers.get(&id).ok_or_else(|| Fault::closed("reader"))?;
        if reader.left() == 0 {
            let rows = self.further_rows(id, max_rows).await?;
            self.reader(id).keep(rows);
        }
        self.read_ahead(id)?;
        Ok(self.reader(id))
    }

    /// A reader that is known to be open.
    fn reader(&mut self, id: u32) -> &mut OpenReader {
        self.readers.get_mut(&id).expect("it is open, and only its end removes it")
    }

    /// The rows that were fetched ahead, or the answer to a fetch.
    async fn further_rows(&mut self, id: u32, max_rows: u32) -> Result<Tuples, Fault> {
        while matches!(self.reader(id).next, Next::Awaited) && self.catch_up_by_one().await {}
        self.tell_late(id)?;
        if let Some(rows) = self.reader(id).rows_at_hand() {
            return Ok(rows);
        }
        self.catch_up().await;
        let session = self.usable()?;
        let reader = self.reader(id);
        let (cursor, query) = (reader.cursor, Arc::clone(&reader.query));
        let asked = reader.next_fetch.min(max_rows);
        let (answer, observed) = observing!(session, session => session.fetch(cursor, asked));
        let rows = self.as_expected(answer, observed, FETCHED, query.sent())?;
        self.reader(id).count_fetch(asked, &rows);
        Ok(rows)
    }

    /// Has the next rows fetched while the guest works on these. At most one
    /// batch, and only for a guest that reads on: one that stops after its first
    /// batch neither waits for a later row nor meets its error.
    fn read_ahead(&mut self, id: u32) -> Result<(), Fault> {
        let reader = self.readers.get_mut(&id).ok_or_else(|| Fault::closed("reader"))?;
        if !reader.is_streaming() || reader.at_end || !matches!(reader.next, Next::Unasked) {
            return Ok(());
        }
        reader.next = Next::Awaited;
        let job = Job::Fetch { reader: id, cursor: reader.cursor, rows: reader.next_fetch };
        let session = self.usable()?;
        self.ahead.submit(&session, job);
        Ok(())
    }

    /// The error of a reader that the guest has not heard of yet.
    fn tell_late(&mut self, id: u32) -> Result<(), Fault> {
        match self.readers.get_mut(&id).and_then(|reader| reader.late.take()) {
            Some(late) => Err(self.delivered(late)),
            None => Ok(()),
        }
    }

    /// A reader's query; none once it is closed.
    pub(super) fn query_of(&self, id: u32) -> Option<Arc<Query>> {
        self.readers.get(&id).map(|reader| Arc::clone(&reader.query))
    }

    /// Counts rows, and tells the operator from time to time.
    fn has_given(&mut self, id: u32, count: usize) {
        self.count_rows(count as u64);
        let reader = self.reader(id);
        reader.given += count as u64;
        if reader.is_streaming() && self.reported_reader() == Some(id) {
            self.report_read(id, count == 0);
        }
    }

    /// The reader whose rows are the measure of the work: of several the one
    /// that was opened first.
    pub(super) fn reported_reader(&self) -> Option<u32> {
        self.readers.iter().find(|(_, reader)| reader.is_streaming()).map(|(id, _)| *id)
    }

    fn report_read(&mut self, id: u32, is_end: bool) {
        let reader = &self.readers[&id];
        let given = reader.given;
        if is_end {
            self.meter.end(READING, given);
            return;
        }
        if !self.meter.is_due() {
            return;
        }
        let (total, estimated) = reader.total();
        let is_unknown = matches!(reader.expected, Expected::Unknown);
        self.meter.report(Progress { what: Some(READING), done: given, total, estimated });
        if let (true, Ok(session)) = (is_unknown, self.usable()) {
            let reader = self.reader(id);
            reader.expected = Expected::Asked;
            let job = Job::Estimate { reader: id, query: Arc::clone(&reader.query) };
            self.ahead.submit(&session, job);
        }
    }

    pub(super) async fn close_reader(&mut self, id: u32) -> Result<(), Fault> {
        self.tell_late(id)?;
        let Some(reader) = self.readers.get(&id) else { return Err(Fault::closed("reader")) };
        if self.is_aborted() {
            // It ends with the transaction, or with the savepoint; until then
            // the server takes no CLOSE.
            return Ok(());
        }
        let session = self.connected()?;
        let (answer, observed) = observing!(session, session => session.close_cursor(reader.cursor));
        let reader = self.readers.remove(&id).expect("it was there");
        self.as_expected(answer, observed, &["CLOSE CURSOR"], reader.query.sent())
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
        let prepared = Prepared::of_text("select 1");
        let query = Query { sql: "select 1".into(), checked, prepared, params: Vec::new() };
        let mut reader = OpenReader::new(CursorId(1), query);
        reader.keep(tuples(widths));
        reader
    }

    #[test]
    fn batches_grow_with_narrow_rows_and_shrink_with_wide_ones() {
        assert_eq!(next_fetch(&tuples(&[4; 256]), 256), 2048);
        assert_eq!(next_fetch(&tuples(&[4; 256]), 100_000), MOST_ROWS);
        assert_eq!(next_fetch(&tuples(&[1 << 19; 2]), 256), 1);
        assert_eq!(next_fetch(&tuples(&[4 << 20]), 256), 1);
        assert_eq!(next_fetch(&tuples(&[]), 77), 77);
        let mut mixed = vec![4; 1000];
        mixed.push(1 << 20);
        assert_eq!(next_fetch(&tuples(&mixed), 1000), 15, "all of them may be as wide as one");
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

    #[test]
    fn an_expectation_that_is_too_low_is_none() {
        let mut reader = reader(&[1]);
        reader.expected = Expected::Rows { rows: 10, estimated: true };
        reader.given = 10;
        assert_eq!(reader.total(), (Some(10), true));
        reader.given = 11;
        assert_eq!(reader.total(), (None, false), "never more than all of them");
    }

    #[test]
    fn what_the_migration_expects_counts_and_not_the_estimate() {
        let mut reader = reader(&[1]);
        reader.expected = Expected::Asked;
        reader.has_estimated(Ok(Some(7)));
        assert_eq!(reader.total(), (Some(7), true));
        reader.expected = Expected::Rows { rows: 9, estimated: false };
        reader.has_estimated(Ok(Some(7)));
        assert_eq!(reader.total(), (Some(9), false));
    }

    #[test]
    fn rows_that_were_fetched_ahead_come_next_and_the_end_after_a_short_answer() {
        let mut reader = reader(&[1; 2]);
        assert!(reader.rows_at_hand().is_none(), "nobody knows");
        reader.has_fetched(4, Ok(tuples(&[1; 3])));
        assert_eq!(reader.rows_at_hand().map(|rows| rows.len()), Some(3));
        assert_eq!(reader.rows_at_hand().map(|rows| rows.len()), Some(0), "the end");
    }
}
