#![doc = include_str!("guide.md")]
#![allow(
    clippy::result_large_err,
    reason = "the interface's errors are as large as they are; `Error` is a box"
)]
#![allow(clippy::test_attr_in_doctest, reason = "the guide shows tests; tests/guide.rs runs them")]

// The macros name this crate by its full path, also inside it.
extern crate self as plugin_sdk;

pub mod bindings;
mod bulk;
mod codec;
mod error;
pub mod host;
mod macros;
mod migration;
#[cfg(not(target_family = "wasm"))]
pub mod mock;
mod params;
mod reader;
mod row;
mod savepoint;
mod sys;
mod transaction;
mod transform;
pub mod types;
mod writer;

pub use plugin_sdk_macros::{FromRow, Params, PgEnum, PgNewtype, ToRow};
pub use serde;
pub use serde_json;

pub use self::bindings::migration::Capability;
pub use self::bindings::sql::{TableColumn, TableDescription};
pub use self::bindings::types::{Column, DbError, Value};
pub use self::bulk::{
    BulkWrite, ColumnNames, Counts, Delete, Insert, Keyed, Rewrite, RowWriter, Update, Upsert,
};
pub use self::error::{Context, Error, Result};
pub use self::migration::Migration;
pub use self::params::{ParamError, ParamType, Params};
pub use self::reader::{Batch, BatchRows, Reader, ReaderRows, Rows};
pub use self::row::{
    ColumnIndex, FieldSpec, FromRow, OwnedRow, RawFields, RawRow, ReadRow, Row, RowView, ToRow, WriteRow,
};
pub use self::savepoint::Savepoint;
pub use self::transaction::Transaction;
pub use self::transform::Transform;
pub use self::types::{FieldError, FromField, Literal, PgType, ToField, ToValue};
pub use self::writer::Writer;
#[doc(hidden)]
pub use self::writer::write_value;

/// The version of the interface that a migration made with this crate asks for.
/// It is a number of its own: this crate can change without the interface.
pub const INTERFACE_VERSION: &str = "0.1.1";

/// Everything that a migration usually names.
pub mod prelude {
    pub use crate::types::{Date, Interval, Json, JsonOf, Numeric, Time, Timestamp, TimestampTz, Uuid};
    pub use crate::{
        Batch, Capability, Context, Counts, Error, FromRow, Literal, Migration, Params, PgEnum, PgNewtype,
        Reader, Result, Row, Savepoint, ToRow, ToValue, Transaction, Value, Writer, bail, debug, ensure,
        error, host, info, params, trace, warn,
    };
}

/// What the macros' code names. Not for anyone else.
#[doc(hidden)]
pub mod __private {
    pub use wit_bindgen;

    pub use crate::bindings::migration::{Description, Guest};
    pub use crate::bindings::sql::Transaction as HostTransaction;
    pub use crate::bindings::types::Failure;
    #[cfg(target_family = "wasm")]
    pub use crate::migration::log_panics;
    pub use crate::migration::{Package, describe, downgrade, upgrade};
    pub use crate::params::{Object, Property, load};
    pub use crate::writer::write_value;
}
