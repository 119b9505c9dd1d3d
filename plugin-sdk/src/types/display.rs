//! Values in messages: keys of rows that something is wrong with.

use super::{Date, FromField, Numeric, PgType, Time, Timestamp, TimestampTz, Uuid, oid};

/// The longest text that is shown whole, in characters.
const LONGEST_TEXT: usize = 64;

/// A value in binary format as PostgreSQL prints it, as far as the type is one
/// that keys have; the bytes in hexadecimal digits where it is not.
pub(crate) fn readable(ty: PgType<'_>, value: Option<&[u8]>) -> String {
    let Some(bytes) = value else {
        return "NULL".to_owned();
    };
    let shown = match ty.oid {
        oid::BOOL => show::<bool>(ty, bytes),
        oid::INT2 | oid::INT4 | oid::INT8 => show::<i64>(ty, bytes),
        oid::OID => <[u8; 4]>::try_from(bytes).ok().map(|bytes| u32::from_be_bytes(bytes).to_string()),
        oid::NUMERIC => show::<Numeric>(ty, bytes),
        oid::UUID => show::<Uuid>(ty, bytes),
        oid::DATE => show::<Date>(ty, bytes),
        oid::TIME => show::<Time>(ty, bytes),
        oid::TIMESTAMP => show::<Timestamp>(ty, bytes),
        oid::TIMESTAMPTZ => show::<TimestampTz>(ty, bytes),
        _ if ty.is_text() => <&str>::from_bytes(ty, bytes).ok().map(shorten),
        _ => None,
    };
    shown.unwrap_or_else(|| hexadecimal(bytes))
}

fn show<T: for<'a> FromField<'a> + ToString>(ty: PgType<'_>, bytes: &[u8]) -> Option<String> {
    T::from_bytes(ty, bytes).ok().map(|value| value.to_string())
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(LONGEST_TEXT / 2)];
    let digits: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    let rest = if shown.len() < bytes.len() { "…" } else { "" };
    format!("\\x{digits}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(oid: u32, bytes: &[u8]) -> String {
        readable(PgType::built_in(oid).expect("a type"), Some(bytes))
    }

    #[test]
    fn keys_are_shown_as_postgresql_prints_them() {
        assert_eq!(shown(oid::INT8, &700_001_i64.to_be_bytes()), "700001");
        assert_eq!(shown(oid::INT2, &(-3_i16).to_be_bytes()), "-3");
        assert_eq!(shown(oid::OID, &u32::MAX.to_be_bytes()), "4294967295");
        assert_eq!(shown(oid::TEXT, "Ada".as_bytes()), "Ada");
        assert_eq!(shown(oid::TEXT, "é".repeat(70).as_bytes()), format!("{}…", "é".repeat(64)));
        assert_eq!(shown(oid::UUID, &[0x0f; 16]), "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f");
        assert_eq!(shown(oid::DATE, &0_i32.to_be_bytes()), "2000-01-01");
        assert_eq!(shown(oid::TIMESTAMPTZ, &0_i64.to_be_bytes()), "2000-01-01 00:00:00+00");
        assert_eq!(readable(PgType { oid: 600, name: "point" }, Some(&[1, 255])), "\\x01ff");
        assert_eq!(readable(PgType { oid: 600, name: "point" }, None), "NULL");
    }

    #[test]
    fn bytes_that_are_no_value_are_shown_as_bytes() {
        assert_eq!(shown(oid::INT8, &[1]), "\\x01");
        assert_eq!(shown(oid::TEXT, &[255]), "\\xff");
    }
}
