//! Values that could not be understood, kept with the reason.

use plugin_sdk::prelude::*;
use plugin_sdk::{RawFields, RawRow};

use crate::names::{TableName, ident, list};
use crate::saved::{alias, create_beside, prefixed};
use crate::target::Target;

/// The table beside the one that is worked on, with a row for each value that could
/// not be understood: the row's key (`key_…`), the column, the value, and the reason.
pub struct Rejects<'t> {
    target: &'t Target,
    table: TableName,
}

/// A writer of rejects.
pub struct RejectWriter<'tx> {
    writer: Writer<'tx>,
    keys: usize,
    /// Rejects so far.
    pub count: u64,
}

impl<'t> Rejects<'t> {
    /// Says with which suffix to the table's name the rejects are kept.
    ///
    /// # Errors
    ///
    /// Fails for a suffix that is none.
    pub fn new(target: &'t Target, suffix: &str) -> Result<Self> {
        Ok(Self { target, table: target.name.beside(suffix)? })
    }

    /// The table of rejects.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// Makes the table, and opens the writer.
    ///
    /// # Errors
    ///
    /// The server's error; says what to do where there is such a table already.
    pub fn create<'tx>(&self, tx: &'tx Transaction) -> Result<RejectWriter<'tx>> {
        let table = self.table.sql();
        let keys = list(self.target.key(), |name| alias(name, "key"));
        let create = format!(
            "CREATE TABLE {table} AS SELECT {keys}, ''::text AS column_name, ''::text AS value, ''::text AS reason \
             FROM {} WITH NO DATA",
            self.target.name.sql()
        );
        create_beside(tx, &create, &self.table)?;
        let keys = list(self.target.key(), |name| prefixed("key", name));
        tx.execute(&format!("ALTER TABLE {table} ADD PRIMARY KEY ({keys}, {})", ident("column_name")), &[])?;
        let writer = tx.writer(&table, &[])?;
        Ok(RejectWriter { writer, keys: self.target.key().len(), count: 0 })
    }

    /// Drops the table.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn drop(&self, tx: &Transaction) -> Result<()> {
        tx.execute(&format!("DROP TABLE {}", self.table.sql()), &[])?;
        Ok(())
    }
}

impl RejectWriter<'_> {
    /// Keeps a value. The row begins with the key's columns.
    ///
    /// # Errors
    ///
    /// The server's error about rows before this one.
    pub fn write(&mut self, row: &RawRow<'_>, column: &str, value: &str, reason: &str) -> Result<()> {
        self.count += 1;
        let keys = self.keys;
        self.writer.write_fields(|fields: &mut RawFields<'_>| {
            (0..keys).try_for_each(|index| fields.copy(row, index))?;
            fields.put(&column)?;
            fields.put(&value)?;
            fields.put(&reason)
        })
    }

    /// Sends what is left, says how many there are, and returns that.
    ///
    /// # Errors
    ///
    /// The server's error about any row.
    pub fn finish(self, table: &TableName) -> Result<u64> {
        let rejected = self.writer.finish()?;
        if rejected > 0 {
            warn!("values that could not be understood, and stay as they are: {rejected}; {table} has them");
        }
        Ok(rejected)
    }
}
