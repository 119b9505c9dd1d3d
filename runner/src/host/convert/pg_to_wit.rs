//! Results: from PostgreSQL's binary format to values of the interface.

use super::super::bindings::types::{self, Interval, RawValue, Timetz, Value};
use super::array::array_pg_to_wit;
use super::error::ConvertError;
use super::numeric::numeric_pg_to_wit;
use super::tuple::read_tuple;
use crate::db::{Column, Kind, Type};

pub(in super::super) fn columns_pg_to_wit(columns: &[Column]) -> Vec<types::Column> {
    columns.iter().map(column_pg_to_wit).collect()
}

fn column_pg_to_wit(column: &Column) -> types::Column {
    types::Column {
        name: column.name.clone(),
        type_oid: column.type_.oid(),
        type_name: column.type_.name().to_owned(),
        type_modifier: column.type_modifier,
    }
}

/// Converts whole tuples.
pub(in super::super) fn rows_pg_to_wit(
    columns: &[Column],
    tuples: &[u8],
) -> Result<Vec<Vec<Value>>, ConvertError> {
    let mut rows = Vec::new();
    let mut rest = tuples;
    while !rest.is_empty() {
        let mut row = Vec::with_capacity(columns.len());
        rest = read_tuple(rest, columns.len(), |column, data| {
            row.push(value_pg_to_wit(&columns[column].type_, data)?);
            Ok(())
        })?;
        rows.push(row);
    }
    Ok(rows)
}

pub(super) fn value_pg_to_wit(type_: &Type, data: Option<&[u8]>) -> Result<Value, ConvertError> {
    let Some(data) = data else { return Ok(Value::Null) };
    known_pg_to_wit(type_, data)
        .map_err(|problem| ConvertError::Malformed { type_name: type_.name().to_owned(), problem })
}

fn known_pg_to_wit(type_: &Type, data: &[u8]) -> Result<Value, &'static str> {
    Ok(match *type_ {
        Type::BOOL => Value::Boolean(fixed::<1>(data)? != [0]),
        Type::INT2 => Value::Int2(i16::from_be_bytes(fixed(data)?)),
        Type::INT4 => Value::Int4(i32::from_be_bytes(fixed(data)?)),
        Type::INT8 => Value::Int8(i64::from_be_bytes(fixed(data)?)),
        Type::FLOAT4 => Value::Float4(f32::from_be_bytes(fixed(data)?)),
        Type::FLOAT8 => Value::Float8(f64::from_be_bytes(fixed(data)?)),
        Type::NUMERIC => Value::Numeric(numeric_pg_to_wit(data)?),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
            text_or_raw(type_, data, data, Value::Text)
        }
        Type::BYTEA => Value::Bytea(data.to_vec()),
        Type::DATE => Value::Date(i32::from_be_bytes(fixed(data)?)),
        Type::TIME => Value::Time(i64::from_be_bytes(fixed(data)?)),
        Type::TIMETZ => Value::Timetz(timetz_pg_to_wit(data)?),
        Type::TIMESTAMP => Value::Timestamp(i64::from_be_bytes(fixed(data)?)),
        Type::TIMESTAMPTZ => Value::Timestamptz(i64::from_be_bytes(fixed(data)?)),
        Type::INTERVAL => Value::Interval(interval_pg_to_wit(data)?),
        Type::UUID => Value::Uuid(uuid_pg_to_wit(data)?),
        Type::JSON => text_or_raw(type_, data, data, Value::Json),
        Type::JSONB => match data {
            // The format's version comes first.
            [1, text @ ..] => text_or_raw(type_, data, text, Value::Jsonb),
            _ => raw_pg_to_wit(type_, data),
        },
        _ => return other_pg_to_wit(type_, data),
    })
}

/// Types that are known by their kind alone.
fn other_pg_to_wit(type_: &Type, data: &[u8]) -> Result<Value, &'static str> {
    match type_.kind() {
        Kind::Domain(base) => known_pg_to_wit(base, data),
        Kind::Enum(_) => Ok(text_or_raw(type_, data, data, Value::Text)),
        Kind::Array(_) => Ok(Value::Array(array_pg_to_wit(data)?)),
        _ => Ok(raw_pg_to_wit(type_, data)),
    }
}

/// A database of the encoding `SQL_ASCII` holds texts of any bytes; those that
/// are no UTF-8 stay what they are.
fn text_or_raw(type_: &Type, data: &[u8], text: &[u8], case: fn(String) -> Value) -> Value {
    match std::str::from_utf8(text) {
        Ok(text) => case(text.to_owned()),
        Err(_) => raw_pg_to_wit(type_, data),
    }
}

fn raw_pg_to_wit(type_: &Type, data: &[u8]) -> Value {
    Value::Raw(RawValue { type_oid: type_.oid(), data: data.to_vec() })
}

fn timetz_pg_to_wit(data: &[u8]) -> Result<Timetz, &'static str> {
    let data: [u8; 12] = fixed(data)?;
    let (micros, west) = data.split_at(8);
    let west = i32::from_be_bytes(fixed(west)?);
    // The wire has seconds west of UTC, the interface seconds east.
    let utc_offset_secs = west.checked_neg().ok_or("its time zone is out of range")?;
    Ok(Timetz { micros: i64::from_be_bytes(fixed(micros)?), utc_offset_secs })
}

fn interval_pg_to_wit(data: &[u8]) -> Result<Interval, &'static str> {
    let data: [u8; 16] = fixed(data)?;
    Ok(Interval {
        micros: i64::from_be_bytes(fixed(&data[..8])?),
        days: i32::from_be_bytes(fixed(&data[8..12])?),
        months: i32::from_be_bytes(fixed(&data[12..])?),
    })
}

fn uuid_pg_to_wit(data: &[u8]) -> Result<(u64, u64), &'static str> {
    let data: [u8; 16] = fixed(data)?;
    Ok((u64::from_be_bytes(fixed(&data[..8])?), u64::from_be_bytes(fixed(&data[8..])?)))
}

fn fixed<const N: usize>(data: &[u8]) -> Result<[u8; N], &'static str> {
    data.try_into().map_err(|_| "its length is wrong")
}
