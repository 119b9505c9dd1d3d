//! Rows: as structs and tuples, and as values to be looked up by name.

mod dynamic;
mod from_row;
mod raw;
mod to_row;
mod tuples;

pub(crate) use dynamic::RowSet;
#[cfg(not(target_family = "wasm"))]
pub(crate) use dynamic::encode_row;
pub use dynamic::{ColumnIndex, Row};
pub use from_row::{FieldSpec, FromRow, OwnedRow, ReadRow, RowView};
pub(crate) use from_row::{Plan, decode_next};
pub use raw::{RawFields, RawRow};
pub use to_row::{ToRow, WriteRow};
pub(crate) use to_row::{WritePlan, unwritable};
