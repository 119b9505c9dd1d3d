//! Where each column of a row that is written comes from.

use crate::bindings::sql::TableDescription;
use crate::bindings::types::Column;
use crate::bulk::named_columns;
use crate::row::FieldSpec;
use crate::{Error, Result};

/// What a transform is made of.
pub(super) struct Request<'a> {
    pub(super) table: &'a TableDescription,
    /// The table as the migration spells it.
    pub(super) name: &'a str,
    pub(super) key: &'a [String],
    pub(super) reads: &'a [FieldSpec],
    /// The columns of those fields, where the migration names them.
    pub(super) read_names: Option<&'a [String]>,
    /// The name of the struct that is read.
    pub(super) reader: &'static str,
    pub(super) writes: &'a [FieldSpec],
    /// The columns of those fields, where the migration names them.
    pub(super) write_names: Option<&'a [String]>,
    /// The name of the struct that is written.
    pub(super) writer: &'static str,
}

/// The columns that are read and those that are written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The columns of the query.
    pub(super) reads: Vec<String>,
    /// Where the key is among them.
    pub(super) key_reads: Vec<usize>,
    /// The columns of the writer.
    pub(super) writes: Vec<String>,
    /// How many of them, from the first, are the key.
    pub(super) key_writes: usize,
    /// Where the columns of the writer come from, in their order.
    pub(super) parts: Vec<Part>,
    /// The column of each field that is read.
    pub(super) read_fields: Vec<String>,
    /// The column of each field that is written.
    pub(super) written_fields: Vec<String>,
}

/// Columns of a row that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Columns of the query from the first number to the last, as they are.
    Copied(usize, usize),
    /// A field of the struct.
    Field(usize),
    /// A field of the struct that has to be the same as a column of the query.
    Key { field: usize, read: usize },
}

impl Layout {
    /// The columns of the key, as the writer is told them.
    pub(super) fn key(&self) -> &[String] {
        &self.writes[..self.key_writes]
    }

    /// The other columns.
    pub(super) fn values(&self) -> &[String] {
        &self.writes[self.key_writes..]
    }
}

impl Request<'_> {
    /// The key, and then the columns that change.
    pub(super) fn in_place(&self) -> Result<Layout> {
        let (reads, fields) = (self.read()?, self.written()?);
        let values = fields.iter().filter(|name| !self.key.contains(name));
        let writes: Vec<String> = self.key.iter().chain(values).cloned().collect();
        if writes.len() == self.key.len() {
            return Err(Error::message(format!(
                "`{}` has nothing to write to {} beside its key",
                self.writer, self.name
            )));
        }
        let part = |(place, name): (usize, &String)| {
            let field = position(&fields, name);
            match (place < self.key.len(), field) {
                (true, None) => Part::Copied(place, place),
                (true, Some(field)) => Part::Key { field, read: place },
                (false, field) => Part::Field(field.unwrap_or_default()),
            }
        };
        let parts = joined(writes.iter().enumerate().map(part));
        Ok(self.layout(self.key.to_vec(), (reads, fields), writes, self.key.len(), parts))
    }

    /// All columns that can be written, in the table's order.
    pub(super) fn rewrite(&self) -> Result<Layout> {
        let (reads, fields) = (self.read()?, self.written()?);
        let writable = self.table.columns.iter().filter(|column| !column.generated);
        let writes: Vec<String> = writable.map(|column| column.column.name.clone()).collect();
        let part = |(place, name): (usize, &String)| {
            position(&fields, name).map_or(Part::Copied(place, place), Part::Field)
        };
        let parts = joined(writes.iter().enumerate().map(part));
        Ok(self.layout(writes.clone(), (reads, fields), writes, 0, parts))
    }

    /// Reads the columns that are copied first, and then what else is asked for.
    fn layout(
        &self,
        copied: Vec<String>,
        (read_fields, written_fields): (Vec<String>, Vec<String>),
        writes: Vec<String>,
        key_writes: usize,
        parts: Vec<Part>,
    ) -> Layout {
        let mut reads = copied;
        for name in read_fields.iter().cloned().chain(self.key.iter().cloned()) {
            if !reads.contains(&name) {
                reads.push(name);
            }
        }
        let key_reads = self.key.iter().filter_map(|name| position(&reads, name)).collect();
        Layout { reads, key_reads, writes, key_writes, parts, read_fields, written_fields }
    }

    /// The columns of the fields that are read.
    fn read(&self) -> Result<Vec<String>> {
        self.names(self.reads, self.read_names, self.reader)
    }

    /// The columns of the struct that is written.
    fn written(&self) -> Result<Vec<String>> {
        let names = self.names(self.writes, self.write_names, self.writer)?;
        let generated = self.table.columns.iter().filter(|column| column.generated);
        match generated.map(|column| &column.column.name).find(|name| names.contains(name)) {
            None => Ok(names),
            Some(name) => Err(Error::message(format!(
                "the column `{name}` of {} is generated: `{}` cannot write it",
                self.name, self.writer
            ))),
        }
    }

    /// The columns of a row's fields, all of which the table has to have.
    fn names(&self, fields: &[FieldSpec], given: Option<&[String]>, owner: &str) -> Result<Vec<String>> {
        let columns: Vec<Column> = self.table.columns.iter().map(|column| column.column.clone()).collect();
        if let Some(names) = given {
            return self.given(fields, names, owner, &columns);
        }
        for (place, field) in fields.iter().enumerate() {
            field.find(owner, place, &columns)?;
        }
        named_columns(fields).ok_or_else(|| {
            Error::message(format!(
                "a transform finds the columns of {} by name: instead of {owner} use a struct with \
                 `#[derive(FromRow)]` or `#[derive(ToRow)]`, or name them with `.columns(…)`",
                self.name
            ))
        })
    }

    /// The columns that the migration names for the fields, one for each.
    fn given(
        &self,
        fields: &[FieldSpec],
        names: &[String],
        owner: &str,
        columns: &[Column],
    ) -> Result<Vec<String>> {
        if fields.len() != names.len() {
            let (expected, found) = (fields.len(), names.len());
            return Err(Error::message(format!(
                "{owner} of {expected} fields is given {found} columns of {}",
                self.name
            )));
        }
        for (field, name) in fields.iter().zip(names) {
            field.resolve_named(owner, name, columns)?;
        }
        Ok(names.to_vec())
    }
}

fn position(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|known| known == name)
}

/// Joins columns that are copied and stand side by side in both rows.
fn joined(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Part::Copied(_, last)), Part::Copied(first, to)) if first == *last + 1 => *last = to,
            _ => joined.push(part),
        }
    }
    joined
}
