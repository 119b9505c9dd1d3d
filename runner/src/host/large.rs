//! What is said before many rows of a large table are changed.

use super::meter::{grouped, rows_in_words};
use super::work::Work;
use crate::bulk::Target;

/// What a bulk writer is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LargeChange {
    /// Rows are changed by their key.
    Update { lock_out_writers: bool },
    /// Rows are inserted, or changed by their key.
    Upsert { lock_out_writers: bool },
    /// Rows are deleted by their key.
    Delete { lock_out_writers: bool },
    /// All rows are replaced.
    Rewrite,
}

impl LargeChange {
    /// How many rows a second are reckoned with, at least and at most: rows of
    /// 100 to 200 bytes with a primary key and two indexes, on one machine with a
    /// local disk. Orders of magnitude and no promise. Of a rewrite the refill and
    /// the indexes are meant.
    fn rows_a_second(self) -> (u64, u64) {
        match self {
            Self::Update { .. } | Self::Upsert { .. } => (50_000, 250_000),
            Self::Delete { .. } => (200_000, 1_000_000),
            Self::Rewrite => (150_000, 700_000),
        }
    }

    /// Who waits, from when, and until when.
    fn locks(self) -> &'static str {
        match self {
            Self::Update { lock_out_writers: false } | Self::Delete { lock_out_writers: false } => {
                "Rows are locked against writers of other sessions as they are applied, when the writer is finished, \
                 and stay locked to the end of the transaction; nobody waits to read"
            }
            Self::Upsert { lock_out_writers: false } => {
                "Rows and their keys are locked against writers of other sessions as they are applied, when the \
                 writer is finished, and stay locked to the end of the transaction; nobody waits to read"
            }
            Self::Update { .. } | Self::Upsert { .. } | Self::Delete { .. } => {
                "Writers of other sessions wait from now to the end of the transaction (SHARE ROW EXCLUSIVE); nobody \
                 waits to read"
            }
            Self::Rewrite => {
                "Writers of other sessions wait from now to the end of the transaction (SHARE ROW EXCLUSIVE), and \
                 readers too from the moment the writer is finished (ACCESS EXCLUSIVE)"
            }
        }
    }

    /// The share of the waiting that can be reckoned.
    fn reckoned(self) -> &'static str {
        match self {
            Self::Update { lock_out_writers: false }
            | Self::Upsert { lock_out_writers: false }
            | Self::Delete { lock_out_writers: false } => "If all rows are changed, that is",
            Self::Update { .. } | Self::Upsert { .. } | Self::Delete { .. } => {
                "Beside the time that the migration takes for its rows, if all are changed, that is"
            }
            Self::Rewrite => "For readers that is",
        }
    }
}

/// The warning before a change of a table of about `rows` rows; none where these
/// are fewer than `threshold`.
pub(super) fn before_large_change(
    change: LargeChange,
    table: &str,
    rows: u64,
    threshold: u64,
) -> Option<String> {
    if rows < threshold {
        return None;
    }
    let (slowest, fastest) = change.rows_a_second();
    let shortest = duration_in_words(rows / fastest);
    let longest = duration_in_words(rows.div_ceil(slowest));
    Some(format!(
        "{table} has about {} by the server's statistics. {}. {} about {shortest} to {longest}, reckoned at {} to {} \
         rows a second, as on one machine with a local disk and two indexes; wide rows, more indexes, triggers and \
         slow disks take longer. (From {} rows on this is said; see `[data] large_table_rows` in runner.toml.)",
        rows_in_words(rows),
        change.locks(),
        change.reckoned(),
        grouped(slowest),
        grouped(fastest),
        grouped(threshold),
    ))
}

/// Seconds as people say them, rounded.
fn duration_in_words(seconds: u64) -> String {
    match seconds {
        0..=1 => "1 second".to_owned(),
        2..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds.div_ceil(60)),
        seconds => format!("{} hours", seconds.div_ceil(3_600)),
    }
}

impl Work {
    /// Warns of a change of a large table, before anything of it is locked; once
    /// a table, however often the migration opens it.
    pub(super) fn warn_of_size(&mut self, change: LargeChange, target: &Target) {
        let rows = target.estimated_rows.unwrap_or(0);
        let warning = before_large_change(change, &target.label(), rows, self.data.large_table_rows);
        if let Some(warning) = warning
            && self.warned_of.insert(target.label())
        {
            self.meter.warn(&warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT_OUT: bool = true;

    fn warning(change: LargeChange, rows: u64) -> Option<String> {
        before_large_change(change, "public.users", rows, 1_000_000)
    }

    #[test]
    fn small_tables_are_not_spoken_of() {
        assert_eq!(warning(LargeChange::Rewrite, 999_999), None);
        assert!(warning(LargeChange::Rewrite, 1_000_000).is_some());
        assert!(before_large_change(LargeChange::Rewrite, "t", 0, 0).is_some(), "0 means always");
    }

    #[test]
    fn a_change_by_key_locks_rows() {
        let change = LargeChange::Update { lock_out_writers: !KEPT_OUT };
        insta::assert_snapshot!(warning(change, 12_000_000).expect("a warning"), @"public.users has about 12,000,000 rows by the server's statistics. Rows are locked against writers of other sessions as they are applied, when the writer is finished, and stay locked to the end of the transaction; nobody waits to read. If all rows are changed, that is about 48 seconds to 4 minutes, reckoned at 50,000 to 250,000 rows a second, as on one machine with a local disk and two indexes; wide rows, more indexes, triggers and slow disks take longer. (From 1,000,000 rows on this is said; see `[data] large_table_rows` in runner.toml.)");
    }

    #[test]
    fn writers_may_be_locked_out() {
        let text = warning(LargeChange::Delete { lock_out_writers: KEPT_OUT }, 5_000_000).expect("a warning");
        assert!(text.contains("wait from now to the end of the transaction (SHARE ROW EXCLUSIVE)"), "{text}");
        assert!(text.contains("about 5 seconds to 25 seconds"), "{text}");
        assert!(!text.contains("ACCESS EXCLUSIVE"), "{text}");
    }

    #[test]
    fn a_rewrite_locks_readers_too() {
        let text = warning(LargeChange::Rewrite, 3_000_000_000).expect("a warning");
        assert!(
            text.contains("readers too from the moment the writer is finished (ACCESS EXCLUSIVE)"),
            "{text}"
        );
        assert!(text.contains("72 minutes to 6 hours"), "{text}");
    }

    #[test]
    fn an_upsert_locks_keys_that_are_not_there_yet() {
        let text =
            warning(LargeChange::Upsert { lock_out_writers: !KEPT_OUT }, 1_000_000).expect("a warning");
        assert!(text.contains("Rows and their keys are locked"), "{text}");
        assert!(text.contains("about 4 seconds to 20 seconds"), "{text}");
    }
}
