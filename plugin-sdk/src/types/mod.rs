//! PostgreSQL's types in Rust, lossless and in PostgreSQL's own units.
//!
//! | PostgreSQL | Rust |
//! |---|---|
//! | `boolean` | `bool` |
//! | `smallint`, `integer`, `bigint` | `i16`, `i32`, `i64` (a field may be wider than its column) |
//! | `real`, `double precision` | `f32`, `f64` |
//! | `numeric` | [`Numeric`] |
//! | `text`, `varchar`, `char(n)`, `name`, `citext`, enums | `String`, `&str`, `Cow<str>`, `Box<str>`; `char` for one character |
//! | `bytea` | `Vec<u8>`, `&[u8]` |
//! | `uuid` | [`Uuid`] |
//! | `date`, `time`, `timetz`, `timestamp`, `timestamptz`, `interval` | [`Date`], [`Time`], [`TimeTz`], [`Timestamp`], [`TimestampTz`], [`Interval`] |
//! | `json`, `jsonb` | [`Json`], [`JsonOf<T>`](JsonOf) |
//! | an array of any of them | `Vec<T>` |
//! | any of them, or NULL | `Option<T>` |
//!
//! An enum of the database is an enum in Rust with `#[derive(PgEnum)]`; a type of
//! your own around one of these has `#[derive(PgNewtype)]`.

mod array;
mod calendar;
mod datetime;
mod display;
mod field;
mod json;
mod numeric;
pub mod oid;
mod pg_type;
mod scalar;
mod span;
mod text;
mod to_value;
mod uuid;

pub use datetime::{Date, Time, TimeTz, Timestamp, TimestampTz};
pub use field::{FieldError, FromField, ToField};
pub use json::{Json, JsonOf};
pub use numeric::Numeric;
pub use pg_type::PgType;
pub use span::Interval;
pub use to_value::{Literal, ToValue};
pub use uuid::Uuid;

#[cfg(not(target_family = "wasm"))]
pub(crate) use array::read_array;
pub(crate) use array::write_array;
pub(crate) use display::readable;
pub(crate) use field::{expect_type, fixed};
pub(crate) use json::encode_document;
pub(crate) use numeric::numeric_to_binary;
