//! The resource `batch-writer`: rows that are buffered and sent by COPY.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::Resource;

use super::ahead::{COPIED, Job, Late};
use super::bindings::sql::{Counts, HostBatchWriter};
use super::bindings::types::{self, Value};
use super::call;
use super::convert::{columns_pg_to_wit, count_tuples, rows_wit_to_pg, rows_wit_to_text};
use super::meter::plain;
use super::staged::{Progress, Staged};
use super::state::{Fault, State, host_call, streaming_call};
use super::work::{Sent, Work, observing};
use crate::db::{Column, DbError, Observed, Parameter, TableName, Type, quote_identifier};

/// A bulk writer, on the guest's side.
pub struct Writer;

/// How much comes together before it is sent, in bytes. One connection cannot
/// read and write at the same time, so a COPY is over with every batch.
const BUFFER_BYTES: usize = 1 << 20;

/// A bulk writer, on ours.
pub(super) struct OpenWriter {
    /// The table that COPY writes to. Every part of it is quoted: what the guest
    /// gives becomes a part of a statement.
    into: String,
    /// The table that the rows are for, quoted.
    table: String,
    columns: Vec<Column>,
    names: Vec<String>,
    /// Whole tuples.
    buffer: Vec<u8>,
    /// Rows as text, where nobody knows the columns' types.
    written: Vec<Vec<Parameter>>,
    /// At least as many bytes as `written` takes in the types' own formats.
    written_bytes: usize,
    /// What the server has taken.
    rows: u64,
    /// An error that the guest has not heard of yet.
    late: Option<Late>,
    /// Of a writer whose rows wait in a temporary table.
    pub(super) staged: Option<Box<Staged>>,
}

/// Where a writer was when a savepoint was set.
pub(super) struct Mark {
    table: String,
    rows: u64,
    staged: Option<Progress>,
}

impl OpenWriter {
    fn new(into: String, table: String, columns: Vec<Column>, staged: Option<Box<Staged>>) -> Self {
        let names = columns.iter().map(|column| column.name.clone()).collect();
        let (buffer, written) = (Vec::new(), Vec::new());
        Self { into, table, columns, names, buffer, written, written_bytes: 0, rows: 0, late: None, staged }
    }

    /// A writer whose rows wait in `stage` for `table`.
    pub(super) fn staged(stage: String, table: String, columns: Vec<Column>, staged: Staged) -> Self {
        Self::new(stage, table, columns, Some(Box::new(staged)))
    }

    /// The table that the rows are for.
    pub(super) fn table(&self) -> &str {
        &self.table
    }

    pub(super) fn mark(&self) -> Mark {
        let staged = self.staged.as_ref().map(|staged| staged.progress());
        Mark { table: self.table.clone(), rows: self.rows, staged }
    }

    /// A savepoint was rolled back that was set at `mark`.
    fn rewind(&mut self, mark: &Mark) {
        self.buffer.clear();
        self.written.clear();
        self.written_bytes = 0;
        self.rows = mark.rows;
        // What it was about is undone.
        self.late = None;
        if let (Some(staged), Some(progress)) = (&mut self.staged, mark.staged) {
            staged.rewind(progress);
        }
    }

    fn is_finishing(&self) -> bool {
        self.staged.as_ref().is_some_and(|staged| staged.is_finishing)
    }

    fn has_failed(&self) -> bool {
        self.staged.as_ref().is_some_and(|staged| staged.has_failed)
    }

    /// Whether the columns' types are known: not while a script is written.
    fn is_typed(&self) -> bool {
        self.columns.iter().all(|column| column.type_ != Type::UNKNOWN)
    }

    /// The statement, for errors.
    fn sql(&self) -> String {
        if let Some(staged) = &self.staged {
            return staged.plan.label.clone();
        }
        let columns: Vec<_> = self.names.iter().map(|name| quote_identifier(name)).collect();
        format!("COPY {} ({}) FROM STDIN (FORMAT binary)", self.table, columns.join(", "))
    }
}

/// More bytes than a field takes in its type's own format: an array of small
/// numbers is the one that grows most.
fn most_bytes(field: &Parameter) -> usize {
    let text = match field {
        Parameter::Null | Parameter::Binary(_) => 0,
        Parameter::Text(text) => text.len(),
        Parameter::Written(written) => written.text.len(),
    };
    36 + 8 * text
}

impl HostBatchWriter for State {
    async fn columns(&mut self, this: Resource<Writer>) -> wasmtime::Result<Vec<types::Column>> {
        self.count_call()?;
        self.work.writer_columns(this.rep())
    }

    async fn write_rows(&mut self, this: Resource<Writer>, rows: Vec<Vec<Value>>) -> Result<(), Fault> {
        streaming_call!(self, self.work.write_rows(this.rep(), &rows).await)
    }

    async fn write_bytes(&mut self, this: Resource<Writer>, tuples: Vec<u8>) -> Result<(), Fault> {
        streaming_call!(self, self.work.write_bytes(this.rep(), tuples).await)
    }

    async fn finish(&mut self, this: Resource<Writer>) -> Result<u64, Fault> {
        let counts = host_call!(self, self.work.finish(this.rep()).await)?;
        Ok(counts.written)
    }

    async fn finish_counted(&mut self, this: Resource<Writer>) -> Result<Counts, Fault> {
        host_call!(self, self.work.finish(this.rep()).await)
    }

    async fn drop(&mut self, this: Resource<Writer>) -> wasmtime::Result<()> {
        // Rows of it may still be on their way.
        host_call!(self, self.work.drop_writer(this.rep()));
        Ok(())
    }
}

impl Work {
    pub(super) async fn start_writer(&mut self, table: &str, columns: Vec<String>) -> Result<u32, Fault> {
        let session = self.usable()?;
        let name = TableName::parse(table).map_err(|error| Fault::other("syntax", error.to_string()))?;
        let allowed = self.policy_mut().writer(name.schema.as_deref(), &name.table);
        let allowed = allowed.map_err(|error| self.refused(error, table))?;
        let schema = Some(allowed.schema).filter(|schema| !schema.is_empty());
        let name = TableName { schema, table: allowed.name }.to_string();
        let answer = session.lock().await.table_columns(&name, &columns).await;
        let columns = self.noted_without_place(answer, Sent::whole(table))?;
        let id = self.next_id();
        self.writers.insert(id, OpenWriter::new(name.clone(), name, columns, None));
        Ok(id)
    }

    /// None of a writer that ended with its savepoint or by an error.
    fn writer_columns(&mut self, id: u32) -> wasmtime::Result<Vec<types::Column>> {
        let Some(writer) = self.writers.get(&id) else { return Ok(Vec::new()) };
        if writer.is_typed() {
            return Ok(columns_pg_to_wit(&writer.columns));
        }
        let (why, sql) =
            ("it asks for the types of a table's columns, which only a server knows", writer.sql());
        let _ = self.unrecordable(why.to_owned(), &sql);
        Err(wasmtime::Error::msg(why))
    }

    async fn write_rows(&mut self, id: u32, rows: &[Vec<Value>]) -> Result<(), Fault> {
        let writer = self.open_writer(id)?;
        if writer.is_typed() {
            rows_wit_to_pg(&writer.columns, rows, &mut writer.buffer)?;
            return self.flush_if_full(id).await;
        }
        let sql = writer.sql();
        match rows_wit_to_text(writer.columns.len(), rows) {
            Ok(written) => {
                writer.written_bytes += written.iter().flatten().map(most_bytes).sum::<usize>();
                writer.written.extend(written);
            }
            Err(error) => return Err(self.unrecordable(error.to_string(), &sql)),
        }
        Ok(())
    }

    /// In a run, a writer sends its rows whenever enough of them came together;
    /// while a script is written, when it is finished. Where a run may have sent
    /// some by now, nobody can say which rows a statement would see.
    pub(super) fn check_order(&mut self, sql: &str) -> Result<(), Fault> {
        match self.writers.values().any(|writer| writer.written_bytes >= BUFFER_BYTES) {
            true => Err(self.unrecordable(
                "a writer holds many rows by now, and only a run decides which of them are there".to_owned(),
                sql,
            )),
            false => Ok(()),
        }
    }

    async fn write_bytes(&mut self, id: u32, tuples: Vec<u8>) -> Result<(), Fault> {
        let writer = self.open_writer(id)?;
        if !writer.is_typed() {
            let (why, sql) =
                ("it writes bytes in the format of types that only a server knows", writer.sql());
            return Err(self.unrecordable(why.to_owned(), &sql));
        }
        count_tuples(&tuples, writer.columns.len())?;
        if writer.buffer.is_empty() {
            writer.buffer = tuples;
        } else {
            writer.buffer.extend_from_slice(&tuples);
        }
        self.flush_if_full(id).await
    }

    async fn finish(&mut self, id: u32) -> Result<Counts, Fault> {
        let writer = self.open_writer(id)?;
        let is_staged = writer.staged.is_some();
        if let Some(staged) = &mut writer.staged {
            staged.is_finishing = true;
        }
        self.flush(id).await?;
        if is_staged {
            self.apply(id, true).await?;
        }
        let writer = self.writers.remove(&id).expect("the flush has left it open");
        let written = writer.rows;
        Ok(match writer.staged {
            Some(staged) => staged.counts(written),
            None => Counts { written, inserted: written, updated: 0, deleted: 0, unchanged: 0, missing: 0 },
        })
    }

    /// A savepoint was rolled back that was set while these writers were open.
    pub(super) fn rewind_writers(&mut self, marks: &[(u32, Mark)]) {
        for (id, mark) in marks {
            let waited = mark.staged.is_some_and(|progress| progress.waiting > 0);
            match self.writers.get_mut(id) {
                // Its handle is gone, and so is all that it had.
                Some(writer) if writer.is_finishing() && !waited => drop(self.writers.remove(id)),
                Some(writer) => writer.rewind(mark),
                // What waited when the savepoint was set waits again, and
                // nobody can finish it.
                None if waited => drop(self.unfinished.insert(*id, mark.table.clone())),
                None if mark.staged.is_some() => drop(self.unfinished.remove(id)),
                None => {}
            }
        }
    }

    /// Dropping cannot report an error, so the call will.
    fn drop_writer(&mut self, id: u32) {
        if let Some(writer) = self.writers.remove(&id) {
            self.unfinished.insert(id, writer.table().to_owned());
        }
    }

    fn open_writer(&mut self, id: u32) -> Result<&mut OpenWriter, Fault> {
        self.look_back();
        self.tell_late_writer(id)?;
        self.usable()?;
        let writer = self.writers.get_mut(&id).filter(|writer| !writer.has_failed());
        writer.ok_or_else(|| Fault::closed("writer"))
    }

    /// The error of a writer that the guest has not heard of yet.
    fn tell_late_writer(&mut self, id: u32) -> Result<(), Fault> {
        match self.writers.get_mut(&id).and_then(|writer| writer.late.take()) {
            Some(late) => {
                self.forget_failed(id);
                Err(self.delivered(late))
            }
            None => Ok(()),
        }
    }

    /// A writer that failed is gone once its guest was told. A staged one stays,
    /// for a savepoint that was set before: rows of it may be waiting.
    fn forget_failed(&mut self, id: u32) {
        if self.writers.get(&id).is_some_and(|writer| writer.staged.is_none()) {
            self.writers.remove(&id);
        }
    }

    /// Has a full buffer sent while the guest fills the next one. At most one
    /// is on its way.
    async fn flush_if_full(&mut self, id: u32) -> Result<(), Fault> {
        if self.writers.get(&id).is_none_or(|writer| writer.buffer.len() < BUFFER_BYTES) {
            return Ok(());
        }
        while self.ahead.is_copying() && self.catch_up_by_one().await {}
        self.open_writer(id)?;
        self.apply_if_much(id).await?;
        let session = self.usable()?;
        let writer = self.open_writer(id)?;
        let tuples = Bytes::from(std::mem::take(&mut writer.buffer));
        let (table, columns) = (writer.into.clone(), writer.names.clone());
        self.count_statement();
        self.ahead.submit(&session, Job::Copy { writer: id, table, columns, tuples });
        Ok(())
    }

    /// A buffer that was sent while the guest went on has arrived, or not.
    pub(super) fn has_copied(
        &mut self,
        id: u32,
        bytes: u64,
        answer: Result<u64, DbError>,
        observed: Option<Observed>,
    ) {
        if let Err(fault) = self.noted_rows(id, bytes, answer, observed) {
            let late = self.late(fault);
            if let Some(writer) = self.writers.get_mut(&id) {
                writer.late = late;
            }
        }
    }

    /// A buffer was not sent, since something before it failed. Where that left
    /// the transaction as it was, its rows would be missing in silence.
    pub(super) fn has_not_copied(&mut self, id: u32) {
        let why = "rows were not sent, since a fetch of rows before them failed";
        let fault = self.not_sent(id, DbError::Value(why.into()));
        let late = self.late(fault);
        if let Some(writer) = self.writers.get_mut(&id).filter(|writer| writer.late.is_none()) {
            writer.late = late;
        }
    }

    /// Tells the operator from time to time how many rows a writer has sent.
    fn report_written(&mut self, id: u32) {
        if self.reported_reader().is_some() || !self.meter.is_due() {
            return;
        }
        if let Some(writer) = self.writers.get(&id) {
            let what = format!("writing {}", plain(&writer.table));
            let (what, done) = (Some(what.as_str()), writer.rows);
            self.meter.report(call::Progress { what, done, total: None, estimated: false });
        }
    }

    /// Sends what every writer has.
    pub(super) async fn flush_all(&mut self) -> Result<(), Fault> {
        let open = self.writers.iter().filter(|(_, writer)| !writer.has_failed());
        let writers: Vec<u32> = open.map(|(id, _)| *id).collect();
        for id in writers {
            self.flush(id).await?;
        }
        Ok(())
    }

    /// Sends what a writer has. A writer that failed is gone: its guest was
    /// told.
    async fn flush(&mut self, id: u32) -> Result<(), Fault> {
        let session = self.usable()?;
        let writer = self.writers.get_mut(&id).ok_or_else(|| Fault::closed("writer"))?;
        let mut bytes = 0;
        let (answer, observed) = if !writer.written.is_empty() {
            let rows = std::mem::take(&mut writer.written);
            writer.written_bytes = 0;
            observing!(session, session => session.copy_in_written(&writer.into, &writer.names, rows))
        } else if !writer.buffer.is_empty() {
            let tuples = Bytes::from(std::mem::take(&mut writer.buffer));
            bytes = tuples.len() as u64;
            observing!(session, session => session.copy_in(&writer.into, &writer.names, tuples))
        } else {
            return Ok(());
        };
        self.count_statement();
        if let Err(fault) = self.noted_rows(id, bytes, answer, observed) {
            self.forget_failed(id);
            return Err(fault);
        }
        self.apply_if_much(id).await
    }

    /// Takes note of a session's answer to a writer's rows.
    fn noted_rows(
        &mut self,
        id: u32,
        bytes: u64,
        answer: Result<u64, DbError>,
        observed: Option<Observed>,
    ) -> Result<(), Fault> {
        let rows = answer.map_err(|error| self.not_sent(id, error))?;
        let Some(writer) = self.writers.get_mut(&id) else {
            return self.as_expected(Ok(()), observed, COPIED, Sent::whole("COPY"));
        };
        writer.rows += rows;
        if let Some(staged) = &mut writer.staged {
            staged.took(rows, bytes);
        }
        let sql = writer.sql();
        self.count_rows(rows);
        self.report_written(id);
        self.as_expected(Ok(()), observed, COPIED, Sent::whole(&sql))
    }

    /// The server has refused a writer's rows.
    fn not_sent(&mut self, id: u32, error: DbError) -> Fault {
        let Some(writer) = self.writers.get_mut(&id) else {
            return self.failed_without_place(error, Sent::whole("COPY"));
        };
        let (sql, before) = (writer.sql(), writer.rows);
        let Some(staged) = &mut writer.staged else {
            return self.failed_without_place(error, Sent::whole(&sql));
        };
        staged.has_failed = true;
        match Arc::clone(&staged.plan).explained(error, before) {
            Ok(error) => self.failed_without_place(error, Sent::whole(&sql)),
            Err(error) => self.spoiled(&error, &sql),
        }
    }
}
