//! Parameters and rows as text, where no server says which types it expects:
//! each value with the types that the text is right for.
//!
//! The lists of types follow `wit_to_pg`: what is refused there for a type
//! must not be in the list here.

use super::super::bindings::types::{ArrayValue, RawValue, Value};
use super::array::array_wit_to_pg;
use super::error::ConvertError;
use super::moment::{date_text, interval_text, time_text, timestamp_text, timetz_text};
use super::numeric::numeric_wit_to_pg;
use super::pg_to_wit::value_pg_to_wit;
use super::wit_to_pg::without_nul;
use crate::db::{Fits, Parameter, Type, Written};

/// PostgreSQL cuts a `name` off after so many bytes.
const NAME_LENGTH: usize = 63;

/// Converts a statement's parameters.
pub(in super::super) fn parameters_wit_to_text(values: &[Value]) -> Result<Vec<Parameter>, ConvertError> {
    let numbered = values.iter().zip(1..);
    numbered
        .map(|(value, number)| {
            parameter_wit_to_text(value)
                .map_err(|source| ConvertError::Parameter { number, source: Box::new(source) })
        })
        .collect()
}

fn parameter_wit_to_text(value: &Value) -> Result<Parameter, ConvertError> {
    match value {
        Value::Literal(text) => {
            without_nul(text)?;
            Ok(Parameter::Text(text.clone()))
        }
        value => field_wit_to_text(value),
    }
}

/// Converts a writer's rows.
pub(in super::super) fn rows_wit_to_text(
    columns: usize,
    rows: &[Vec<Value>],
) -> Result<Vec<Vec<Parameter>>, ConvertError> {
    rows.iter().zip(1..).map(|(row, number)| row_wit_to_text(columns, row, number)).collect()
}

fn row_wit_to_text(columns: usize, row: &[Value], number: usize) -> Result<Vec<Parameter>, ConvertError> {
    if row.len() != columns {
        return Err(ConvertError::FieldCount { row: number, expected: columns, found: row.len() });
    }
    row.iter().map(field_wit_to_text).collect()
}

fn field_wit_to_text(value: &Value) -> Result<Parameter, ConvertError> {
    match value {
        Value::Null => Ok(Parameter::Null),
        value => Ok(Parameter::Written(value_wit_to_text(value)?)),
    }
}

fn value_wit_to_text(value: &Value) -> Result<Written, ConvertError> {
    let (text, types): (String, &[&str]) = match value {
        Value::Int2(integer) => return Ok(integer_text(i64::from(*integer))),
        Value::Int4(integer) => return Ok(integer_text(i64::from(*integer))),
        Value::Int8(integer) => return Ok(integer_text(*integer)),
        Value::Float8(number) => return Ok(float8_text(*number)),
        Value::Text(text) => return string(text),
        Value::Array(array) => return array_text(array),
        Value::Raw(raw) => return raw_text(raw),
        Value::Boolean(value) => (if *value { "t" } else { "f" }.to_owned(), &["bool"]),
        Value::Float4(number) => (float_text(f64::from(*number)), &["float4", "float8"]),
        Value::Numeric(text) => {
            numeric_wit_to_pg(text, &mut Vec::new())?;
            (text.clone(), &["numeric"])
        }
        Value::Bytea(bytes) => (format!("\\x{}", hex::encode(bytes)), &["bytea"]),
        Value::Date(days) => (date_text(*days), &["date"]),
        Value::Time(micros) => (time_text(*micros)?, &["time"]),
        Value::Timetz(value) => (timetz_text(*value)?, &["timetz"]),
        Value::Timestamp(micros) => (timestamp_text(*micros, ""), &["timestamp"]),
        Value::Timestamptz(micros) => (timestamp_text(*micros, "+00"), &["timestamptz"]),
        Value::Interval(value) => (interval_text(*value), &["interval"]),
        Value::Uuid((first, last)) => (format!("{first:016x}{last:016x}"), &["uuid"]),
        Value::Json(text) | Value::Jsonb(text) => {
            without_nul(text)?;
            (text.clone(), &["json", "jsonb", "text", "varchar", "bpchar"])
        }
        Value::Null | Value::Literal(_) => return Err(ConvertError::LiteralInRow),
    };
    Ok(written(text, types))
}

fn written(text: String, types: &[&str]) -> Written {
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    Written { text, fits: Fits { types, enums: false } }
}

/// The types that hold this very number.
fn integer_text(integer: i64) -> Written {
    let mut types = vec!["int8", "numeric"];
    if i16::try_from(integer).is_ok() {
        types.push("int2");
    }
    if i32::try_from(integer).is_ok() {
        types.push("int4");
    }
    if u32::try_from(integer).is_ok() {
        types.push("oid");
    }
    if integer.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS {
        types.push("float8");
    }
    written(integer.to_string(), &types)
}

fn float8_text(number: f64) -> Written {
    let is_narrow = number.is_nan() || f64::from(number as f32) == number;
    let types: &[&str] = if is_narrow { &["float8", "float4"] } else { &["float8"] };
    written(float_text(number), types)
}

/// The shortest text that is read as the same number.
fn float_text(number: f64) -> String {
    match number {
        number if number.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        number => format!("{number:?}"),
    }
}

fn string(text: &str) -> Result<Written, ConvertError> {
    without_nul(text)?;
    let mut types = vec!["text", "varchar", "bpchar", "json", "jsonb", "xml"];
    if text.len() <= NAME_LENGTH {
        types.push("name");
    }
    let Written { text, fits } = written(text.to_owned(), &types);
    Ok(Written { text, fits: Fits { enums: true, ..fits } })
}

/// A value in the binary format of one of PostgreSQL's own types.
fn binary_text(type_: &Type, data: &[u8]) -> Result<String, ConvertError> {
    match value_pg_to_wit(type_, Some(data))? {
        Value::Raw(raw) => Err(ConvertError::NoText(raw.type_oid)),
        value => Ok(value_wit_to_text(&value)?.text),
    }
}

fn own_type(oid: u32) -> Result<Type, ConvertError> {
    Type::from_oid(oid).ok_or(ConvertError::NoText(oid))
}

fn raw_text(raw: &RawValue) -> Result<Written, ConvertError> {
    let type_ = own_type(raw.type_oid)?;
    Ok(written(binary_text(&type_, &raw.data)?, &[type_.name()]))
}

/// The array in text format; see PostgreSQL's manual, "Array Input and Output
/// Syntax". Lower bounds are written out where they are not 1.
fn array_text(array: &ArrayValue) -> Result<Written, ConvertError> {
    array_wit_to_pg(array, &mut Vec::new())?;
    let element = own_type(array.element_oid)?;
    let mut items = Vec::with_capacity(array.elements.len());
    for item in &array.elements {
        items.push(match item {
            None => "NULL".to_owned(),
            Some(data) => quoted(&binary_text(&element, data)?),
        });
    }
    let mut text = String::new();
    if array.dims.iter().any(|dimension| dimension.lower_bound != 1) && !items.is_empty() {
        for dimension in &array.dims {
            let first = i64::from(dimension.lower_bound);
            text += &format!("[{first}:{}]", first + i64::from(dimension.len) - 1);
        }
        text.push('=');
    }
    // The innermost dimension first: rows of rows.
    for dimension in array.dims.iter().rev() {
        let length = (dimension.len as usize).max(1);
        items = items.chunks(length).map(|items| format!("{{{}}}", items.join(","))).collect();
    }
    match items.first() {
        Some(whole) => text += whole,
        None => text += "{}",
    }
    Ok(written(text, &[format!("_{}", element.name()).as_str()]))
}

fn quoted(item: &str) -> String {
    format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::super::super::bindings::types::ArrayDim;
    use super::*;

    fn text(value: &Value) -> String {
        let Written { text, fits } = value_wit_to_text(value).expect("can be written");
        format!("{text} | {}{}", fits.types.join(" "), if fits.enums { " +enums" } else { "" })
    }

    #[test]
    fn values_are_written_with_the_types_that_they_fit() {
        assert_eq!(text(&Value::Int4(-7)), "-7 | int8 numeric int2 int4 float8");
        assert_eq!(text(&Value::Int8(1 << 60)), "1152921504606846976 | int8 numeric");
        assert_eq!(text(&Value::Float4(0.1)), "0.10000000149011612 | float4 float8");
        assert_eq!(text(&Value::Float8(0.1)), "0.1 | float8");
        assert_eq!(text(&Value::Float8(1e300)), "1e300 | float8");
        assert_eq!(text(&Value::Float8(f64::NEG_INFINITY)), "-Infinity | float8 float4");
        assert_eq!(text(&Value::Numeric("1.50".into())), "1.50 | numeric");
        assert_eq!(text(&Value::Bytea(vec![0, 0xFF])), "\\x00ff | bytea");
        assert_eq!(text(&Value::Uuid((1, 2))), "00000000000000010000000000000002 | uuid");
        assert!(text(&Value::Text("a'\\\n".into())).starts_with("a'\\\n | text"));
        assert!(!text(&Value::Text("x".repeat(64))).contains("name"));
    }

    #[test]
    fn arrays_are_written_with_their_bounds() {
        let dims = |bounds: &[(u32, i32)]| {
            bounds.iter().map(|&(len, lower_bound)| ArrayDim { len, lower_bound }).collect::<Vec<_>>()
        };
        let array =
            |element_oid, dims, elements| text(&Value::Array(ArrayValue { element_oid, dims, elements }));
        let bytes = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(array(25, vec![], vec![]), "{} | _text");
        assert_eq!(
            array(25, dims(&[(3, 1)]), vec![bytes("a\"b\\"), None, bytes("NULL")]),
            r#"{"a\"b\\",NULL,"NULL"} | _text"#
        );
        let number = |number: i32| Some(number.to_be_bytes().to_vec());
        assert_eq!(
            array(23, dims(&[(2, 0), (2, -1)]), (1..5).map(number).collect()),
            r#"[0:1][-1:0]={{"1","2"},{"3","4"}} | _int4"#
        );
    }

    #[test]
    fn what_has_no_text_is_refused() {
        let raw = |type_oid, data| value_wit_to_text(&Value::Raw(RawValue { type_oid, data }));
        assert_eq!(raw(16, vec![1]).expect("a boolean").text, "t");
        // A point, and a type that an extension made.
        assert!(matches!(raw(600, vec![0; 16]), Err(ConvertError::NoText(600))));
        assert!(matches!(raw(99_999, vec![0]), Err(ConvertError::NoText(99_999))));
        assert!(value_wit_to_text(&Value::Text("a\0".into())).is_err());
        assert!(value_wit_to_text(&Value::Numeric("1,5".into())).is_err());
    }
}
