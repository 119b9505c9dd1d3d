//! How far a migration is, as the host counts it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::call::{Progress, Sink};

/// A call that is over by then is not spoken of.
const PATIENCE: Duration = Duration::from_millis(500);
/// The time between two reports.
const BETWEEN: Duration = Duration::from_millis(100);
/// The time between two words on work of which nobody knows how far it is.
const BEAT: Duration = Duration::from_secs(1);
/// From how many rows on it takes a while to apply them.
const MANY_ROWS: u64 = 10_000;

/// Reports now and then, and not at all where the migration does it by itself.
pub(super) struct Meter {
    sink: Arc<dyn Sink>,
    due: Instant,
    has_spoken: bool,
    silent: bool,
}

impl Meter {
    pub(super) fn new(sink: Arc<dyn Sink>) -> Self {
        Self { sink, due: Instant::now() + PATIENCE, has_spoken: false, silent: false }
    }

    /// The migration reports by itself: its word counts from now on.
    pub(super) fn silence(&mut self) {
        self.silent = true;
    }

    /// Whether it is time for a report.
    pub(super) fn is_due(&self) -> bool {
        self.is_due_at(Instant::now())
    }

    fn is_due_at(&self, now: Instant) -> bool {
        !self.silent && now >= self.due
    }

    /// Tells what is so now; the next report is due some time later.
    pub(super) fn report(&mut self, progress: Progress<'_>) {
        self.report_at(progress, Instant::now());
    }

    fn report_at(&mut self, progress: Progress<'_>, now: Instant) {
        if !self.silent {
            self.due = now + BETWEEN;
            self.has_spoken = true;
            self.sink.progress(progress);
        }
    }

    /// Tells something that is no progress.
    pub(super) fn warn(&self, message: &str) {
        self.sink.warning(message);
    }

    /// What was counted has come to its end: now the total is known. Said at
    /// once, but only if there was a word of it before.
    pub(super) fn end(&mut self, what: &str, done: u64) {
        if self.has_spoken {
            self.report(Progress { what: Some(what), done, total: Some(done), estimated: false });
        }
    }

    /// The server applies rows that wait in a temporary table, until what is
    /// returned is dropped. It does not tell how far it is; that it is at work is
    /// said now and then, even where the migration counts by itself.
    pub(super) fn applying(&mut self, rows: u64, table: &str) -> Option<Beat> {
        if rows < MANY_ROWS {
            return None;
        }
        self.due = Instant::now() + BETWEEN;
        self.has_spoken = true;
        let what = format!("applying {} to {}", rows_in_words(rows), plain(table));
        self.sink.progress(at_work(&what));
        Some(Beat::start(Arc::clone(&self.sink), what))
    }
}

/// Says the same again while nobody knows how far the work is.
pub(super) struct Beat(JoinHandle<()>);

impl Beat {
    fn start(sink: Arc<dyn Sink>, what: String) -> Self {
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                sink.progress(at_work(&what));
            }
        }))
    }
}

fn at_work(what: &str) -> Progress<'_> {
    Progress { what: Some(what), done: 0, total: None, estimated: false }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A name as SQL spells it, without its quotes: for people.
pub(super) fn plain(table: &str) -> String {
    table.replace('"', "")
}

/// `1 row`, `1,000,000 rows`.
pub(super) fn rows_in_words(rows: u64) -> String {
    match rows {
        1 => "1 row".to_owned(),
        rows => format!("{} rows", grouped(rows)),
    }
}

/// A number with its digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::host::LogLevel;

    #[derive(Default)]
    struct Heard(Mutex<Vec<(u64, Option<u64>)>>);

    impl Sink for Heard {
        fn log(&self, _: LogLevel, _: &str) {}

        fn progress(&self, progress: Progress<'_>) {
            self.0.lock().expect("no panic").push((progress.done, progress.total));
        }

        fn warning(&self, _: &str) {}
    }

    fn meter() -> (Meter, Arc<Heard>) {
        let heard = Arc::new(Heard::default());
        (Meter::new(Arc::clone(&heard) as Arc<dyn Sink>), heard)
    }

    fn read(done: u64) -> Progress<'static> {
        Progress { what: Some("reading"), done, total: None, estimated: false }
    }

    #[test]
    fn it_speaks_after_a_while_and_then_ten_times_a_second() {
        let (mut meter, _) = meter();
        let first = meter.due;
        assert!(!meter.is_due_at(first - Duration::from_millis(1)));
        assert!(meter.is_due_at(first));
        meter.report_at(read(1), first);
        assert!(!meter.is_due_at(first + Duration::from_millis(99)));
        assert!(meter.is_due_at(first + Duration::from_millis(100)));
    }

    #[test]
    fn the_end_is_told_only_of_what_was_spoken_of() {
        let (mut meter, heard) = meter();
        meter.end("reading", 7);
        meter.report(read(5));
        meter.end("reading", 7);
        assert_eq!(*heard.0.lock().expect("no panic"), [(5, None), (7, Some(7))]);
    }

    #[test]
    fn a_migration_that_counts_by_itself_is_not_interrupted() {
        let (mut meter, heard) = meter();
        meter.silence();
        assert!(!meter.is_due_at(meter.due + Duration::from_secs(9)));
        meter.report(read(5));
        assert!(heard.0.lock().expect("no panic").is_empty());
    }

    #[test]
    fn numbers_are_read_by_people() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(rows_in_words(1), "1 row");
        assert_eq!(plain("\"public\".\"users\""), "public.users");
    }
}
