//! Where a call goes: to the host in WebAssembly, to the mock natively.
//!
//! Both sides have the same names and signatures, so that everything above is
//! the same code in a migration and in its tests.

#[cfg(target_family = "wasm")]
pub(crate) use crate::bindings::{
    host::{log, param, params, progress, random_bytes, transaction_time},
    sql::{BatchReader, BatchWriter, Savepoint, Transaction},
};

#[cfg(target_family = "wasm")]
impl Transaction {
    /// Opens a cursor on rows of one table.
    pub(crate) fn open_table(
        &self,
        read: &crate::bulk::TableRead,
    ) -> Result<BatchReader, crate::bindings::types::Error> {
        self.open_reader(&read.select(), read.params())
    }

    /// Counts the rows that `open_table` would read.
    pub(crate) fn count_table(
        &self,
        read: &crate::bulk::TableRead,
    ) -> Result<crate::bindings::sql::RowSet, crate::bindings::types::Error> {
        self.query(&read.count(), read.params())
    }
}

#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::mock::sys::{
    BatchReader, BatchWriter, Savepoint, Transaction, log, param, params, progress, random_bytes,
    transaction_time,
};
