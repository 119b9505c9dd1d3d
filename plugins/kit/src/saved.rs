//! Old values, kept so that a downgrade can put them back.
//!
//! A table beside the one that is changed has for each changed row its key
//! (`key_…`), and for each column the value that it had (`old_…`) and the value that
//! it was given (`new_…`). The upgrade writes it and changes the rows from it, by one
//! statement; the downgrade puts back the old value where the row still has the new
//! one, so that what was edited since stays, and drops it.

use plugin_sdk::prelude::*;
use plugin_sdk::{RawFields, RawRow};

use crate::names::{TableName, ident, list};
use crate::target::Target;

/// The error of a relation that is there already.
const DUPLICATE_TABLE: &str = "42P07";

/// The old values of some columns of a table.
pub struct Saved<'t> {
    target: &'t Target,
    /// Where they are kept.
    table: TableName,
    columns: &'t [String],
    /// Columns that a trigger sets when a row is updated; they are put back too.
    touched: &'t [String],
}

/// A writer of changed rows.
pub struct SavedWriter<'tx> {
    writer: Writer<'tx>,
    keys: usize,
    columns: usize,
    touched: usize,
}

impl<'t> Saved<'t> {
    /// Says which columns of a table are to be changed, and with which suffix to the
    /// table's name their old values are kept. `touched` are columns that a trigger
    /// sets when a row is updated.
    ///
    /// # Errors
    ///
    /// Names the touched column that cannot be written, and a suffix that is none.
    pub fn new(
        target: &'t Target,
        suffix: &str,
        columns: &'t [String],
        touched: &'t [String],
    ) -> Result<Self> {
        for name in touched {
            target.writable(name)?;
            ensure!(!columns.contains(name), "the column `{name}` is both to be changed and `touched`");
        }
        Ok(Self { target, table: target.name.beside(suffix)?, columns, touched })
    }

    /// The table of old values.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// Makes the table, empty.
    ///
    /// # Errors
    ///
    /// The server's error; says what to do where there is such a table already.
    pub fn create(&self, tx: &Transaction) -> Result<()> {
        let changed = || self.columns.iter().chain(self.touched);
        let copies = [
            list(self.target.key(), |name| alias(name, "key")),
            list(changed(), |name| alias(name, "old")),
            list(changed(), |name| alias(name, "new")),
        ];
        let (table, copies) = (self.table.sql(), copies.join(", "));
        let create =
            format!("CREATE TABLE {table} AS SELECT {copies} FROM {} WITH NO DATA", self.target.name.sql());
        create_beside(tx, &create, &self.table)?;
        let keys = list(self.target.key(), |name| prefixed("key", name));
        tx.execute(&format!("ALTER TABLE {table} ADD PRIMARY KEY ({keys})"), &[])?;
        Ok(())
    }

    /// The rows whose texts may have to change, as a query: the key, the columns, and
    /// those that are touched, which is what [`SavedWriter::write`] takes.
    pub fn select(&self, condition: &str) -> String {
        let columns =
            list(self.target.key().iter().chain(self.columns).chain(self.touched), |name| ident(name));
        format!("SELECT {columns} FROM {} WHERE {condition}", self.target.name.sql())
    }

    /// The number of the first of the columns in [`select`](Self::select).
    pub fn first_column(&self) -> usize {
        self.target.key().len()
    }

    /// Opens the writer.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn open<'tx>(&self, tx: &'tx Transaction) -> Result<SavedWriter<'tx>> {
        let prefixed = |prefix: &str, names: &[String]| {
            names.iter().map(|name| format!("{prefix}_{name}")).collect::<Vec<_>>()
        };
        let names = [
            prefixed("key", self.target.key()),
            prefixed("old", self.columns),
            prefixed("new", self.columns),
            prefixed("old", self.touched),
        ];
        let writer = tx.insert(&self.table.sql()).columns(names.concat()).writer()?;
        let (keys, columns, touched) = (self.target.key().len(), self.columns.len(), self.touched.len());
        Ok(SavedWriter { writer, keys, columns, touched })
    }

    /// Gives the saved rows their new values, and returns how many there are.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn apply(&self, tx: &Transaction) -> Result<u64> {
        let (target, saved) = (self.target.name.sql(), self.table.sql());
        let sets = list(self.columns, |name| format!("{} = saved.{}", ident(name), prefixed("new", name)));
        let joins = self.target.joins("target", "saved");
        let changed = tx.execute(
            &format!("UPDATE {target} AS target SET {sets} FROM {saved} AS saved WHERE {joins}"),
            &[],
        )?;
        self.note_stored(tx)?;
        Ok(changed)
    }

    /// Keeps what the rows have now: a trigger may have made something else of what was
    /// sent, and [`restore`](Self::restore) knows an edited row by that.
    fn note_stored(&self, tx: &Transaction) -> Result<()> {
        let changed = || self.columns.iter().chain(self.touched);
        let sets = list(changed(), |name| format!("{} = target.{}", prefixed("new", name), ident(name)));
        let differs = changed().map(|name| format!("NOT ({})", unedited(name))).collect::<Vec<_>>();
        tx.execute(
            &format!(
                "UPDATE {} AS saved SET {sets} FROM {} AS target WHERE {} AND ({})",
                self.table.sql(),
                self.target.name.sql(),
                self.target.joins("target", "saved"),
                differs.join(" OR "),
            ),
            &[],
        )?;
        Ok(())
    }

    /// Puts the old values back where the rows have the new ones still, drops the
    /// table, and returns how many rows were changed.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn restore(&self, tx: &Transaction) -> Result<u64> {
        self.target.lock(tx)?;
        let changed = || self.columns.iter().chain(self.touched);
        let sets = list(changed(), |name| {
            let (column, old) = (ident(name), prefixed("old", name));
            format!("{column} = CASE WHEN {} THEN saved.{old} ELSE target.{column} END", unedited(name))
        });
        let differs = |name: &String| {
            let [old, new] = ["old", "new"].map(|prefix| prefixed(prefix, name));
            format!("saved.{old}::text IS DISTINCT FROM saved.{new}::text AND {}", unedited(name))
        };
        let any = self.columns.iter().map(differs).collect::<Vec<_>>().join(" OR ");
        let restored = tx.execute(
            &format!(
                "UPDATE {} AS target SET {sets} FROM {} AS saved WHERE {} AND ({any})",
                self.target.name.sql(),
                self.table.sql(),
                self.target.joins("target", "saved"),
            ),
            &[],
        )?;
        tx.execute(&format!("DROP TABLE {}", self.table.sql()), &[])?;
        Ok(restored)
    }
}

impl SavedWriter<'_> {
    /// Keeps a row of [`Saved::select`] with its new texts: none for a column that
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// The server's error about rows before this one.
    pub fn write(&mut self, row: &RawRow<'_>, new: &[Option<String>]) -> Result<()> {
        let Self { writer, keys, columns, touched } = self;
        let (first, last) = (*keys, *keys + *columns);
        let fill = |fields: &mut RawFields<'_>| {
            (0..last).try_for_each(|index| fields.copy(row, index))?;
            for (index, text) in (first..last).zip(new) {
                match text {
                    Some(text) => fields.put(text)?,
                    None => fields.copy(row, index)?,
                }
            }
            (last..last + *touched).try_for_each(|index| fields.copy(row, index))
        };
        writer.write_fields(fill)
    }

    /// Sends what is left, and returns the number of rows.
    ///
    /// # Errors
    ///
    /// The server's error about any row.
    pub fn finish(self) -> Result<u64> {
        self.writer.finish()
    }
}

/// Makes a table beside the one that is worked on, by a statement that creates it.
///
/// # Errors
///
/// The server's error; says what to do where there is such a table already.
pub fn create_beside(tx: &Transaction, create: &str, table: &TableName) -> Result<()> {
    tx.execute(create, &[]).map(drop).map_err(|error| match error.sqlstate() {
        Some(DUPLICATE_TABLE) => Error::message(format!(
            "there is a table {table} already, as of another revision with this plugin: give this one another \
             suffix by its parameters"
        )),
        _ => error,
    })
}

pub(crate) fn alias(name: &str, prefix: &str) -> String {
    format!("{} AS {}", ident(name), prefixed(prefix, name))
}

/// A column of a table beside, as SQL spells it: `prefixed("old", "title")`.
pub fn prefixed(prefix: &str, name: &str) -> String {
    ident(&format!("{prefix}_{name}"))
}

/// Says in SQL that a row still has what it was given. As text: types without `=`
/// can be compared so, and `citext` would take other letters for the same.
fn unedited(name: &str) -> String {
    format!("target.{}::text IS NOT DISTINCT FROM saved.{}::text", ident(name), prefixed("new", name))
}
