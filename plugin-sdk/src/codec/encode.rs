//! Values of the interface to the binary format of a type.

use crate::Value;
use crate::bindings::types::Interval;
use crate::types::{FieldError, PgType, ToField, Uuid, expect_type, numeric_to_binary, oid, write_array};

/// Appends a value in the binary format of a column's type. NULL appends
/// nothing.
///
/// # Errors
///
/// Fails when the value does not fit the type without losing anything.
pub(crate) fn encode_value(value: &Value, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
    match value {
        Value::Null => Ok(()),
        Value::Boolean(value) => encode_as(value, ty, out),
        Value::Int2(value) => encode_integer((*value).into(), ty, out),
        Value::Int4(value) => encode_integer((*value).into(), ty, out),
        Value::Int8(value) => encode_integer(*value, ty, out),
        Value::Float4(value) => encode_as(value, ty, out),
        Value::Float8(value) => encode_as(value, ty, out),
        Value::Numeric(text) => {
            expect(ty, oid::NUMERIC)?;
            numeric_to_binary(text, out)
        }
        Value::Text(text) | Value::Json(text) | Value::Jsonb(text) | Value::Literal(text) => {
            encode_text(text, ty, out)
        }
        Value::Bytea(bytes) => encode_as(bytes, ty, out),
        Value::Date(days) => encode_bytes(&days.to_be_bytes(), oid::DATE, ty, out),
        Value::Time(micros) => encode_bytes(&micros.to_be_bytes(), oid::TIME, ty, out),
        Value::Timetz(time) => {
            encode_bytes(&time.micros.to_be_bytes(), oid::TIMETZ, ty, out)?;
            // The wire counts seconds west of UTC, the interface east.
            out.extend_from_slice(&time.utc_offset_secs.wrapping_neg().to_be_bytes());
            Ok(())
        }
        Value::Timestamp(micros) => encode_bytes(&micros.to_be_bytes(), oid::TIMESTAMP, ty, out),
        Value::Timestamptz(micros) => encode_bytes(&micros.to_be_bytes(), oid::TIMESTAMPTZ, ty, out),
        Value::Interval(Interval { months, days, micros }) => {
            let (months, days, micros) = (*months, *days, *micros);
            encode_as(&crate::types::Interval { months, days, micros }, ty, out)
        }
        Value::Uuid((high, low)) => {
            let whole = (u128::from(*high) << 64) | u128::from(*low);
            encode_as(&Uuid(whole.to_be_bytes()), ty, out)
        }
        Value::Array(array) => match ty.element().is_some() || ty.is_user_defined() {
            true => write_array(array, out),
            false => Err(FieldError::wrong_type(ty, "an array")),
        },
        Value::Raw(raw) if raw.type_oid == ty.oid => {
            out.extend_from_slice(&raw.data);
            Ok(())
        }
        Value::Raw(_) => Err(FieldError::wrong_type(ty, "the type of the raw value")),
    }
}

fn expect(ty: PgType<'_>, oid: u32) -> Result<(), FieldError> {
    match expect_type(ty, oid) {
        true => Ok(()),
        false => {
            let name = PgType::built_in(oid).map_or("another type", |ty| ty.name);
            Err(FieldError::wrong_type(ty, name))
        }
    }
}

fn encode_as<T: ToField>(value: &T, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
    match T::writes(ty) {
        true => value.encode(ty, out),
        false => Err(FieldError::wrong_type(ty, &T::writable())),
    }
}

fn encode_bytes(bytes: &[u8], oid: u32, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
    expect(ty, oid)?;
    out.extend_from_slice(bytes);
    Ok(())
}

/// An integer goes into every numeric type that it fits.
fn encode_integer(value: i64, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
    let too_large = |_| FieldError::new(format!("is {value}, which does not fit {ty}"));
    match ty.oid {
        oid::INT2 => out.extend_from_slice(&i16::try_from(value).map_err(too_large)?.to_be_bytes()),
        oid::INT4 => out.extend_from_slice(&i32::try_from(value).map_err(too_large)?.to_be_bytes()),
        oid::INT8 => out.extend_from_slice(&value.to_be_bytes()),
        oid::OID => out.extend_from_slice(&u32::try_from(value).map_err(too_large)?.to_be_bytes()),
        oid::NUMERIC => numeric_to_binary(&value.to_string(), out)?,
        _ => return Err(FieldError::wrong_type(ty, "an integer type or numeric")),
    }
    Ok(())
}

/// Text goes into text, enums and JSON, and into `numeric` if it is a number.
fn encode_text(text: &str, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
    match ty.oid {
        oid::JSON | oid::JSONB => crate::types::encode_document(ty, text.as_bytes(), out),
        oid::NUMERIC => numeric_to_binary(text, out)?,
        _ => encode_as(&text, ty, out)?,
    }
    Ok(())
}
