#![allow(clippy::unwrap_used, reason = "these are tests")]

use super::*;

#[test]
fn dates_are_printed_as_the_server_prints_them() {
    let cases = [
        (Date(0), "2000-01-01"),
        (Date::from_ymd(2024, 2, 29).unwrap(), "2024-02-29"),
        (Date::from_ymd(-43, 3, 15).unwrap(), "0044-03-15 BC"),
        (Date::INFINITY, "infinity"),
        (Date::NEG_INFINITY, "-infinity"),
    ];
    for (date, text) in cases {
        assert_eq!(date.to_string(), text);
    }
}

#[test]
fn times_are_taken_apart_and_put_together() {
    let time = Time::from_hms_micro(23, 59, 58, 120_000).unwrap();
    assert_eq!(time.to_string(), "23:59:58.12");
    assert_eq!(time.hms_micro(), (23, 59, 58, 120_000));
    assert_eq!(Time::from_hms_micro(24, 0, 0, 0).unwrap().to_string(), "24:00:00");
    assert_eq!(Time::from_hms_micro(24, 0, 0, 1), None);
    assert_eq!(Time::from_hms_micro(1, 60, 0, 0), None);
}

#[test]
fn timestamps_before_2000_have_a_day_and_a_time() {
    let date = Date::from_ymd(1999, 12, 31).unwrap();
    let time = Time::from_hms_micro(12, 0, 0, 0).unwrap();
    let timestamp = TimestampTz::new(date, time).unwrap();
    assert_eq!((timestamp.date(), timestamp.time()), (Some(date), Some(time)));
    assert_eq!(timestamp.to_string(), "1999-12-31 12:00:00+00");
    assert_eq!(timestamp.unix_seconds(), Some(946_641_600));
    assert_eq!(TimestampTz::from_unix_seconds(946_641_600), Some(timestamp));
}

#[test]
fn infinities_have_no_day() {
    assert_eq!(Date::INFINITY.ymd(), None);
    assert_eq!(Timestamp::NEG_INFINITY.date(), None);
    assert_eq!(Timestamp::NEG_INFINITY.to_string(), "-infinity");
    assert_eq!(Timestamp::INFINITY.unix_seconds(), None);
    assert_eq!(Timestamp::new(Date::INFINITY, Time(0)), None);
}
