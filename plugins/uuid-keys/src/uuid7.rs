//! UUIDs of version 7 (RFC 9562, 5.7).

use plugin_sdk::prelude::*;

/// Random bytes of one UUID: what is left of sixteen beside time and counter.
const RANDOM_BYTES: usize = 6;

/// How many UUIDs one call of the host is enough for, below its 65,536 bytes.
const UUIDS_A_CALL: usize = 8_192;

/// 26 bits count the UUIDs of one millisecond (RFC 9562, 6.2, method 1).
const COUNTER_LIMIT: u32 = 1 << 26;

/// The largest time that 48 bits hold, in milliseconds since 1970: in the year
/// 10889.
const MAX_MILLIS: i64 = (1 << 48) - 1;

/// Makes UUIDs that sort by their time, and those of one millisecond in the order in
/// which they are made, as long as they are made one after the other.
#[derive(Default)]
pub struct Maker {
    random: Vec<u8>,
    millis: i64,
    counter: u32,
}

impl Maker {
    /// The next UUID with a time in milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// A time before 1970 or after 10889, more UUIDs in one millisecond than can be
    /// told apart, and the host's error.
    pub fn next(&mut self, millis: i64) -> Result<Uuid> {
        ensure!(
            (0..=MAX_MILLIS).contains(&millis),
            "a time of {millis} milliseconds since 1970 does not fit a UUID of version 7"
        );
        self.counter = if millis == self.millis { self.counter + 1 } else { 0 };
        self.millis = millis;
        ensure!(self.counter < COUNTER_LIMIT, "more than {COUNTER_LIMIT} rows have the same time");
        if self.random.is_empty() {
            self.random = host::random_bytes((UUIDS_A_CALL * RANDOM_BYTES) as u32)?;
        }
        let rest = self.random.split_off(self.random.len() - RANDOM_BYTES);
        Ok(assemble(millis as u64, self.counter, &rest))
    }
}

/// 48 bits of time, the version, 12 bits of the counter, the variant, its other 14
/// bits and 48 random bits.
fn assemble(millis: u64, counter: u32, random: &[u8]) -> Uuid {
    let high = millis << 16 | 0x7000 | u64::from(counter >> 14);
    let low = random.iter().fold(0, |low, byte| low << 8 | u64::from(*byte));
    let low = 0b10 << 62 | u64::from(counter & 0x3fff) << 48 | low;
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&low.to_be_bytes());
    Uuid(bytes)
}

#[cfg(test)]
mod tests {
    use plugin_sdk::mock::Mock;

    use super::*;

    /// The time of RFC 9562, appendix A.6.
    const MILLIS: i64 = 0x017f_22e2_79b0;

    #[test]
    fn time_version_counter_and_variant_are_where_they_belong() {
        let uuid = assemble(MILLIS as u64, 0, &[0xff; 6]);
        assert_eq!(uuid.to_string(), "017f22e2-79b0-7000-8000-ffffffffffff");
        let last = assemble(MILLIS as u64, COUNTER_LIMIT - 1, &[0; 6]);
        assert_eq!(last.to_string(), "017f22e2-79b0-7fff-bfff-000000000000");
    }

    #[test]
    fn they_sort_by_time_and_then_as_they_were_made() {
        let mock = Mock::new();
        mock.grant_random();
        let mut maker = Maker::default();
        let times = (0..20_000).map(|number| MILLIS + number / 9_000);
        let made: Vec<Uuid> = times.map(|millis| maker.next(millis).expect("is made")).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn times_out_of_range_are_refused() {
        let error = Maker::default().next(-1).expect_err("before 1970").to_string();
        assert_eq!(error, "a time of -1 milliseconds since 1970 does not fit a UUID of version 7");
        assert!(Maker::default().next(MAX_MILLIS + 1).is_err());
    }
}
