//! Dates and times, in PostgreSQL's units.

use std::fmt;

use super::calendar::{days_from_ymd, ymd_from_days};
use super::{FieldError, FromField, PgType, ToField, expect_type, fixed, oid};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Seconds from 1970-01-01 to 2000-01-01.
const UNIX_TO_2000: i64 = 946_684_800;

/// A `date`: days since 2000-01-01, with both infinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

/// A `time`: microseconds since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A `time with time zone`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeTz {
    /// The local time.
    pub time: Time,
    /// Seconds east of UTC.
    pub utc_offset_secs: i32,
}

/// A `timestamp`: microseconds since 2000-01-01 00:00, with both infinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A `timestamp with time zone`: microseconds since 2000-01-01 00:00 UTC, with
/// both infinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimestampTz(pub i64);

impl Date {
    /// Later than every date.
    pub const INFINITY: Self = Self(i32::MAX);
    /// Earlier than every date.
    pub const NEG_INFINITY: Self = Self(i32::MIN);

    /// The date of a year, a month and a day; none if there is no such day. The
    /// year before 1 is 0.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        let days = i32::try_from(days_from_ymd(year.into(), month, day)?).ok()?;
        Some(Self(days)).filter(|date| date.is_finite())
    }

    /// Year, month and day; none if the date is infinite.
    pub fn ymd(self) -> Option<(i32, u32, u32)> {
        let (year, month, day) = ymd_from_days(self.0.into());
        self.is_finite().then_some((i32::try_from(year).ok()?, month, day))
    }

    /// Whether it is a day, and not one of the infinities.
    pub fn is_finite(self) -> bool {
        self != Self::INFINITY && self != Self::NEG_INFINITY
    }
}

impl Time {
    /// The time of an hour (to 24), a minute, a second and microseconds.
    pub fn from_hms_micro(hour: u32, minute: u32, second: u32, micro: u32) -> Option<Self> {
        let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let time = Self(seconds * MICROS_PER_SECOND + i64::from(micro));
        let in_range = minute < 60 && second < 60 && micro < 1_000_000;
        (in_range && time.0 <= MICROS_PER_DAY).then_some(time)
    }

    /// Hour, minute, second and microseconds.
    pub fn hms_micro(self) -> (u32, u32, u32, u32) {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND) as u32;
        let micros = self.0.rem_euclid(MICROS_PER_SECOND) as u32;
        (seconds / 3600, seconds / 60 % 60, seconds % 60, micros)
    }
}

/// What `timestamp` and `timestamptz` have in common.
macro_rules! timestamp {
    ($name:ident) => {
        impl $name {
            /// Later than every time.
            pub const INFINITY: Self = Self(i64::MAX);
            /// Earlier than every time.
            pub const NEG_INFINITY: Self = Self(i64::MIN);

            /// The time on a day; none if the day is infinite or out of range.
            pub fn new(date: Date, time: Time) -> Option<Self> {
                let midnight = i64::from(date.0).checked_mul(MICROS_PER_DAY)?;
                date.is_finite().then_some(Self(midnight.checked_add(time.0)?))
            }

            /// The time that many seconds after 1970-01-01 00:00.
            pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
                let seconds = seconds.checked_sub(UNIX_TO_2000)?;
                Some(Self(seconds.checked_mul(MICROS_PER_SECOND)?))
            }

            /// Whole seconds since 1970-01-01 00:00; none if it is infinite.
            pub fn unix_seconds(self) -> Option<i64> {
                self.is_finite().then_some(self.0.div_euclid(MICROS_PER_SECOND) + UNIX_TO_2000)
            }

            /// The day; none if it is infinite.
            pub fn date(self) -> Option<Date> {
                let days = i32::try_from(self.0.div_euclid(MICROS_PER_DAY)).ok()?;
                self.is_finite().then_some(Date(days))
            }

            /// The time of the day; none if it is infinite.
            pub fn time(self) -> Option<Time> {
                self.is_finite().then_some(Time(self.0.rem_euclid(MICROS_PER_DAY)))
            }

            /// Whether it is a time, and not one of the infinities.
            pub fn is_finite(self) -> bool {
                self != Self::INFINITY && self != Self::NEG_INFINITY
            }
        }
    };
}

timestamp!(Timestamp);
timestamp!(TimestampTz);

/// One type of the database, stored as one integer.
macro_rules! integer_time {
    ($name:ident, $oid:expr, $pg:literal) => {
        impl FromField<'_> for $name {
            fn reads(ty: PgType<'_>) -> bool {
                ty.oid == $oid
            }

            fn readable() -> String {
                $pg.to_owned()
            }

            fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
                // The field's own type says how many bytes there are.
                let mut value = Self(0);
                value.0 = from_be(fixed(bytes)?);
                Ok(value)
            }
        }

        impl ToField for $name {
            const OID: u32 = $oid;

            fn writes(ty: PgType<'_>) -> bool {
                expect_type(ty, $oid)
            }

            fn writable() -> String {
                $pg.to_owned()
            }

            fn encode(&self, _: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
                out.extend_from_slice(&self.0.to_be_bytes());
                Ok(())
            }
        }
    };
}

trait BigEndian<const N: usize> {
    fn from_be(bytes: [u8; N]) -> Self;
}

impl BigEndian<4> for i32 {
    fn from_be(bytes: [u8; 4]) -> Self {
        Self::from_be_bytes(bytes)
    }
}

impl BigEndian<8> for i64 {
    fn from_be(bytes: [u8; 8]) -> Self {
        Self::from_be_bytes(bytes)
    }
}

fn from_be<const N: usize, T: BigEndian<N>>(bytes: [u8; N]) -> T {
    T::from_be(bytes)
}

integer_time!(Date, oid::DATE, "date");
integer_time!(Time, oid::TIME, "time");
integer_time!(Timestamp, oid::TIMESTAMP, "timestamp");
integer_time!(TimestampTz, oid::TIMESTAMPTZ, "timestamptz");

impl FromField<'_> for TimeTz {
    fn reads(ty: PgType<'_>) -> bool {
        ty.oid == oid::TIMETZ
    }

    fn readable() -> String {
        "timetz".to_owned()
    }

    fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        let bytes: [u8; 12] = fixed(bytes)?;
        let time = Time(i64::from_be_bytes(fixed(&bytes[..8])?));
        // The wire counts seconds west of UTC.
        let utc_offset_secs = i32::from_be_bytes(fixed(&bytes[8..])?).wrapping_neg();
        Ok(Self { time, utc_offset_secs })
    }
}

impl ToField for TimeTz {
    const OID: u32 = oid::TIMETZ;

    fn writes(ty: PgType<'_>) -> bool {
        expect_type(ty, oid::TIMETZ)
    }

    fn writable() -> String {
        "timetz".to_owned()
    }

    fn encode(&self, _: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        out.extend_from_slice(&self.time.0.to_be_bytes());
        out.extend_from_slice(&self.utc_offset_secs.wrapping_neg().to_be_bytes());
        Ok(())
    }
}

/// As PostgreSQL prints it with the style ISO.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INFINITY => f.write_str("infinity"),
            Self::NEG_INFINITY => f.write_str("-infinity"),
            Self(days) => {
                let (year, month, day) = ymd_from_days(days.into());
                let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
                write!(f, "{year:04}-{month:02}-{day:02}{era}")
            }
        }
    }
}

/// As PostgreSQL prints it.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second, micro) = self.hms_micro();
        write!(f, "{hour:02}:{minute:02}:{second:02}")?;
        match micro {
            0 => Ok(()),
            micro => write!(f, ".{}", format!("{micro:06}").trim_end_matches('0')),
        }
    }
}

/// As PostgreSQL prints it with the style ISO.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_timestamp(*self, "", f)
    }
}

/// As PostgreSQL prints it with the style ISO and the time zone UTC.
impl fmt::Display for TimestampTz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_timestamp(Timestamp(self.0), "+00", f)
    }
}

fn fmt_timestamp(value: Timestamp, zone: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (value, value.date(), value.time()) {
        (Timestamp::INFINITY, ..) => f.write_str("infinity"),
        (_, Some(date), Some(time)) => {
            let date = date.to_string();
            let (date, era) = match date.strip_suffix(" BC") {
                Some(date) => (date, " BC"),
                None => (date.as_str(), ""),
            };
            write!(f, "{date} {time}{zone}{era}")
        }
        _ => f.write_str("-infinity"),
    }
}

#[cfg(test)]
mod tests;
