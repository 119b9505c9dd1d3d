//! Random numbers that can be had again: who knows the seed gets the same ones.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The variable that repeats a run's choices.
pub const SEED: &str = "RUNNER_STORM_SEED";

/// A sequence of random numbers (SplitMix64, by Guy Steele, Doug Lea and
/// Christine Flood, 2014).
pub struct Chance(u64);

impl Chance {
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A time from nothing up to `most`.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).expect("it is short").max(1);
        Duration::from_micros(self.next() % most)
    }
}

/// The seed of this run: the one that was asked for, or another one each time.
pub fn seed() -> u64 {
    match std::env::var(SEED) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{SEED}={text:?} is no number")),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs(),
    }
}
