//! The calendar, without a clock: days to year, month and day, and back.

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL's count begins.
const DAYS_1970_TO_2000: i64 = 10_957;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_0000_TO_1970: i64 = 719_468;
/// Days in the four hundred years after which the calendar repeats.
const DAYS_IN_ERA: i64 = 146_097;

/// Year, month and day of a number of days since 2000-01-01.
///
/// The year counts from March here, so that the leap day is its last.
pub(crate) fn ymd_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + DAYS_1970_TO_2000 + DAYS_0000_TO_1970;
    let era = days.div_euclid(DAYS_IN_ERA);
    let day_of_era = days.rem_euclid(DAYS_IN_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// Days since 2000-01-01 of a day; none if there is no such day.
pub(crate) fn days_from_ymd(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = i64::from((month + 9) % 12);
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * DAYS_IN_ERA + day_of_era - DAYS_0000_TO_1970 - DAYS_1970_TO_2000)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_three_thousand_years_survives_the_way_there_and_back() {
        for days in -800_000..300_000 {
            let (year, month, day) = ymd_from_days(days);
            assert_eq!(days_from_ymd(year, month, day), Some(days));
        }
    }

    #[test]
    fn known_days() {
        assert_eq!(ymd_from_days(0), (2000, 1, 1));
        assert_eq!(ymd_from_days(59), (2000, 2, 29));
        assert_eq!(ymd_from_days(-10_957), (1970, 1, 1));
        assert_eq!(days_from_ymd(1900, 2, 29), None);
        assert_eq!(days_from_ymd(2026, 13, 1), None);
    }
}
