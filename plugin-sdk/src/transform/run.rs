//! The loop: from tuples that are read to tuples that are written.

use std::marker::PhantomData;

use super::layout::{Layout, Part};
use crate::bindings::types::Column;
use crate::bulk::{Counts, row_place};
use crate::codec::{Span, next_tuple};
use crate::reader::Reader;
use crate::row::{FromRow, Plan, ReadRow, RowView, ToRow, WriteRow, unwritable};
use crate::types::{PgType, readable};
use crate::writer::Writer;
use crate::{Error, Result, sys};

/// A transform whose reader and writer are open.
pub(super) struct Run<In, Out> {
    reader: sys::BatchReader,
    sink: sys::BatchWriter,
    mapper: Mapper<In, Out>,
}

/// From the bytes of tuples that were read to those of tuples to be written.
struct Mapper<In, Out> {
    source: Source,
    plan: Plan,
    assembly: Assembly,
    spans: Vec<Span>,
    /// Rows so far.
    rows: u64,
    types: PhantomData<fn(In) -> Out>,
}

/// Where the rows come from.
struct Source {
    table: String,
    columns: Vec<Column>,
    /// Where the key is among the columns.
    key: Vec<usize>,
}

/// How the tuples that are written are put together.
struct Assembly {
    parts: Vec<Part>,
    /// The columns that each part writes to; of those that are copied the first.
    columns: Vec<Column>,
    /// The number of fields, as a tuple begins.
    head: [u8; 2],
    /// The columns that make up an unchanged row; none where it is not written.
    whole: Option<usize>,
}

impl<In: ReadRow, Out: WriteRow> Run<In, Out> {
    /// Checks once that the fields fit the columns.
    pub(super) fn new(
        table: String,
        layout: Layout,
        reader: sys::BatchReader,
        sink: sys::BatchWriter,
    ) -> Result<Self> {
        let mapper = Mapper::new(table, layout, reader.columns(), &sink.columns())?;
        Ok(Self { reader, sink, mapper })
    }

    /// Maps all rows, and tells what became of them.
    pub(super) fn all<F>(mut self, batch_rows: u32, mut map: F) -> Result<Counts>
    where
        F: for<'a> FnMut(&'a In::Of<'a>) -> Result<Option<Out::Of<'a>>>,
    {
        let mut out = Vec::with_capacity(Writer::BUFFER_BYTES + Writer::BUFFER_BYTES / 4);
        loop {
            let bytes = self.reader.next_bytes(batch_rows, Reader::BATCH_BYTES)?;
            if bytes.is_empty() {
                break;
            }
            let mut position = 0;
            while self.mapper.fill(&bytes, &mut position, &mut out, &mut map)? {
                self.sink.write_bytes(&out)?;
                out.clear();
            }
        }
        if !out.is_empty() {
            self.sink.write_bytes(&out)?;
        }
        sys::BatchReader::close(self.reader)?;
        Ok(sys::BatchWriter::finish_counted(self.sink)?)
    }
}

impl<In: ReadRow, Out: WriteRow> Mapper<In, Out> {
    fn new(table: String, layout: Layout, columns: Vec<Column>, written: &[Column]) -> Result<Self> {
        let plan = Plan::named::<In::Of<'static>>(&layout.read_fields, &columns)?;
        let assembly = Assembly::of::<Out::Of<'static>>(&layout, written)?;
        let source = Source { table, columns, key: layout.key_reads };
        Ok(Self { source, plan, assembly, spans: Vec::new(), rows: 0, types: PhantomData })
    }

    /// Maps the rows from `position` on, to the end of the batch or until the
    /// buffer is full, which it says.
    fn fill<F>(&mut self, bytes: &[u8], position: &mut usize, out: &mut Vec<u8>, map: &mut F) -> Result<bool>
    where
        F: for<'a> FnMut(&'a In::Of<'a>) -> Result<Option<Out::Of<'a>>>,
    {
        let Self { source, plan, assembly, spans, rows, .. } = self;
        let types: Vec<PgType<'_>> = assembly.columns.iter().map(Column::pg_type).collect();
        while next_tuple(bytes, position, source.columns.len(), spans)? {
            *rows += 1;
            let view = RowView::new(bytes, spans, &source.columns, plan);
            let mapped = In::Of::from_row(&view).and_then(|row| match map(In::shorten(&row))? {
                Some(mapped) => assembly.write(&mapped, bytes, spans, &types, out),
                None => {
                    assembly.write_unchanged(bytes, spans, out);
                    Ok(())
                }
            });
            mapped.map_err(|error| source.locate(error, *rows, bytes, spans))?;
            if out.len() >= Writer::BUFFER_BYTES {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Source {
    /// Adds to an error which row it is about.
    #[cold]
    fn locate(&self, error: Error, number: u64, bytes: &[u8], spans: &[Span]) -> Error {
        let value = |index: &usize| {
            let column = &self.columns[*index];
            (column.name.clone(), readable(column.pg_type(), spans[*index].of(bytes)))
        };
        let key: Vec<_> = self.key.iter().map(value).collect();
        error.in_row(row_place(number, &self.table, &key))
    }
}

impl Assembly {
    fn of<Out: ToRow>(layout: &Layout, columns: &[Column]) -> Result<Self> {
        if !columns.iter().map(|column| &column.name).eq(&layout.writes) {
            return Err(Error::message("the host's writer has other columns than it was asked for"));
        }
        let fields = Out::fields();
        let (mut at, mut first) = (0, Vec::new());
        for part in &layout.parts {
            first.push(columns[at].clone());
            at += match *part {
                Part::Copied(from, to) => to + 1 - from,
                Part::Field(field) | Part::Key { field, .. } => {
                    fields[field].resolve_named(Out::NAME, &layout.written_fields[field], columns)?;
                    1
                }
            };
        }
        // No table has more columns than fit: PostgreSQL allows 1,600.
        let head = (columns.len() as i16).to_be_bytes();
        let whole = (layout.key_writes == 0).then_some(columns.len());
        Ok(Self { parts: layout.parts.clone(), columns: first, head, whole })
    }

    #[inline]
    fn write<Out: ToRow>(
        &self,
        row: &Out,
        bytes: &[u8],
        spans: &[Span],
        types: &[PgType<'_>],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.extend_from_slice(&self.head);
        for (part, ty) in self.parts.iter().zip(types) {
            let written = match *part {
                Part::Copied(first, last) => {
                    out.extend_from_slice(spans[first].framed_to(spans[last], bytes));
                    Ok(())
                }
                Part::Field(field) => row.write_field(field, *ty, out),
                Part::Key { field, read } => {
                    let start = out.len();
                    row.write_field(field, *ty, out).and_then(|()| {
                        let is_same = out[start..] == *spans[read].framed_to(spans[read], bytes);
                        if is_same { Ok(()) } else { Err(changed_key()) }
                    })
                }
            };
            if let Err(error) = written {
                return Err(self.unwritable::<Out>(part, &error));
            }
        }
        Ok(())
    }

    /// Puts a row back as it was, where all rows are written.
    fn write_unchanged(&self, bytes: &[u8], spans: &[Span], out: &mut Vec<u8>) {
        if let Some(last) = self.whole.and_then(|columns| columns.checked_sub(1)) {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(spans[0].framed_to(spans[last], bytes));
        }
    }

    #[cold]
    fn unwritable<Out: ToRow>(&self, part: &Part, error: &Error) -> Error {
        let place = self.parts.iter().position(|known| known == part).unwrap_or_default();
        unwritable::<Out>(&self.columns[place], error)
    }
}

#[cold]
fn changed_key() -> Error {
    Error::message(
        "is another one than was read: a key cannot be changed in place; leave it out, or use `.rewrite()`",
    )
}
