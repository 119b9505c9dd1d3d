//! The binary format of a type to values of the interface. Only the mock needs
//! it: in WebAssembly the host does this.

use crate::Value;
use crate::bindings::types::{Interval, RawValue, Timetz};
use crate::types::{self, FieldError, FromField, Json, Numeric, PgType, Uuid, fixed, oid, read_array};

/// Reads the binary format of a type into the case of the interface that the
/// host would use.
pub(crate) fn decode_value(ty: PgType<'_>, bytes: &[u8]) -> Result<Value, FieldError> {
    let text = || std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| FieldError::new("is not UTF-8"));
    let micros = || fixed(bytes).map(i64::from_be_bytes);
    Ok(match ty.oid {
        oid::BOOL => Value::Boolean(fixed::<1>(bytes)?[0] != 0),
        oid::INT2 => Value::Int2(i16::from_be_bytes(fixed(bytes)?)),
        oid::INT4 => Value::Int4(i32::from_be_bytes(fixed(bytes)?)),
        oid::INT8 => Value::Int8(i64::from_be_bytes(fixed(bytes)?)),
        oid::FLOAT4 => Value::Float4(f32::from_be_bytes(fixed(bytes)?)),
        oid::FLOAT8 => Value::Float8(f64::from_be_bytes(fixed(bytes)?)),
        oid::NUMERIC => Value::Numeric(Numeric::from_bytes(ty, bytes)?.to_string()),
        oid::BYTEA => Value::Bytea(bytes.to_vec()),
        oid::DATE => Value::Date(i32::from_be_bytes(fixed(bytes)?)),
        oid::TIME => Value::Time(micros()?),
        oid::TIMETZ => decode_timetz(fixed(bytes)?)?,
        oid::TIMESTAMP => Value::Timestamp(micros()?),
        oid::TIMESTAMPTZ => Value::Timestamptz(micros()?),
        oid::INTERVAL => decode_interval(ty, bytes)?,
        oid::UUID => Value::Uuid(Uuid(fixed(bytes)?).halves()),
        oid::JSON => Value::Json(text()?),
        oid::JSONB => Value::Jsonb(decode_json(ty, bytes)?),
        _ if ty.element().is_some() => Value::Array(read_array(bytes)?),
        _ => match text() {
            Ok(text) if ty.is_text() && !text.contains('\0') => Value::Text(text),
            _ => Value::Raw(RawValue { type_oid: ty.oid, data: bytes.to_vec() }),
        },
    })
}

fn decode_timetz(bytes: [u8; 12]) -> Result<Value, FieldError> {
    let micros = i64::from_be_bytes(fixed(&bytes[..8])?);
    let west = i32::from_be_bytes(fixed(&bytes[8..])?);
    let utc_offset_secs = west.wrapping_neg();
    Ok(Value::Timetz(Timetz { micros, utc_offset_secs }))
}

fn decode_interval(ty: PgType<'_>, bytes: &[u8]) -> Result<Value, FieldError> {
    let types::Interval { months, days, micros } = FromField::from_bytes(ty, bytes)?;
    Ok(Value::Interval(Interval { months, days, micros }))
}

fn decode_json(ty: PgType<'_>, bytes: &[u8]) -> Result<String, FieldError> {
    Ok(Json::from_bytes(ty, bytes)?.0)
}
