#![allow(clippy::unwrap_used, reason = "these are tests")]

use proptest::prelude::*;

use super::*;
use crate::bindings::types::{ArrayDim, ArrayValue, Column, Interval, RawValue, Timetz};
use crate::row::{Plan, WritePlan, decode_next};
use crate::types::{
    self, Date, JsonOf, Numeric, PgType, Time, TimeTz, Timestamp, TimestampTz, ToField, Uuid, oid,
    write_array,
};
use crate::{FromRow, Result, ToRow, Value};

const MOOD: PgType<'static> = PgType { oid: 20_000, name: "mood" };
const POINT: PgType<'static> = PgType { oid: 600, name: "point" };
const INT4_ARRAY: PgType<'static> = PgType { oid: 1007, name: "_int4" };

fn ty(oid: u32) -> PgType<'static> {
    PgType::built_in(oid).unwrap()
}

/// Text as PostgreSQL has it: without NUL.
fn text() -> impl Strategy<Value = String> {
    "[^\0]{0,40}"
}

/// A value of the case that the host uses for the type, with the type.
fn typed_value() -> impl Strategy<Value = (PgType<'static>, Value)> {
    prop_oneof![scalar(), time(), other()]
}

fn scalar() -> impl Strategy<Value = (PgType<'static>, Value)> {
    prop_oneof![
        any::<bool>().prop_map(|value| (ty(oid::BOOL), Value::Boolean(value))),
        any::<i16>().prop_map(|value| (ty(oid::INT2), Value::Int2(value))),
        any::<i32>().prop_map(|value| (ty(oid::INT4), Value::Int4(value))),
        any::<i64>().prop_map(|value| (ty(oid::INT8), Value::Int8(value))),
        any::<f32>().prop_map(|value| (ty(oid::FLOAT4), Value::Float4(value))),
        any::<f64>().prop_map(|value| (ty(oid::FLOAT8), Value::Float8(value))),
        "-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?|NaN|-?Infinity"
            .prop_map(|value| (ty(oid::NUMERIC), Value::Numeric(value))),
        text().prop_map(|value| (ty(oid::TEXT), Value::Text(value))),
        text().prop_map(|value| (ty(oid::BPCHAR), Value::Text(value))),
        text().prop_map(|value| (MOOD, Value::Text(value))),
        any::<Vec<u8>>().prop_map(|value| (ty(oid::BYTEA), Value::Bytea(value))),
    ]
}

fn time() -> impl Strategy<Value = (PgType<'static>, Value)> {
    let timetz = |(micros, utc_offset_secs)| Value::Timetz(Timetz { micros, utc_offset_secs });
    let interval = |(months, days, micros)| Value::Interval(Interval { months, days, micros });
    prop_oneof![
        any::<i32>().prop_map(|value| (ty(oid::DATE), Value::Date(value))),
        any::<i64>().prop_map(|value| (ty(oid::TIME), Value::Time(value))),
        any::<(i64, i32)>().prop_map(move |value| (ty(oid::TIMETZ), timetz(value))),
        any::<i64>().prop_map(|value| (ty(oid::TIMESTAMP), Value::Timestamp(value))),
        any::<i64>().prop_map(|value| (ty(oid::TIMESTAMPTZ), Value::Timestamptz(value))),
        any::<(i32, i32, i64)>().prop_map(move |value| (ty(oid::INTERVAL), interval(value))),
    ]
}

fn other() -> impl Strategy<Value = (PgType<'static>, Value)> {
    let raw = |data| Value::Raw(RawValue { type_oid: POINT.oid, data });
    prop_oneof![
        any::<(u64, u64)>().prop_map(|value| (ty(oid::UUID), Value::Uuid(value))),
        text().prop_map(|value| (ty(oid::JSON), Value::Json(value))),
        text().prop_map(|value| (ty(oid::JSONB), Value::Jsonb(value))),
        any::<[u8; 16]>().prop_map(move |data| (POINT, raw(data.to_vec()))),
        array().prop_map(|value| (INT4_ARRAY, Value::Array(value))),
    ]
}

fn array() -> impl Strategy<Value = ArrayValue> {
    let element = prop::option::of(any::<i32>().prop_map(|value| value.to_be_bytes().to_vec()));
    let shape = prop::collection::vec((1..4_u32, any::<i32>()), 1..4);
    shape.prop_flat_map(move |shape| {
        let len: u32 = shape.iter().map(|(len, _)| len).product();
        let dims: Vec<_> =
            shape.into_iter().map(|(len, lower_bound)| ArrayDim { len, lower_bound }).collect();
        prop::collection::vec(element.clone(), len as usize).prop_map(move |elements| ArrayValue {
            element_oid: oid::INT4,
            dims: dims.clone(),
            elements,
        })
    })
}

proptest! {
    #[test]
    fn every_value_survives_the_way_there_and_back((ty, value) in typed_value()) {
        let mut bytes = Vec::new();
        encode_value(&value, ty, &mut bytes).unwrap();
        let read = decode_value(ty, &bytes).unwrap();
        // NaN is not equal to itself, but its text is.
        prop_assert_eq!(format!("{read:?}"), format!("{value:?}"));
    }

    #[test]
    fn rows_survive_the_way_there_and_back(
        rows in prop::collection::vec(prop::collection::vec(prop::option::of(any::<Vec<u8>>()), 3), 0..8),
    ) {
        let mut bytes = Vec::new();
        for row in &rows {
            bytes.extend_from_slice(&3_i16.to_be_bytes());
            for field in row {
                match field {
                    None => write_null(&mut bytes),
                    Some(field) => {
                        write_field(&mut bytes, |out| field.encode(ty(oid::BYTEA), out)).unwrap();
                    }
                }
            }
        }
        let (mut position, mut spans, mut read) = (0, Vec::new(), Vec::new());
        while next_tuple(&bytes, &mut position, 3, &mut spans).unwrap() {
            let row: Vec<_> = spans.iter().map(|span| span.of(&bytes).map(<[u8]>::to_vec)).collect();
            read.push(row);
        }
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn any_bytes_are_rows_or_an_error(bytes: Vec<u8>, columns in 0..4_usize) {
        let (mut position, mut spans) = (0, Vec::new());
        while let Ok(true) = next_tuple(&bytes, &mut position, columns, &mut spans) {
            for span in &spans {
                let _ = span.of(&bytes);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes: Vec<u8>) {
        for (oid, array, name) in oid::BUILT_IN {
            let _ = decode_value(PgType { oid: *oid, name }, &bytes);
            let _ = decode_value(PgType { oid: *array, name }, &bytes);
        }
    }

    #[test]
    fn any_bytes_behind_an_arrays_head_are_an_array_or_an_error(
        dims in 0..8_i32, lens in prop::collection::vec(any::<i32>(), 0..8), tail: Vec<u8>,
    ) {
        let mut bytes = [dims, 0, 23].map(i32::to_be_bytes).concat();
        bytes.extend(lens.iter().flat_map(|len| len.to_be_bytes()));
        bytes.extend(tail);
        let _ = decode_value(INT4_ARRAY, &bytes);
    }
}

#[test]
fn values_go_into_every_type_that_they_fit() {
    let fits = [
        (Value::Int4(7), oid::INT8),
        (Value::Int8(7), oid::INT2),
        (Value::Int4(7), oid::NUMERIC),
        (Value::Text("{}".to_owned()), oid::JSONB),
        (Value::Literal("1.5".to_owned()), oid::NUMERIC),
    ];
    for (value, oid) in fits {
        encode_value(&value, ty(oid), &mut Vec::new()).unwrap();
    }
    let misfits = [
        (Value::Int4(70_000), oid::INT2, "is 70000, which does not fit int2"),
        (Value::Int4(1), oid::TEXT, "is of type text, expected an integer type or numeric"),
        (Value::Date(1), oid::TIMESTAMP, "is of type timestamp, expected date"),
    ];
    for (value, oid, message) in misfits {
        let error = encode_value(&value, ty(oid), &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn an_array_that_promises_more_than_it_has_is_refused() {
    let dims = vec![ArrayDim { len: u32::MAX >> 1, lower_bound: 1 }; 2];
    let array = ArrayValue { element_oid: oid::INT4, dims, elements: vec![None] };
    let mut bytes = Vec::new();
    write_array(&array, &mut bytes).unwrap();
    assert!(decode_value(INT4_ARRAY, &bytes).is_err());
}

/// A row with a field of every kind of type.
#[derive(FromRow, ToRow, Debug, Clone, PartialEq)]
struct Everything {
    flag: bool,
    small: i16,
    number: i32,
    large: Option<i64>,
    real: f32,
    double: Option<f64>,
    exact: Option<Numeric>,
    text: String,
    shared: Option<Box<str>>,
    letter: char,
    bytes: Vec<u8>,
    key: Uuid,
    day: Date,
    time: Time,
    zoned: Option<TimeTz>,
    local: Timestamp,
    at: Option<TimestampTz>,
    span: types::Interval,
    doc: JsonOf<std::collections::BTreeMap<String, Option<i64>>>,
    numbers: Vec<Option<i32>>,
    words: Option<Vec<String>>,
}

/// The same without owning anything, as far as that can be read without copying.
#[derive(FromRow, ToRow)]
struct Borrowed<'a> {
    text: &'a str,
    shared: Option<std::borrow::Cow<'a, str>>,
    bytes: &'a [u8],
}

const COLUMNS: [(&str, u32, &str); 21] = [
    ("flag", oid::BOOL, "bool"),
    ("small", oid::INT2, "int2"),
    ("number", oid::INT4, "int4"),
    ("large", oid::INT8, "int8"),
    ("real", oid::FLOAT4, "float4"),
    ("double", oid::FLOAT8, "float8"),
    ("exact", oid::NUMERIC, "numeric"),
    ("text", oid::TEXT, "text"),
    ("shared", 20_001, "citext"),
    ("letter", oid::BPCHAR, "bpchar"),
    ("bytes", oid::BYTEA, "bytea"),
    ("key", oid::UUID, "uuid"),
    ("day", oid::DATE, "date"),
    ("time", oid::TIME, "time"),
    ("zoned", oid::TIMETZ, "timetz"),
    ("local", oid::TIMESTAMP, "timestamp"),
    ("at", oid::TIMESTAMPTZ, "timestamptz"),
    ("span", oid::INTERVAL, "interval"),
    ("doc", oid::JSONB, "jsonb"),
    ("numbers", 1007, "_int4"),
    ("words", 1009, "_text"),
];

fn columns() -> Vec<Column> {
    let column = |(name, type_oid, type_name): (&str, u32, &str)| Column {
        name: name.to_owned(),
        type_oid,
        type_name: type_name.to_owned(),
        type_modifier: -1,
    };
    COLUMNS.into_iter().map(column).collect()
}

prop_compose! {
    fn everything()(
        (flag, small, number, large, real, double) in any::<(bool, i16, i32, Option<i64>, i32, Option<i64>)>(),
        exact in prop::option::of("-?[1-9][0-9]{0,9}(\\.[0-9]{1,9})?"),
        (text, shared, letter) in (text(), prop::option::of(text()), any::<char>()),
        bytes: Vec<u8>,
        (key, day, time, local, at) in any::<([u8; 16], i32, i64, i64, Option<i64>)>(),
        zoned: Option<(i64, i32)>,
        (months, days, micros) in any::<(i32, i32, i64)>(),
        doc in prop::collection::btree_map(text(), any::<Option<i64>>(), 0..4),
        numbers: Vec<Option<i32>>,
        words in prop::option::of(prop::collection::vec(text(), 0..4)),
    ) -> Everything {
        Everything {
            flag, small, number, large,
            // Whole numbers, for NaN is not equal to itself.
            real: real as f32, double: double.map(|double| double as f64),
            exact: exact.map(|exact| exact.parse().unwrap()),
            text, shared: shared.map(Into::into), letter, bytes,
            key: Uuid(key), day: Date(day), time: Time(time),
            zoned: zoned.map(|(time, utc_offset_secs)| TimeTz { time: Time(time), utc_offset_secs }),
            local: Timestamp(local),
            at: at.map(TimestampTz), span: types::Interval { months, days, micros },
            doc: JsonOf(doc), numbers, words,
        }
    }
}

fn encode<T: ToRow>(rows: &[T], columns: &[Column]) -> Vec<u8> {
    let plan = WritePlan::of::<T>(columns).unwrap();
    let mut bytes = Vec::new();
    for row in rows {
        plan.write(row, columns, &mut bytes).unwrap();
    }
    bytes
}

fn decode<'a, T: FromRow<'a>>(bytes: &'a [u8], columns: &[Column]) -> Result<Vec<T>> {
    let plan = Plan::of::<T>(columns)?;
    let (mut position, mut spans, mut rows) = (0, Vec::new(), Vec::new());
    while let Some(row) = decode_next(bytes, &mut position, columns, &plan, &mut spans)? {
        rows.push(row);
    }
    Ok(rows)
}

proptest! {
    #[test]
    fn typed_rows_survive_the_way_there_and_back(rows in prop::collection::vec(everything(), 0..4)) {
        let columns = columns();
        let bytes = encode(&rows, &columns);
        prop_assert_eq!(&decode::<Everything>(&bytes, &columns).unwrap(), &rows);
        for (borrowed, row) in decode::<Borrowed<'_>>(&bytes, &columns).unwrap().iter().zip(&rows) {
            prop_assert_eq!((borrowed.text, borrowed.bytes), (row.text.as_str(), row.bytes.as_slice()));
            prop_assert_eq!(borrowed.shared.as_deref(), row.shared.as_deref());
        }
    }

    #[test]
    fn any_bytes_are_typed_rows_or_an_error(bytes: Vec<u8>) {
        let _ = decode::<Everything>(&bytes, &columns());
    }

    /// Random bytes hardly ever are tuples: here the frame is right, and the values
    /// are not.
    #[test]
    fn any_values_are_typed_rows_or_an_error(
        fields in prop::collection::vec(prop::option::of(any::<Vec<u8>>()), COLUMNS.len()),
    ) {
        let mut bytes = (COLUMNS.len() as i16).to_be_bytes().to_vec();
        for field in &fields {
            match field {
                None => write_null(&mut bytes),
                Some(field) => write_field(&mut bytes, |out| field.encode(ty(oid::BYTEA), out)).unwrap(),
            }
        }
        let _ = decode::<Everything>(&bytes, &columns());
        let _ = decode::<Borrowed<'_>>(&bytes, &columns());
        for (field, column) in fields.iter().zip(&columns()) {
            let _ = types::readable(column.pg_type(), field.as_deref());
        }
    }

    /// A row that was sound, with one of its bytes changed.
    #[test]
    fn damaged_rows_are_rows_or_an_error(row in everything(), at: prop::sample::Index, byte: u8) {
        let columns = columns();
        let mut bytes = encode(&[row], &columns);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode::<Everything>(&bytes, &columns);
        let _ = decode::<Everything>(&bytes[..at], &columns);
    }
}
