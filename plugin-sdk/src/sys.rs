//! Where a call goes: to the host in WebAssembly, to the mock natively.
//!
//! Both sides have the same names and signatures, so that everything above is
//! the same code in a migration and in its tests.

#[cfg(target_family = "wasm")]
pub(crate) use crate::bindings::{
    host::{log, param, params, progress, random_bytes, transaction_time},
    sql::{BatchReader, BatchWriter, Savepoint, Transaction},
};

#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::mock::sys::{
    BatchReader, BatchWriter, Savepoint, Transaction, log, param, params, progress, random_bytes,
    transaction_time,
};
