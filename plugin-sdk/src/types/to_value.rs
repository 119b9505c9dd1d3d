//! What can be a parameter of a statement.

use std::borrow::Cow;

use serde::Serialize;

use super::array::array_value;
use super::{
    Date, Interval, Json, JsonOf, Numeric, PgType, Time, TimeTz, Timestamp, TimestampTz, ToField, Uuid, oid,
};
use crate::Value;
use crate::bindings::types;

/// A type that a statement's parameter can have.
///
/// The host converts it to what the server expects where that loses nothing: an
/// `i32` for a `bigint`, text for an enum. [`Literal`] lets the server parse.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parameter of a statement",
    label = "not a type for a parameter",
    note = "see the table in `plugin_sdk::types`; an enum needs `#[derive(PgEnum)]`, a struct \
            around another type `#[derive(PgNewtype)]`; `Literal(text)` fits every type"
)]
pub trait ToValue {
    /// The value as the host takes it.
    fn to_value(&self) -> Value;
}

/// Text that the server parses as whatever type it expects.
///
/// ```
/// # use plugin_sdk::prelude::*;
/// # fn example(tx: &Transaction) -> Result<()> {
/// tx.execute("update public.nodes set at = $1", params![Literal("(1.5, 2)")])?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal<'a>(pub &'a str);

macro_rules! to_value {
    ($($rust:ty => |$value:ident| $to:expr;)*) => {$(
        impl ToValue for $rust {
            fn to_value(&self) -> Value {
                let $value = self;
                $to
            }
        }
    )*};
}

to_value! {
    bool => |value| Value::Boolean(*value);
    i8 => |value| Value::Int2((*value).into());
    i16 => |value| Value::Int2(*value);
    i32 => |value| Value::Int4(*value);
    i64 => |value| Value::Int8(*value);
    u8 => |value| Value::Int2((*value).into());
    u16 => |value| Value::Int4((*value).into());
    u32 => |value| Value::Int8((*value).into());
    f32 => |value| Value::Float4(*value);
    f64 => |value| Value::Float8(*value);
    str => |value| Value::Text(value.to_owned());
    String => |value| Value::Text(value.clone());
    Box<str> => |value| Value::Text(value.to_string());
    Cow<'_, str> => |value| Value::Text(value.to_string());
    char => |value| Value::Text(value.to_string());
    [u8] => |value| Value::Bytea(value.to_vec());
    Vec<u8> => |value| Value::Bytea(value.clone());
    Uuid => |value| Value::Uuid(value.halves());
    Numeric => |value| Value::Numeric(value.as_str().to_owned());
    Date => |value| Value::Date(value.0);
    Time => |value| Value::Time(value.0);
    TimeTz => |value| Value::Timetz(types::Timetz {
        micros: value.time.0,
        utc_offset_secs: value.utc_offset_secs,
    });
    Timestamp => |value| Value::Timestamp(value.0);
    TimestampTz => |value| Value::Timestamptz(value.0);
    Interval => |value| Value::Interval(types::Interval {
        months: value.months,
        days: value.days,
        micros: value.micros,
    });
    Json => |value| Value::Jsonb(value.0.clone());
    Literal<'_> => |value| Value::Literal(value.0.to_owned());
    Value => |value| value.clone();
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        T::to_value(self)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }
}

impl<T: Serialize> ToValue for JsonOf<T> {
    fn to_value(&self) -> Value {
        let text = serde_json::to_string(&self.0);
        Value::Jsonb(text.expect("a parameter's type serialises as JSON"))
    }
}

impl<T: ToField> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }
}

impl<T: ToField, const N: usize> ToValue for [T; N] {
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }
}

impl<T: ToField> ToValue for [T] {
    fn to_value(&self) -> Value {
        let element = PgType::built_in(T::OID).unwrap_or(PgType { oid: oid::TEXT, name: "text" });
        let array = array_value(self, element);
        Value::Array(array.expect("a type encodes its own values"))
    }
}
