//! Dates, times and intervals as text that PostgreSQL reads in the same way
//! whatever `DateStyle` and `IntervalStyle` are.

use super::super::bindings::types::{Interval, Timetz};
use super::error::ConvertError;

const MICROS_A_DAY: i64 = 86_400_000_000;
/// From 1970-01-01 to 2000-01-01.
const DAYS_TO_2000: i64 = 10_957;

/// `date`: days since 2000-01-01.
pub(super) fn date_text(days: i32) -> String {
    match days {
        i32::MIN => "-infinity".into(),
        i32::MAX => "infinity".into(),
        days => {
            let (date, era) = calendar_date(i64::from(days));
            date + era
        }
    }
}

/// `time`: microseconds since midnight.
pub(super) fn time_text(micros: i64) -> Result<String, ConvertError> {
    match micros {
        0..=MICROS_A_DAY => Ok(clock(micros.unsigned_abs())),
        _ => Err(ConvertError::Range { value: format!("{micros} microseconds"), expected: "time".into() }),
    }
}

/// `time with time zone`.
pub(super) fn timetz_text(value: Timetz) -> Result<String, ConvertError> {
    let offset = value.utc_offset_secs;
    let (sign, seconds) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Ok(format!("{}{sign}{hours:02}:{minutes:02}:{seconds:02}", time_text(value.micros)?))
}

/// `timestamp`, or with `zone` `timestamptz`: microseconds since 2000-01-01.
pub(super) fn timestamp_text(micros: i64, zone: &str) -> String {
    match micros {
        i64::MIN => "-infinity".into(),
        i64::MAX => "infinity".into(),
        micros => {
            let (date, era) = calendar_date(micros.div_euclid(MICROS_A_DAY));
            let time = clock(micros.rem_euclid(MICROS_A_DAY).unsigned_abs());
            format!("{date} {time}{zone}{era}")
        }
    }
}

/// `interval`. Each part has a sign of its own: with the style `sql_standard` a
/// single one would count for all of them.
pub(super) fn interval_text(value: Interval) -> String {
    let sign = if value.micros < 0 { '-' } else { '+' };
    let time = clock(value.micros.unsigned_abs());
    format!("{:+} mons {:+} days {sign}{time}", value.months, value.days)
}

fn clock(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{rest:02}.{:06}", micros % 1_000_000)
}

/// The date so many days after 2000-01-01 in the Gregorian calendar, and what
/// comes after it for a year before Christ. See Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`.
fn calendar_date(days: i64) -> (String, &'static str) {
    // Counted from 0000-03-01, so that a leap day is the last one of its year.
    let shifted = days + DAYS_TO_2000 + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    match year {
        1.. => (format!("{year:04}-{month:02}-{day_of_month:02}"), ""),
        _ => (format!("{:04}-{month:02}-{day_of_month:02}", 1 - year), " BC"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (days, expected) in [
            (0, "2000-01-01"),
            (59, "2000-02-29"),
            (60, "2000-03-01"),
            (-1, "1999-12-31"),
            (9_455, "2025-11-20"),
            (-36_465, "1900-03-01"),
            (-36_466, "1900-02-28"),
            (-730_119, "0001-01-01"),
            (-730_120, "0001-12-31 BC"),
            (2_921_940, "10000-01-01"),
            (i32::MAX, "infinity"),
            (i32::MIN, "-infinity"),
        ] {
            assert_eq!(date_text(days), expected);
        }
    }

    #[test]
    fn times_keep_their_microseconds() {
        assert_eq!(time_text(MICROS_A_DAY).expect("a time"), "24:00:00.000000");
        assert!(time_text(-1).is_err() && time_text(MICROS_A_DAY + 1).is_err());
        assert_eq!(timestamp_text(-1, ""), "1999-12-31 23:59:59.999999");
        assert_eq!(timestamp_text(1, "+00"), "2000-01-01 00:00:00.000001+00");
        assert_eq!(timestamp_text(-730_120 * MICROS_A_DAY, "+00"), "0001-12-31 00:00:00.000000+00 BC");
        let west = Timetz { micros: 1, utc_offset_secs: -19_800 };
        assert_eq!(timetz_text(west).expect("a time"), "00:00:00.000001-05:30:00");
    }

    #[test]
    fn each_part_of_an_interval_has_its_sign() {
        let interval = Interval { months: -14, days: 3, micros: -1_500_000 };
        assert_eq!(interval_text(interval), "-14 mons +3 days -00:00:01.500000");
    }
}
