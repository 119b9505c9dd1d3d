//! Measuring two things side by side.

use std::time::{Duration, Instant};

/// How long something takes.
pub fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// The median.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Runs two things in turns, so that what else the machine does meets both, and
/// returns the medians.
pub fn in_turns(rounds: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (Duration, Duration) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        a.push(time(&mut ours));
        b.push(time(&mut theirs));
    }
    (median(a), median(b))
}

/// Prints one line of the table.
pub fn ratio(what: &str, ours: Duration, theirs: Duration, limit: f64) {
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let verdict = if ratio <= limit { "ok" } else { "OVER" };
    println!(
        "{what:<58} {:>10} {:>10}  {ratio:>5.2} (at most {limit}) {verdict}",
        shown(ours),
        shown(theirs)
    );
}

/// A time as people read it.
pub fn shown(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros} µs"),
        micros @ 1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1_000.0),
        micros => format!("{:.2} s", micros as f64 / 1_000_000.0),
    }
}
