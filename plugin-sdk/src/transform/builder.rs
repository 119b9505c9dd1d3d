//! What to transform, and how.

use std::marker::PhantomData;

use super::layout::{self, Layout};
use super::run::Run;
use crate::bindings::sql::{RewriteOptions, TableDescription, UpdateOptions};
use crate::bulk::{ColumnNames, Counts, How, TableRead, no_key, open_host};
use crate::reader::Reader;
use crate::row::{FromRow, ReadRow, ToRow, WriteRow};
use crate::transaction::values;
use crate::types::ToValue;
use crate::{Error, Result, Transaction, Value};

/// Reads the rows of a table, maps each of them in Rust, and writes them back, in
/// flat memory however many there are.
///
/// `In` has a field for each column that is read, `Out` one for each that is
/// written; columns that `Out` does not have stay as they are. Both may borrow
/// their text: what comes out may point into what came in.
///
/// ```
/// # use plugin_sdk::prelude::*;
/// #[derive(FromRow)]
/// struct User<'a> {
///     name: &'a str,
///     email: &'a str,
/// }
///
/// #[derive(ToRow)]
/// struct Clean<'a> {
///     name: &'a str,
///     email: String,
/// }
///
/// fn example(tx: &Transaction) -> Result<()> {
///     let counts = tx
///         .transform::<User, Clean>("public.users")
///         .filter("email <> lower(email)", &[])
///         .map(|user| Ok(Clean { name: user.name.trim(), email: user.email.to_lowercase() }))?;
///     info!("{} users repaired", counts.updated);
///     Ok(())
/// }
/// ```
///
/// Rows are changed where they are, found by the primary key, and nothing is
/// changed before the last row was read. [`rewrite`](Self::rewrite) is faster
/// where most rows change. Other sessions can read the table meanwhile and cannot
/// write it, so that no row can change between its reading and its writing.
///
/// An error about one row, the closure's own included, names the row by its
/// number and its key: `row 700001 of public.users (id = 700001), column email:
/// is NULL; …`. The whole transform is undone, as is everything else that the
/// migration did. The host reports the progress.
#[must_use = "nothing is transformed without `map` or `filter_map`"]
pub struct Transform<'tx, In, Out> {
    tx: &'tx Transaction,
    table: String,
    key: Vec<String>,
    /// The columns of the fields that are read and written; none where the structs
    /// name them.
    columns: Option<(Vec<String>, Vec<String>)>,
    filter: Option<(String, Vec<Value>)>,
    is_ordered: bool,
    is_counted: bool,
    batch_rows: u32,
    /// None for a transform in place.
    rewrite: Option<RewriteOptions>,
    update: UpdateOptions,
    rows: PhantomData<fn(In) -> Out>,
}

impl<'tx, In: ReadRow, Out: WriteRow> Transform<'tx, In, Out> {
    pub(crate) fn new(tx: &'tx Transaction, table: &str) -> Self {
        Self {
            tx,
            table: table.to_owned(),
            key: Vec::new(),
            columns: None,
            filter: None,
            is_ordered: false,
            is_counted: false,
            batch_rows: Reader::BATCH_ROWS,
            rewrite: None,
            update: UpdateOptions { skip_unchanged: false, allow_missing: false, lock_out_writers: true },
            rows: PhantomData,
        }
    }

    /// Names the columns by which a row is found and by which errors call it: those
    /// of a unique index. Without this it is the primary key.
    pub fn key(mut self, key: impl ColumnNames) -> Self {
        self.key = key.into_names();
        self
    }

    /// Names the columns that are read and those that are written, in the order of
    /// the fields: for tuples, whose columns are known only when the migration runs.
    ///
    /// ```
    /// # use plugin_sdk::prelude::*;
    /// # fn example(tx: &Transaction, column: &str) -> Result<()> {
    /// let counts = tx
    ///     .transform::<(String,), (String,)>("public.users")
    ///     .columns(column, column)
    ///     .map(|(text,)| Ok((text.to_lowercase(),)))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn columns(mut self, reads: impl ColumnNames, writes: impl ColumnNames) -> Self {
        self.columns = Some((reads.into_names(), writes.into_names()));
        self
    }

    /// Reads only the rows for which an SQL condition holds; `$1` … `$n` in it
    /// stand for the parameters.
    pub fn filter(mut self, condition: &str, params: &[&dyn ToValue]) -> Self {
        self.filter = Some((condition.to_owned(), values(params)));
        self
    }

    /// Reads the rows in the order of the key. Costs a sort, or an index scan.
    pub fn ordered(mut self) -> Self {
        self.is_ordered = true;
        self
    }

    /// Counts the rows first, so that the progress is exact; without this the host
    /// goes by the server's estimate.
    pub fn counted(mut self) -> Self {
        self.is_counted = true;
        self
    }

    /// Sets the most rows in a batch; see [`Reader::with_batch_rows`].
    pub fn batch_rows(mut self, rows: u32) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// Leaves rows alone that have the new values already, and counts them as
    /// `unchanged`. Returning `None` from [`filter_map`](Self::filter_map) for
    /// them is cheaper still.
    pub fn skip_unchanged(mut self) -> Self {
        self.update.skip_unchanged = true;
        self
    }

    /// Lets other sessions write the table meanwhile.
    ///
    /// What another session commits to a row between its reading and its writing
    /// is **lost** in the columns that `Out` has: they get values made from what
    /// was read before. Rows that are inserted meanwhile are not transformed, and
    /// rows that are deleted meanwhile are counted as `missing`.
    pub fn without_lock(mut self) -> Self {
        self.update.lock_out_writers = false;
        self.update.allow_missing = true;
        self
    }

    /// Puts all rows in place of what the table has, rather than changing them one
    /// by one: faster where most rows change. Columns that `Out` does not have are
    /// passed through as they are.
    ///
    /// All rows are read, so that there is no [`filter`](Self::filter). From the
    /// last row to the end of the transaction other sessions cannot even read the
    /// table. Fails with the kind `unsafe` where it would do harm, such as to
    /// foreign keys that point at the table; see [`Transaction::rewrite`].
    pub fn rewrite(mut self) -> Self {
        self.rewrite = Some(self.rewrite.unwrap_or(RewriteOptions { fire_triggers: false }));
        self
    }

    /// A [`rewrite`](Self::rewrite) for which the table's triggers fire, for each
    /// row as for an insert. Without this they are disabled meanwhile, which needs
    /// the capability `ddl` on the table where it has triggers.
    pub fn rewrite_with_triggers(mut self) -> Self {
        self.rewrite = Some(RewriteOptions { fire_triggers: true });
        self
    }

    /// Maps each row, and writes what comes out.
    ///
    /// # Errors
    ///
    /// The closure's error and the server's; a struct whose fields do not fit the
    /// table; a table without a key; options that do not go together.
    pub fn map<F>(self, mut map: F) -> Result<Counts>
    where
        F: for<'a> FnMut(&'a In::Of<'a>) -> Result<Out::Of<'a>>,
    {
        self.filter_map(move |row| map(row).map(Some))
    }

    /// Maps each row, and leaves it as it is where that gives `None`.
    ///
    /// # Errors
    ///
    /// As [`map`](Self::map).
    pub fn filter_map<F>(mut self, map: F) -> Result<Counts>
    where
        F: for<'a> FnMut(&'a In::Of<'a>) -> Result<Option<Out::Of<'a>>>,
    {
        self.check_options()?;
        let table = self.tx.describe_table(&self.table)?;
        self.find_key(&table)?;
        let layout = self.layout(&table)?;
        // The writer takes the lock, so it comes before the rows are read.
        let writer = open_host(self.tx, &self.table, layout.key(), layout.values(), self.how())?;
        if self.rewrite.is_some() && self.tx.describe_table(&self.table)?.columns != table.columns {
            // What a column that is new holds would be gone.
            let message = format!("{} was altered before it could be locked; run it again", self.table);
            return Err(Error::message(message));
        }
        let read = TableRead {
            table: self.table,
            columns: layout.reads.clone(),
            filter: self.filter,
            order: if self.is_ordered { self.key } else { vec![] },
        };
        let total = if self.is_counted { Some(count(self.tx, &read)?) } else { None };
        let reader = self.tx.host().open_table(&read)?;
        if let Some(total) = total {
            reader.expect_rows(total);
        }
        Run::<In, Out>::new(read.table, layout, reader, writer)?.all(self.batch_rows, map)
    }

    /// Refuses what a rewrite would have to ignore.
    fn check_options(&self) -> Result<()> {
        let options = [
            (self.filter.is_some(), "filter", "it puts back all rows; return `None` for those to be kept"),
            (self.update.skip_unchanged, "skip_unchanged", "it writes all rows anew"),
            (!self.update.lock_out_writers, "without_lock", "rows written meanwhile would be gone"),
        ];
        let refused = options.iter().find(|(is_set, ..)| *is_set && self.rewrite.is_some());
        match refused {
            None => Ok(()),
            Some((_, option, reason)) => Err(Error::message(format!(
                "`.rewrite()` of {} does not go with `.{option}(…)`: {reason}",
                self.table
            ))),
        }
    }

    fn find_key(&mut self, table: &TableDescription) -> Result<()> {
        if self.key.is_empty() {
            self.key.clone_from(&table.key);
        }
        match self.key.is_empty() && (self.rewrite.is_none() || self.is_ordered) {
            true => Err(no_key(&self.table)),
            false => Ok(()),
        }
    }

    fn layout(&self, table: &TableDescription) -> Result<Layout> {
        let (reads, writes) = (In::Of::<'static>::fields(), Out::Of::<'static>::fields());
        let request = layout::Request {
            table,
            name: &self.table,
            key: &self.key,
            reads: &reads,
            read_names: self.columns.as_ref().map(|(reads, _)| reads.as_slice()),
            reader: In::Of::<'static>::NAME,
            writes: &writes,
            write_names: self.columns.as_ref().map(|(_, writes)| writes.as_slice()),
            writer: Out::Of::<'static>::NAME,
        };
        match self.rewrite {
            None => request.in_place(),
            Some(_) => request.rewrite(),
        }
    }

    fn how(&self) -> How {
        match self.rewrite {
            None => How::Update(self.update),
            Some(options) => How::Rewrite(options),
        }
    }
}

fn count(tx: &Transaction, read: &TableRead) -> Result<u64> {
    let counted = tx.host().count_table(read)?;
    match counted.rows.first().and_then(|row| row.first()) {
        Some(Value::Int8(rows)) => Ok(u64::try_from(*rows).unwrap_or_default()),
        _ => Err(Error::message(format!("the rows of {} could not be counted", read.table))),
    }
}
