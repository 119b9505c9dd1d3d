//! What is read and written back is what it was.

use proptest::prelude::*;

use super::super::bindings::types::{ArrayDim, ArrayValue, Interval, RawValue, Timetz, Value};
use super::ConvertError;
use super::pg_to_wit::{rows_pg_to_wit, value_pg_to_wit};
use super::wit_to_pg::{parameters_wit_to_pg, rows_wit_to_pg, value_wit_to_pg};
use crate::db::{Column, Kind, Parameter, Type};

fn encoded(type_: &Type, value: &Value) -> Result<Vec<u8>, ConvertError> {
    let mut out = Vec::new();
    value_wit_to_pg(type_, value, &mut out).map(|()| out)
}

fn decoded(type_: &Type, data: &[u8]) -> Value {
    value_pg_to_wit(type_, Some(data)).expect("reads")
}

/// `Value` has no equality of its own, because of floats; their bits count.
#[track_caller]
fn comes_back(type_: &Type, value: &Value) {
    let data = encoded(type_, value).expect("writes");
    let back = decoded(type_, &data);
    assert_eq!(encoded(type_, &back).expect("writes"), data, "{type_}");
    assert_eq!(std::mem::discriminant(&back), std::mem::discriminant(value), "{type_}");
}

fn own(name: &str, oid: u32, kind: Kind) -> Type {
    Type::new(name.into(), oid, kind, "public".into())
}

fn mood() -> Type {
    own("mood", 50_001, Kind::Enum(vec!["sad".into(), "happy".into()]))
}

fn positive() -> Type {
    own("positive", 50_002, Kind::Domain(Type::INT4))
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn every_case_comes_back() {
    let array = ArrayValue {
        element_oid: 23,
        dims: vec![ArrayDim { len: 2, lower_bound: 0 }],
        elements: vec![None, Some(vec![0, 0, 0, 1])],
    };
    for (type_, value) in [
        (Type::BOOL, Value::Boolean(true)),
        (Type::INT2, Value::Int2(i16::MIN)),
        (Type::INT4, Value::Int4(i32::MIN)),
        (Type::INT8, Value::Int8(i64::MIN)),
        (Type::FLOAT4, Value::Float4(f32::NAN)),
        (Type::FLOAT8, Value::Float8(-0.0)),
        (Type::NUMERIC, Value::Numeric("-12345678901234567890.00100".into())),
        (Type::TEXT, text("größer 🦀")),
        (Type::VARCHAR, text("")),
        (Type::BPCHAR, text("a   ")),
        (Type::NAME, text("n")),
        (Type::BYTEA, Value::Bytea(vec![0, 255])),
        (Type::DATE, Value::Date(i32::MAX)),
        (Type::TIME, Value::Time(86_400_000_000)),
        (Type::TIMETZ, Value::Timetz(Timetz { micros: 1, utc_offset_secs: 3600 })),
        (Type::TIMESTAMP, Value::Timestamp(i64::MIN)),
        (Type::TIMESTAMPTZ, Value::Timestamptz(i64::MAX)),
        (Type::INTERVAL, Value::Interval(Interval { months: -1, days: 2, micros: -3 })),
        (Type::UUID, Value::Uuid((1, u64::MAX))),
        (Type::JSON, Value::Json("{\"a\" :  1.0}".into())),
        (Type::JSONB, Value::Jsonb("{\"a\": 1.0}".into())),
        (Type::INT4_ARRAY, Value::Array(array)),
        (
            Type::INET,
            Value::Raw(RawValue { type_oid: Type::INET.oid(), data: vec![2, 32, 0, 4, 1, 2, 3, 4] }),
        ),
        (Type::OID, Value::Raw(RawValue { type_oid: 26, data: vec![0, 0, 0, 1] })),
        (mood(), text("happy")),
        (positive(), Value::Int4(7)),
    ] {
        comes_back(&type_, &value);
    }
}

#[test]
fn the_sign_of_an_offset_is_turned() {
    // `select '12:00+02'::timetz`: 7,200 seconds east, -7,200 on the wire.
    let data = encoded(&Type::TIMETZ, &Value::Timetz(Timetz { micros: 0, utc_offset_secs: 7200 }));
    assert_eq!(data.expect("writes")[8..], (-7200_i32).to_be_bytes());
    let lowest = Timetz { micros: 0, utc_offset_secs: i32::MIN };
    assert!(matches!(encoded(&Type::TIMETZ, &Value::Timetz(lowest)), Err(ConvertError::Range { .. })));
}

#[test]
fn an_interval_is_micros_days_months_on_the_wire() {
    let data = encoded(&Type::INTERVAL, &Value::Interval(Interval { months: 1, days: 2, micros: 3 }));
    assert_eq!(data.expect("writes"), [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1]);
}

#[test]
fn values_fit_wider_types_and_narrower_ones_if_nothing_is_lost() {
    for (type_, value, expected) in [
        (Type::INT8, Value::Int2(-1), &[255; 8][..]),
        (Type::INT2, Value::Int8(258), &[1, 2]),
        (Type::OID, Value::Int8(0xFFFF_FFFF), &[255; 4]),
        (Type::NUMERIC, Value::Int4(10_000), &[0, 1, 0, 1, 0, 0, 0, 0, 0, 1]),
        (Type::FLOAT8, Value::Int4(1), &1_f64.to_be_bytes()),
        (Type::FLOAT8, Value::Float4(0.5), &0.5_f64.to_be_bytes()),
        (Type::FLOAT4, Value::Float8(0.5), &0.5_f32.to_be_bytes()),
        (Type::JSONB, text("1"), b"\x011"),
        (Type::JSON, Value::Jsonb("1".into()), b"1"),
        (Type::TEXT, Value::Json("1".into()), b"1"),
        (mood(), text("sad"), b"sad"),
        (positive(), Value::Int8(1), &[0, 0, 0, 1]),
        (positive(), Value::Raw(RawValue { type_oid: 23, data: vec![9] }), &[9]),
    ] {
        assert_eq!(encoded(&type_, &value).expect("fits"), expected, "{type_}");
    }
}

#[test]
fn what_would_lose_something_is_refused() {
    for (type_, value) in [
        (Type::INT2, Value::Int4(32_768)),
        (Type::OID, Value::Int4(-1)),
        (Type::FLOAT8, Value::Int8((1 << 53) + 1)),
        (Type::FLOAT4, Value::Float8(0.1)),
        (Type::FLOAT4, Value::Float8(f64::MAX)),
        (Type::NUMERIC, Value::Float8(0.5)),
        (Type::INT4, Value::Numeric("1".into())),
        (Type::INT4, text("1")),
        (Type::INT4, Value::Boolean(true)),
        (Type::TIMESTAMPTZ, Value::Timestamp(0)),
        (Type::UUID, Value::Bytea(vec![0; 16])),
        (Type::INET, text("1.2.3.4")),
        (mood(), Value::Json("\"sad\"".into())),
        (Type::INT4, Value::Raw(RawValue { type_oid: 20, data: vec![0; 4] })),
        (Type::TEXT, text("a\0b")),
        (Type::JSONB, Value::Json("\"\0\"".into())),
        (Type::INT8_ARRAY, Value::Array(ArrayValue { element_oid: 23, dims: vec![], elements: vec![] })),
    ] {
        assert!(encoded(&type_, &value).is_err(), "{type_}: {value:?}");
    }
}

#[test]
fn a_literal_is_text_as_a_parameter_and_refused_in_a_row() {
    let literal = || Value::Literal("1 day".into());
    let params = parameters_wit_to_pg(&[Type::INTERVAL], &[literal()]);
    assert_eq!(params, Ok(vec![Parameter::Text("1 day".into())]));
    let column = Column { name: "d".into(), type_: Type::INTERVAL, type_modifier: -1 };
    let row = rows_wit_to_pg(&[column], &[vec![literal()]], &mut Vec::new());
    assert!(matches!(row, Err(ConvertError::Field { row: 1, .. })));
}

#[test]
fn an_error_names_the_parameter_and_the_types() {
    let error =
        parameters_wit_to_pg(&[Type::INT4, Type::UUID], &[Value::Null, text("x")]).expect_err("refused");
    let message = "parameter $2: a value of the kind `text` does not fit `uuid`; `literal` fits every type";
    assert_eq!(error.to_string(), message);
}

#[test]
fn rows_that_do_not_fit_leave_the_buffer_as_it_was() {
    let columns = [Column { name: "a".into(), type_: Type::INT2, type_modifier: -1 }];
    let mut out = b"before".to_vec();
    let rows = [vec![Value::Int2(1)], vec![Value::Int4(70_000)]];
    let error = rows_wit_to_pg(&columns, &rows, &mut out).expect_err("refused");
    assert_eq!(error.to_string(), "row 2, column `a`: 70000 does not fit `int2`");
    assert_eq!(out, b"before");
}

#[test]
fn texts_of_another_encoding_stay_what_they_are() {
    for type_ in [Type::TEXT, Type::JSON, mood()] {
        let Value::Raw(raw) = decoded(&type_, &[0xFF, 0xFE]) else { panic!("{type_}") };
        assert_eq!((raw.type_oid, encoded(&type_, &Value::Raw(raw))), (type_.oid(), Ok(vec![0xFF, 0xFE])));
    }
}

#[test]
fn values_of_the_wrong_length_are_refused() {
    for type_ in [Type::BOOL, Type::INT2, Type::INT8, Type::UUID, Type::TIMETZ, Type::INTERVAL, Type::NUMERIC]
    {
        let refused = value_pg_to_wit(&type_, Some(&[0; 3]));
        assert!(matches!(refused, Err(ConvertError::Malformed { .. })), "{type_}");
    }
}

fn any_value() -> impl Strategy<Value = (Type, Value)> {
    prop_oneof![
        Just((Type::INT4, Value::Null)),
        any::<bool>().prop_map(|value| (Type::BOOL, Value::Boolean(value))),
        any::<i16>().prop_map(|value| (Type::INT2, Value::Int2(value))),
        any::<i64>().prop_map(|value| (Type::INT8, Value::Int8(value))),
        any::<u64>().prop_map(|bits| (Type::FLOAT8, Value::Float8(f64::from_bits(bits)))),
        "[^\0]*".prop_map(|value| (Type::TEXT, Value::Text(value))),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|value| (Type::BYTEA, Value::Bytea(value))),
        any::<(i32, i32, i64)>().prop_map(|(months, days, micros)| {
            (Type::INTERVAL, Value::Interval(Interval { months, days, micros }))
        }),
        any::<(u64, u64)>().prop_map(|value| (Type::UUID, Value::Uuid(value))),
    ]
}

proptest! {
    #[test]
    fn rows_come_back(row in prop::collection::vec(any_value(), 0..8), count in 0_usize..4) {
        let (types, values): (Vec<Type>, Vec<Value>) = row.into_iter().unzip();
        let column = |type_: Type| Column { name: "c".into(), type_, type_modifier: -1 };
        let columns: Vec<Column> = types.into_iter().map(column).collect();
        let rows = vec![values; count];
        let (mut first, mut second) = (Vec::new(), Vec::new());
        rows_wit_to_pg(&columns, &rows, &mut first).expect("writes");
        let back = rows_pg_to_wit(&columns, &first).expect("reads");
        prop_assert_eq!(back.len(), count);
        rows_wit_to_pg(&columns, &back, &mut second).expect("writes");
        prop_assert_eq!(first, second);
    }

    #[test]
    fn any_bytes_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..40), oid in 0_u32..4000) {
        if let Some(type_) = Type::from_oid(oid)
            && let Ok(value) = value_pg_to_wit(&type_, Some(&data))
        {
            let _ = encoded(&type_, &value);
        }
        let columns = [Column { name: "c".into(), type_: Type::JSONB, type_modifier: -1 }];
        let _ = rows_pg_to_wit(&columns, &data);
    }
}
