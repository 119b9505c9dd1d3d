//! The types that a field can be moved into, and which JSON fits them: as SQL, since the
//! server does the work. Nothing is converted that would not come back the same, and no
//! cast can fail.

use plugin_sdk::Params;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Params)]
pub enum Kind {
    /// From a string.
    Text,
    /// From a whole number of 32 bits.
    Integer,
    /// From a whole number of 64 bits.
    Bigint,
    /// From any number.
    Numeric,
    /// From any number that fits.
    #[param(rename = "double precision")]
    Double,
    /// From `true` and `false`.
    Boolean,
    /// From a string such as `2024-02-29`.
    Date,
    /// From a string such as `2024-02-29T12:30:00Z`, with its offset from UTC.
    Timestamptz,
    /// From a string such as `f47ac10b-58cc-4372-a567-0e02b2c3d479`.
    Uuid,
    /// From anything.
    Jsonb,
}

/// A day, as ISO 8601 writes it. The year 0 is no year for PostgreSQL.
const DAY: &str = "(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
/// A time of day, and its offset from UTC.
const TIME: &str =
    "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)";

impl Kind {
    /// The type as SQL spells it.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Bigint => "bigint",
            Self::Numeric => "numeric",
            Self::Double => "double precision",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamptz => "timestamptz",
            Self::Uuid => "uuid",
            Self::Jsonb => "jsonb",
        }
    }

    /// Why a value does not fit.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Text => "is no string",
            Self::Integer => "is no whole number of 32 bits",
            Self::Bigint => "is no whole number of 64 bits",
            Self::Numeric => "is no number",
            Self::Double => "is no number that fits",
            Self::Boolean => "is neither true nor false",
            Self::Date => "is no date as in 2024-02-29",
            Self::Timestamptz => "is no time with an offset from UTC, as in 2024-02-29T12:30:00Z",
            Self::Uuid => "is no UUID",
            Self::Jsonb => "is no JSON",
        }
    }

    /// A condition in SQL: whether the JSON value of an expression fits; `text` is the
    /// same value as text, without the quotes of a string. CASE, since nothing else
    /// holds the server to an order.
    pub fn fits(self, value: &str, text: &str) -> String {
        let typed = |json: &str, then: &str| {
            format!(
                "CASE jsonb_typeof({value}) WHEN 'null' THEN true WHEN '{json}' THEN {then} ELSE false END"
            )
        };
        let whole = |least: &str, most: &str| {
            typed(
                "number",
                &format!(
                    "CASE WHEN {text} ~ '^-?[0-9]{{1,19}}$' THEN {text}::numeric BETWEEN {least} AND {most} ELSE false END"
                ),
            )
        };
        let day = format!("jsonb_path_exists(to_jsonb(left({text}, 10)), '$.datetime()', '{{}}', true)");
        let dated = |pattern: &str| {
            typed("string", &format!("CASE WHEN {text} ~ '^{pattern}$' THEN {day} ELSE false END"))
        };
        match self {
            Self::Text => typed("string", "true"),
            Self::Integer => whole("-2147483648", "2147483647"),
            Self::Bigint => whole("-9223372036854775808", "9223372036854775807"),
            Self::Numeric => typed("number", "true"),
            Self::Double => typed(
                "number",
                &format!(
                    "({text}::numeric = 0 OR abs({text}::numeric) BETWEEN 1e-307::numeric AND 1.7e308::numeric)"
                ),
            ),
            Self::Boolean => typed("boolean", "true"),
            Self::Date => dated(DAY),
            Self::Timestamptz => dated(&format!("{DAY}[T ]{TIME}")),
            Self::Uuid => typed(
                "string",
                &format!(
                    "{text} ~* '^[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}$'"
                ),
            ),
            Self::Jsonb => "true".to_owned(),
        }
    }

    /// The value of an expression that fits, in the column's type. JSON's null is NULL,
    /// but in a column of JSON.
    pub fn convert(self, value: &str, text: &str) -> String {
        match self {
            Self::Jsonb => value.to_owned(),
            _ => format!("{text}::{}", self.sql()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_tested_by_type_before_they_are_cast() {
        assert_eq!(
            Kind::Integer.fits("v", "t"),
            "CASE jsonb_typeof(v) WHEN 'null' THEN true WHEN 'number' THEN CASE WHEN t ~ '^-?[0-9]{1,19}$' \
             THEN t::numeric BETWEEN -2147483648 AND 2147483647 ELSE false END ELSE false END"
        );
        assert_eq!(Kind::Integer.convert("v", "t"), "t::integer");
        assert_eq!(Kind::Jsonb.convert("v", "t"), "v");
    }
}
