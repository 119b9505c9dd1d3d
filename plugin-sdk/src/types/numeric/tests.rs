#![allow(clippy::unwrap_used, reason = "these are tests")]

use proptest::prelude::*;

use super::*;

fn round_trip(text: &str) -> String {
    let mut bytes = Vec::new();
    numeric_to_binary(text, &mut bytes).unwrap();
    numeric_from_binary(&bytes).unwrap()
}

#[test]
fn numbers_keep_their_text() {
    let texts = [
        "0",
        "0.00",
        "1",
        "-1",
        "1.50",
        "10000",
        "9999",
        "100000000",
        "0.0001",
        "0.00001",
        "-0.000000001",
        "12345678901234567890.123456789",
        "10000.00010000",
        "NaN",
        "Infinity",
        "-Infinity",
    ];
    for text in texts {
        assert_eq!(round_trip(text), text);
    }
}

#[test]
fn other_spellings_become_the_servers() {
    let cases = [("+1", "1"), ("007", "7"), (".5", "0.5"), ("5.", "5"), ("-0", "0"), ("-0.0", "0.0")];
    for (text, canonical) in cases {
        assert_eq!(round_trip(text), canonical);
    }
}

/// What PostgreSQL 15 sends for `select numeric_send(…)`.
#[test]
fn the_binary_format_is_the_servers() {
    let cases: [(&str, &[u8]); 5] = [
        ("0", &[0, 0, 0, 0, 0, 0, 0, 0]),
        ("1.50", &[0, 2, 0, 0, 0, 0, 0, 2, 0, 1, 0x13, 0x88]),
        ("-12345.6", &[0, 3, 0, 1, 0x40, 0, 0, 1, 0, 1, 0x09, 0x29, 0x17, 0x70]),
        ("0.00001", &[0, 1, 0xFF, 0xFE, 0, 0, 0, 5, 0x03, 0xE8]),
        ("NaN", &[0, 0, 0, 0, 0xC0, 0, 0, 0]),
    ];
    for (text, expected) in cases {
        let mut bytes = Vec::new();
        numeric_to_binary(text, &mut bytes).unwrap();
        assert_eq!(bytes, expected, "{text}");
        assert_eq!(numeric_from_binary(expected).unwrap(), text);
    }
    // The server sends a scale with the infinities, and ignores what it gets.
    assert_eq!(numeric_from_binary(&[0, 0, 0, 0, 0xF0, 0, 0, 0x20]).unwrap(), "-Infinity");
}

#[test]
fn text_that_is_not_a_number_is_refused() {
    for text in ["", "-", ".", "1e5", "1.2.3", "--1", "nan", "٣", "0x1", " 1"] {
        assert!(text.parse::<Numeric>().is_err(), "{text}");
    }
    let long = format!("0.{}", "1".repeat(MAX_SCALE + 1));
    assert!(long.parse::<Numeric>().is_err());
}

proptest! {
    #[test]
    fn every_number_survives_the_way_there_and_back(
        text in "-?(0|[1-9][0-9]{0,60})(\\.[0-9]{1,60})?",
    ) {
        let canonical = match text.strip_prefix('-') {
            Some(zero) if zero.bytes().all(|byte| matches!(byte, b'0' | b'.')) => zero,
            _ => text.as_str(),
        };
        prop_assert_eq!(round_trip(&text), canonical);
    }

    #[test]
    fn any_bytes_are_a_number_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = numeric_from_binary(&bytes);
    }
}
