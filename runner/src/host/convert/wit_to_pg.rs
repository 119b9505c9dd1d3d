//! Parameters and rows: from values of the interface to PostgreSQL's binary
//! format, for the type that the server expects, without loss or not at all.

use super::super::bindings::types::{Interval, RawValue, Timetz, Value};
use super::array::array_wit_to_pg;
use super::error::ConvertError;
use super::numeric::numeric_wit_to_pg;
use crate::db::{Column, Kind, Parameter, Type};

/// Converts a statement's parameters.
pub(in super::super) fn parameters_wit_to_pg(
    types: &[Type],
    values: &[Value],
) -> Result<Vec<Parameter>, ConvertError> {
    if types.len() != values.len() {
        return Err(ConvertError::ParameterCount { expected: types.len(), found: values.len() });
    }
    let numbered = types.iter().zip(values).zip(1..);
    numbered
        .map(|((type_, value), number)| {
            parameter_wit_to_pg(type_, value)
                .map_err(|source| ConvertError::Parameter { number, source: Box::new(source) })
        })
        .collect()
}

fn parameter_wit_to_pg(type_: &Type, value: &Value) -> Result<Parameter, ConvertError> {
    match value {
        Value::Null => Ok(Parameter::Null),
        Value::Literal(text) => {
            without_nul(text)?;
            Ok(Parameter::Text(text.clone()))
        }
        value => {
            let mut data = Vec::new();
            value_wit_to_pg(type_, value, &mut data)?;
            Ok(Parameter::Binary(data))
        }
    }
}

/// Appends rows to `out` as tuples, all of them or none.
pub(in super::super) fn rows_wit_to_pg(
    columns: &[Column],
    rows: &[Vec<Value>],
    out: &mut Vec<u8>,
) -> Result<(), ConvertError> {
    let before = out.len();
    let appended =
        rows.iter().zip(1..).try_for_each(|(row, number)| row_wit_to_pg(columns, row, number, out));
    if appended.is_err() {
        out.truncate(before);
    }
    appended
}

fn row_wit_to_pg(
    columns: &[Column],
    row: &[Value],
    number: usize,
    out: &mut Vec<u8>,
) -> Result<(), ConvertError> {
    if row.len() != columns.len() {
        return Err(ConvertError::FieldCount { row: number, expected: columns.len(), found: row.len() });
    }
    let count = i16::try_from(columns.len()).expect("PostgreSQL's tables have at most 1,600 columns");
    out.extend(count.to_be_bytes());
    for (column, value) in columns.iter().zip(row) {
        field_wit_to_pg(&column.type_, value, out).map_err(|source| ConvertError::Field {
            row: number,
            column: column.name.clone(),
            source: Box::new(source),
        })?;
    }
    Ok(())
}

fn field_wit_to_pg(type_: &Type, value: &Value, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    if matches!(value, Value::Null) {
        out.extend((-1_i32).to_be_bytes());
        return Ok(());
    }
    let length_at = out.len();
    out.extend([0; 4]);
    value_wit_to_pg(type_, value, out)?;
    let length = i32::try_from(out.len() - length_at - 4)
        .map_err(|_| ConvertError::Range { value: "the value".into(), expected: type_.name().into() })?;
    out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Appends the value in the binary format of the type.
pub(super) fn value_wit_to_pg(type_: &Type, value: &Value, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    if let Value::Raw(raw) = value {
        return raw_wit_to_pg(type_, raw, out);
    }
    if let Kind::Domain(base) = type_.kind() {
        return value_wit_to_pg(base, value, out);
    }
    match (value, type_) {
        (Value::Boolean(value), &Type::BOOL) => out.push(u8::from(*value)),
        (Value::Int2(integer), type_) => return integer_wit_to_pg(type_, value, i64::from(*integer), out),
        (Value::Int4(integer), type_) => return integer_wit_to_pg(type_, value, i64::from(*integer), out),
        (Value::Int8(integer), type_) => return integer_wit_to_pg(type_, value, *integer, out),
        (Value::Float4(value), &Type::FLOAT4) => out.extend(value.to_be_bytes()),
        (Value::Float4(value), &Type::FLOAT8) => out.extend(f64::from(*value).to_be_bytes()),
        (Value::Float8(value), &Type::FLOAT8) => out.extend(value.to_be_bytes()),
        (Value::Float8(value), &Type::FLOAT4) => out.extend(narrow_float(*value)?.to_be_bytes()),
        (Value::Numeric(text), &Type::NUMERIC) => return numeric_wit_to_pg(text, out),
        (Value::Bytea(data), &Type::BYTEA) => out.extend(data),
        (Value::Date(days), &Type::DATE) => out.extend(days.to_be_bytes()),
        (Value::Time(micros), &Type::TIME)
        | (Value::Timestamp(micros), &Type::TIMESTAMP)
        | (Value::Timestamptz(micros), &Type::TIMESTAMPTZ) => out.extend(micros.to_be_bytes()),
        (Value::Timetz(value), &Type::TIMETZ) => return timetz_wit_to_pg(*value, out),
        (Value::Interval(value), &Type::INTERVAL) => interval_wit_to_pg(*value, out),
        (Value::Uuid((first, last)), &Type::UUID) => {
            out.extend(first.to_be_bytes());
            out.extend(last.to_be_bytes());
        }
        (Value::Text(text) | Value::Json(text) | Value::Jsonb(text), type_) => {
            return text_wit_to_pg(type_, value, text, out);
        }
        (Value::Array(array), type_) => match type_.kind() {
            Kind::Array(element) if element.oid() == array.element_oid => return array_wit_to_pg(array, out),
            _ => return Err(ConvertError::kind(value, type_.name())),
        },
        (Value::Literal(_), _) => return Err(ConvertError::LiteralInRow),
        (_, type_) => return Err(ConvertError::kind(value, type_.name())),
    }
    Ok(())
}

/// Widens, and narrows where the number fits.
fn integer_wit_to_pg(
    type_: &Type,
    value: &Value,
    integer: i64,
    out: &mut Vec<u8>,
) -> Result<(), ConvertError> {
    let too_large = |_| ConvertError::Range { value: integer.to_string(), expected: type_.name().to_owned() };
    match *type_ {
        Type::INT2 => out.extend(i16::try_from(integer).map_err(too_large)?.to_be_bytes()),
        Type::INT4 => out.extend(i32::try_from(integer).map_err(too_large)?.to_be_bytes()),
        Type::INT8 => out.extend(integer.to_be_bytes()),
        Type::OID => out.extend(u32::try_from(integer).map_err(too_large)?.to_be_bytes()),
        Type::NUMERIC => return numeric_wit_to_pg(&integer.to_string(), out),
        Type::FLOAT8 if integer.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS => {
            // Exact: every integer up to here has a `float8` of its own.
            out.extend((integer as f64).to_be_bytes());
        }
        _ => return Err(ConvertError::kind(value, type_.name())),
    }
    Ok(())
}

fn narrow_float(value: f64) -> Result<f32, ConvertError> {
    let narrow = value as f32;
    match f64::from(narrow) == value || value.is_nan() {
        true => Ok(narrow),
        false => Err(ConvertError::Range { value: value.to_string(), expected: "float4".into() }),
    }
}

fn raw_wit_to_pg(type_: &Type, raw: &RawValue, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    let mut candidate = type_;
    loop {
        if candidate.oid() == raw.type_oid {
            out.extend(&raw.data);
            return Ok(());
        }
        match candidate.kind() {
            Kind::Domain(base) => candidate = base,
            _ => break,
        }
    }
    Err(ConvertError::RawType { found: raw.type_oid, expected: type_.oid(), name: type_.name().to_owned() })
}

fn text_wit_to_pg(type_: &Type, value: &Value, text: &str, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    let is_text = matches!(value, Value::Text(_));
    match *type_ {
        Type::JSONB => out.push(1),
        Type::JSON | Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::UNKNOWN => {}
        Type::NAME | Type::XML if is_text => {}
        _ if is_text && is_textual(type_) => {}
        _ => return Err(ConvertError::kind(value, type_.name())),
    }
    without_nul(text)?;
    out.extend(text.as_bytes());
    Ok(())
}

/// Types whose binary format is their text. `citext` is an extension's and has
/// no fixed number.
fn is_textual(type_: &Type) -> bool {
    matches!(type_.kind(), Kind::Enum(_))
        || (matches!(type_.kind(), Kind::Simple) && type_.name() == "citext")
}

pub(super) fn without_nul(text: &str) -> Result<(), ConvertError> {
    match text.contains('\0') {
        true => Err(ConvertError::Nul),
        false => Ok(()),
    }
}

fn timetz_wit_to_pg(value: Timetz, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    let west = value.utc_offset_secs.checked_neg().ok_or_else(|| ConvertError::Range {
        value: format!("an offset of {} seconds", value.utc_offset_secs),
        expected: "timetz".into(),
    })?;
    out.extend(value.micros.to_be_bytes());
    out.extend(west.to_be_bytes());
    Ok(())
}

fn interval_wit_to_pg(value: Interval, out: &mut Vec<u8>) {
    out.extend(value.micros.to_be_bytes());
    out.extend(value.days.to_be_bytes());
    out.extend(value.months.to_be_bytes());
}
