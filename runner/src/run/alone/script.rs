//! The statements of a step without a transaction, and how far they are done.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::db::DbError;
use crate::host::FailedStatement;
use crate::ledger::{StatementLine, StatementRecord};
use crate::plan::Step;
use crate::policy::{Checked, Course, PolicyError, course};
use crate::revision::Digest;

use super::ResumeError;

/// How much of a statement's old text an error repeats, in characters.
const EXCERPT: usize = 120;

/// The statements of one step, checked and ready to be sent.
#[derive(Debug)]
pub(in crate::run) struct Script {
    text: String,
    lines: Vec<Line>,
    /// How many are done, for whoever tells of a failure.
    done: AtomicUsize,
}

/// One statement.
#[derive(Debug)]
pub(in crate::run) struct Line {
    pub(in crate::run) checked: Checked,
    pub(in crate::run) course: Course,
    digest: Digest,
}

/// Where a script goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::run) struct Resumed {
    /// How many statements are done.
    pub(in crate::run) done: usize,
    /// How many rows they touched.
    pub(in crate::run) rows: u64,
    /// How long they took, in milliseconds.
    pub(in crate::run) duration_ms: u64,
    /// The statement of which nobody knows what became of it.
    pub(in crate::run) in_doubt: Option<StatementRecord>,
}

impl Script {
    /// Makes it from a script's text and its statements, which were checked.
    pub(in crate::run) fn new(text: &str, checked: Vec<Checked>) -> Result<Self, PolicyError> {
        let line = |checked: Checked| {
            let digest = Digest::of(checked.source().replace("\r\n", "\n").as_bytes());
            course(checked.text()).map(|course| Line { checked, course, digest })
        };
        let lines = checked.into_iter().map(line).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), lines, done: AtomicUsize::new(0) })
    }

    /// The whole text.
    pub(in crate::run) fn text(&self) -> &str {
        &self.text
    }

    pub(in crate::run) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// How many statements are done, and how many there are.
    pub(in crate::run) fn progress(&self) -> (usize, usize) {
        (self.done.load(Ordering::Relaxed), self.lines.len())
    }

    /// Takes note of how many statements are done.
    pub(super) fn note(&self, done: usize) {
        self.done.store(done, Ordering::Relaxed);
    }

    /// The SETs before a statement, which hold for it.
    pub(in crate::run) fn settings_before(&self, at: usize) -> impl Iterator<Item = &str> {
        let before = self.lines.iter().take(at);
        before.filter(|line| line.course == Course::Setting).map(|line| line.checked.text())
    }

    /// What a record says of a statement.
    pub(in crate::run) fn record<'a>(&'a self, step: &'a Step, at: usize) -> StatementLine<'a> {
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        StatementLine {
            revision: &step.revision,
            direction: step.direction,
            number: short(at + 1),
            total: short(self.lines.len()),
            digest: self.lines[at].digest,
            text: self.lines[at].checked.source(),
        }
    }

    /// Compares the records with the statements, and says where to go on.
    pub(in crate::run) fn resume(&self, records: &[StatementRecord]) -> Result<Resumed, ResumeError> {
        let mut resumed = Resumed::default();
        for record in records {
            if !record.is_done {
                resumed.in_doubt = Some(record.clone());
                continue;
            }
            if !self.is_same(record) {
                return Err(self.changed(record, "done"));
            }
            resumed.done += 1;
            resumed.rows += record.rows;
            resumed.duration_ms += record.duration_ms;
        }
        Ok(resumed)
    }

    /// Whether the statement of a record is there as it was.
    pub(super) fn is_same(&self, record: &StatementRecord) -> bool {
        self.line(record).is_some_and(|line| line.digest == record.digest)
    }

    /// Says that the statement of a record is not what it was; `state` is what
    /// became of it.
    pub(super) fn changed(&self, record: &StatementRecord, state: &'static str) -> ResumeError {
        let (number, total, was) = (record.number, self.lines.len(), excerpt(&record.text));
        match self.line(record) {
            Some(line) => {
                let position = characters(&self.text, line.checked.offset());
                ResumeError::Changed { number, total, state, was, position }
            }
            None => ResumeError::Gone { number, total, state, was },
        }
    }

    fn line(&self, record: &StatementRecord) -> Option<&Line> {
        self.lines.get(usize::try_from(record.number).ok()?.checked_sub(1)?)
    }

    /// What a statement's error is in the whole script. One without a place is
    /// that of the statement.
    pub(super) fn failed(&self, at: usize, error: DbError) -> Box<FailedStatement> {
        let checked = &self.lines[at].checked;
        let start = characters(&self.text, checked.offset());
        let place = |position: u32| checked.place_of(position).map(|within| start + within - 1);
        let within = match &error {
            DbError::Server(server) => server.position.and_then(place),
            _ => None,
        };
        Box::new(FailedStatement {
            text: self.text.clone(),
            index: Some((at + 1, self.lines.len())),
            error: error.into(),
            position: Some(within.unwrap_or(start)),
        })
    }
}

/// A byte offset as PostgreSQL counts: in characters from 1.
fn characters(text: &str, offset: usize) -> u32 {
    let before = text.get(..offset).unwrap_or(text);
    u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX)
}

/// The beginning of a statement as one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::revision::TransactionMode;

    fn script(text: &str) -> Script {
        let checked = Policy::unrestricted().wrapped(TransactionMode::None).statements(text);
        Script::new(text, checked.expect("is let through")).expect("is read")
    }

    fn records(text: &str, done: usize) -> Vec<StatementRecord> {
        let script = script(text);
        let record = |(number, line): (u32, &Line)| StatementRecord {
            number,
            digest: line.digest,
            text: line.checked.source().to_owned(),
            is_done: number as usize <= done,
            rows: 2,
            duration_ms: 3,
        };
        (1..).zip(&script.lines).take(done + 1).map(record).collect()
    }

    const TEXT: &str =
        "SET lock_timeout = '1min';\n\nVACUUM t;\nCREATE INDEX CONCURRENTLY i ON t (a);\nSELECT 1;\n";

    #[test]
    fn a_script_goes_on_after_the_last_statement_that_is_done() {
        let resumed = script(TEXT).resume(&records(TEXT, 2)).expect("goes on");
        assert_eq!((resumed.done, resumed.rows, resumed.duration_ms), (2, 4, 6));
        assert_eq!(resumed.in_doubt.expect("the third").number, 3);
        assert_eq!(script(TEXT).resume(&[]), Ok(Resumed::default()));
    }

    #[test]
    fn what_was_not_run_may_be_edited_and_comments_and_line_ends_anywhere() {
        let edited = TEXT.replace("SELECT 1", "SELECT 2; SELECT 3");
        assert_eq!(script(&edited).resume(&records(TEXT, 3)).expect("goes on").done, 3);
        let edited = TEXT.replace("VACUUM t;", "-- a reason\r\nVACUUM t;");
        assert_eq!(script(&edited).resume(&records(TEXT, 3)).expect("goes on").done, 3);
    }

    #[test]
    fn an_edited_statement_that_was_done_is_named_with_its_place() {
        let edited = TEXT.replace("VACUUM t", "VACUUM FULL t");
        let error = script(&edited).resume(&records(TEXT, 3)).expect_err("it was edited");
        assert_eq!(error.to_string(), "statement 2 of 4 was edited after it was done; it was: VACUUM t");
        assert_eq!(error.position(), Some(29));
        let shorter = "SET lock_timeout = '1min'";
        let error = script(shorter).resume(&records(TEXT, 2)).expect_err("it is gone");
        assert_eq!(error.to_string(), "statement 2 was done, and the script now has 1; it was: VACUUM t");
    }

    #[test]
    fn the_settings_before_a_statement_hold_for_it() {
        let script = script("SET a.b = 1; SELECT 1; RESET a.b; SELECT 2");
        assert_eq!(script.settings_before(1).collect::<Vec<_>>(), ["SET a.b = 1"]);
        assert_eq!(script.settings_before(3).collect::<Vec<_>>(), ["SET a.b = 1", "RESET a.b"]);
    }
}
