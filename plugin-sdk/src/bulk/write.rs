//! What to write where, before it is opened.

use std::marker::PhantomData;

use super::{ColumnNames, Counts, RowWriter};
use crate::bindings::sql::{DeleteOptions, RewriteOptions, UpdateOptions, UpsertOptions};
use crate::row::{FieldSpec, ToRow, WriteRow};
use crate::writer::{Target, Writer};
use crate::{Error, Result, Transaction, sys};

/// New rows: [`Transaction::insert`].
#[derive(Debug)]
pub enum Insert {}

/// New values for rows that are there: [`Transaction::update`].
#[derive(Debug)]
pub enum Update {}

/// Rows that may be there: [`Transaction::upsert`].
#[derive(Debug)]
pub enum Upsert {}

/// Rows to be deleted: [`Transaction::delete`].
#[derive(Debug)]
pub enum Delete {}

/// All rows of a table: [`Transaction::rewrite`].
#[derive(Debug)]
pub enum Rewrite {}

/// A way to write that finds rows by their key.
pub trait Keyed {}

impl Keyed for Update {}
impl Keyed for Upsert {}
impl Keyed for Delete {}

/// A bulk write to one table, to be given its options and then its rows:
/// [`rows`](Self::rows) for an iterator, [`open`](Self::open) for one row after the
/// other.
///
/// The columns are those that the rows' struct has fields for. The host sends the
/// rows by COPY; where they change rows that are there, they wait in a temporary
/// table, and one statement applies all of them at the end.
///
/// ```
/// # use plugin_sdk::prelude::*;
/// #[derive(ToRow)]
/// struct Price {
///     id: i64,
///     price: Numeric,
/// }
///
/// fn example(tx: &Transaction, prices: &[Price]) -> Result<()> {
///     let counts = tx.update("public.listings").key("id").skip_unchanged().rows(prices)?;
///     info!("{} prices changed, {} were right", counts.updated, counts.unchanged);
///     Ok(())
/// }
/// ```
#[must_use = "nothing is written without `rows` or `open`"]
pub struct BulkWrite<'tx, Operation> {
    tx: &'tx Transaction,
    table: String,
    key: Vec<String>,
    columns: Option<Vec<String>>,
    how: How,
    operation: PhantomData<Operation>,
}

/// The operation and its options.
#[derive(Clone, Copy)]
pub(crate) enum How {
    Insert,
    Update(UpdateOptions),
    Upsert(UpsertOptions),
    Delete(DeleteOptions),
    Rewrite(RewriteOptions),
}

impl<'tx, Operation> BulkWrite<'tx, Operation> {
    pub(crate) fn new(tx: &'tx Transaction, table: &str, how: How) -> Self {
        let table = table.to_owned();
        Self { tx, table, key: Vec::new(), columns: None, how, operation: PhantomData }
    }

    /// Names the columns that are written, beside those of the key.
    ///
    /// A struct names them by its fields; tuples and bytes need this.
    pub fn columns(mut self, columns: impl ColumnNames) -> Self {
        self.columns = Some(columns.into_names());
        self
    }

    /// Writes all rows: structs with `#[derive(ToRow)]`, references to them, or
    /// tuples of the key's columns and then the others.
    ///
    /// # Errors
    ///
    /// Names the row, its key and the column that does not fit; or the server's
    /// error; for a key that is there twice, is NULL or is missing, an error of
    /// the kind `key`.
    pub fn rows<I>(self, rows: I) -> Result<Counts>
    where
        I: IntoIterator,
        I::Item: ToRow,
    {
        self.try_rows(rows.into_iter().map(Ok))
    }

    /// The same for rows whose making can fail, such as those of
    /// [`read`](Transaction::read); the first error ends it.
    ///
    /// A writer that locks others out, as a rewrite does, has to be opened before
    /// the rows are read, where they come from the same table: by
    /// [`open`](Self::open), or by [`transform`](Transaction::transform).
    ///
    /// # Errors
    ///
    /// The first error of the rows, and those of [`rows`](Self::rows).
    pub fn try_rows<T: ToRow>(self, rows: impl IntoIterator<Item = Result<T>>) -> Result<Counts> {
        let mut writer = self.open_for::<T>()?;
        for row in rows {
            writer.write(&row?)?;
        }
        writer.finish_counted()
    }

    /// Opens the writer, to be given one row after the other.
    ///
    /// # Errors
    ///
    /// The server's error, such as a table that does not exist, and what cannot
    /// be written: a struct that lacks a column of the key.
    pub fn open<T: WriteRow>(self) -> Result<RowWriter<'tx, T>> {
        Ok(RowWriter::new(self.open_for::<T::Of<'static>>()?))
    }

    /// Opens the writer for bytes, or for rows of several types. Its columns are
    /// those of the key and then [`columns`](Self::columns); without those, an
    /// insert and a rewrite take all columns of the table.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn writer(mut self) -> Result<Writer<'tx>> {
        self.find_key()?;
        let columns = match (self.columns.take(), self.how) {
            (Some(columns), _) => columns,
            (None, How::Insert | How::Rewrite(_) | How::Delete(_)) => vec![],
            (None, _) => return Err(self.needs_columns("rows without names")),
        };
        self.open_writer(&columns)
    }

    fn open_for<T: ToRow>(mut self) -> Result<Writer<'tx>> {
        self.find_key()?;
        let columns = match self.columns.take() {
            Some(columns) => columns,
            None => self.columns_of::<T>()?,
        };
        self.open_writer(&columns)
    }

    /// The columns beside the key that a struct has fields for.
    fn columns_of<T: ToRow>(&self) -> Result<Vec<String>> {
        let Some(names) = named_columns(&T::fields()) else {
            return match self.how {
                How::Delete(_) => Ok(vec![]),
                _ => Err(self.needs_columns(T::NAME)),
            };
        };
        if let Some(missing) = self.key.iter().find(|key| !names.contains(key)) {
            return Err(Error::message(format!(
                "`{}` has no field for `{missing}`, which is part of the key of {}",
                T::NAME,
                self.table
            )));
        }
        let columns: Vec<_> = names.into_iter().filter(|name| !self.key.contains(name)).collect();
        match (self.how, columns.first()) {
            (How::Delete(_), Some(column)) => Err(Error::message(format!(
                "rows are deleted by their key alone: `{}` has the field `{column}` beside it",
                T::NAME
            ))),
            _ => Ok(columns),
        }
    }

    fn needs_columns(&self, what: &str) -> Error {
        Error::message(format!(
            "which columns of {} {what} has must be said: `.columns([…])`, or use a struct with \
             `#[derive(ToRow)]`",
            self.table
        ))
    }

    /// The key that the host would take where none is given, by name: the struct's
    /// other fields are the values.
    fn find_key(&mut self) -> Result<()> {
        let keyed = matches!(self.how, How::Update(_) | How::Upsert(_) | How::Delete(_));
        if keyed && self.key.is_empty() {
            self.key = self.tx.describe_table(&self.table)?.key;
            if self.key.is_empty() {
                return Err(no_key(&self.table));
            }
        }
        Ok(())
    }

    fn open_writer(&self, columns: &[String]) -> Result<Writer<'tx>> {
        let inner = open_host(self.tx, &self.table, &self.key, columns, self.how)?;
        Ok(Writer::new(inner, Target { table: self.table.clone(), key_columns: self.key.len() }))
    }
}

impl<Operation: Keyed> BulkWrite<'_, Operation> {
    /// Names the columns by which a row is found: those of the primary key, or of
    /// another unique index. Without this it is the primary key.
    pub fn key(mut self, key: impl ColumnNames) -> Self {
        self.key = key.into_names();
        self
    }

    /// Locks the table against writers of other sessions from now to the end of
    /// the transaction, so that what was read to make the new values cannot
    /// change in between. Open the writer before the reader.
    pub fn lock_out_writers(mut self) -> Self {
        match &mut self.how {
            How::Update(options) => options.lock_out_writers = true,
            How::Upsert(options) => options.lock_out_writers = true,
            How::Delete(options) => options.lock_out_writers = true,
            How::Insert | How::Rewrite(_) => {}
        }
        self
    }
}

impl BulkWrite<'_, Update> {
    /// Leaves rows alone that have the new values already, and counts them as
    /// `unchanged`. Saves the writing, costs a comparison.
    pub fn skip_unchanged(mut self) -> Self {
        if let How::Update(options) = &mut self.how {
            options.skip_unchanged = true;
        }
        self
    }

    /// Counts keys that are not in the table as `missing`; without this they are
    /// an error.
    pub fn allow_missing(mut self) -> Self {
        if let How::Update(options) = &mut self.how {
            options.allow_missing = true;
        }
        self
    }
}

impl BulkWrite<'_, Upsert> {
    /// Leaves rows alone that are there, and counts them as `unchanged`.
    pub fn keep_existing(mut self) -> Self {
        if let How::Upsert(options) = &mut self.how {
            options.keep_existing = true;
        }
        self
    }

    /// Leaves rows alone that have the new values already, and counts them as
    /// `unchanged`. Saves the writing, costs a comparison.
    pub fn skip_unchanged(mut self) -> Self {
        if let How::Upsert(options) = &mut self.how {
            options.skip_unchanged = true;
        }
        self
    }
}

impl BulkWrite<'_, Delete> {
    /// Counts keys that are not in the table as `missing`; without this they are
    /// an error.
    pub fn allow_missing(mut self) -> Self {
        if let How::Delete(options) = &mut self.how {
            options.allow_missing = true;
        }
        self
    }
}

impl BulkWrite<'_, Rewrite> {
    /// Lets the table's triggers fire, for each row as for an insert. Without this
    /// they are disabled meanwhile, which needs the capability `ddl` on the table
    /// where it has triggers.
    pub fn fire_triggers(mut self) -> Self {
        if let How::Rewrite(options) = &mut self.how {
            options.fire_triggers = true;
        }
        self
    }
}

/// The columns of a struct's fields; none for a tuple.
pub(crate) fn named_columns(fields: &[FieldSpec]) -> Option<Vec<String>> {
    fields.iter().map(|field| field.column.map(str::to_owned)).collect()
}

pub(crate) fn no_key(table: &str) -> Error {
    Error::message(format!("{table} has no primary key: name the columns of a unique index with `.key(…)`"))
}

pub(crate) fn open_host(
    tx: &Transaction,
    table: &str,
    key: &[String],
    columns: &[String],
    how: How,
) -> Result<sys::BatchWriter> {
    let tx = tx.host();
    Ok(match how {
        How::Insert => tx.open_writer(table, columns),
        How::Update(options) => tx.open_update(table, key, columns, options),
        How::Upsert(options) => tx.open_upsert(table, key, columns, options),
        How::Delete(options) => tx.open_delete(table, key, options),
        How::Rewrite(options) => tx.open_rewrite(table, columns, options),
    }?)
}
