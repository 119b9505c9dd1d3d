//! What the session does while the guest computes: it fetches a reader's next
//! rows, and sends a writer's full buffer.
//!
//! One task a call does the jobs one after the other and holds the session's
//! lock meanwhile. The host waits for all of them before it sends anything else
//! ([`Work::catch_up`]), so that statements never interleave and an error is
//! known before the next statement is sent. It belongs to the reader or writer
//! whose job it was, and the guest gets it at its next call of that one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::bindings::types;
use super::reader::Query;
use super::state::Fault;
use super::work::{Remembered, Sent, Work};
use crate::db::{CursorId, DbError, Observed, SharedSession, Tuples};

/// The command tag of a fetch.
pub(super) const FETCHED: &[&str] = &["FETCH"];
/// The command tag of a COPY.
pub(super) const COPIED: &[&str] = &["COPY"];

/// Something to do.
pub(super) enum Job {
    /// Fetch the next rows of a reader.
    Fetch { reader: u32, cursor: CursorId, rows: u32 },
    /// Ask how many rows a reader's query has, about.
    Estimate { reader: u32, query: Arc<Query> },
    /// Send what a writer holds.
    Copy { writer: u32, table: String, columns: Vec<String>, tuples: Bytes },
}

/// What became of a job.
pub(super) enum Outcome {
    /// The rows of [`Job::Fetch`].
    Fetched { reader: u32, asked: u32, answer: Result<Tuples, DbError> },
    /// The answer to [`Job::Estimate`].
    Estimated { reader: u32, answer: Result<Option<u64>, DbError> },
    /// The number of rows of [`Job::Copy`].
    Copied { writer: u32, bytes: u64, answer: Result<u64, DbError> },
    /// It was not begun: a job before it failed.
    Skipped(Job),
}

impl Outcome {
    fn is_failure(&self) -> bool {
        match self {
            Self::Fetched { answer, .. } => answer.is_err(),
            Self::Estimated { answer, .. } => answer.is_err(),
            Self::Copied { answer, .. } => answer.is_err(),
            Self::Skipped(_) => true,
        }
    }
}

/// The end of a job.
struct Done {
    outcome: Outcome,
    /// What the server said of the session then.
    observed: Option<Observed>,
}

/// An error of a job, until the guest calls the reader or writer that it
/// belongs to.
pub(super) struct Late {
    told: Box<types::Error>,
    remembered: Remembered,
}

/// The jobs that were begun and not looked at since.
#[derive(Default)]
pub(super) struct Ahead {
    crew: Option<Crew>,
    outstanding: usize,
    /// How many of them are of the kind [`Job::Copy`].
    copies: usize,
}

/// The task, and the ways to it and back.
struct Crew {
    jobs: UnboundedSender<Job>,
    done: UnboundedReceiver<Done>,
    /// Whether a job failed: those after it are not begun.
    failed: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Drop for Crew {
    /// Whoever drops a call has the session for itself as soon as it has the
    /// lock: nothing is begun any more.
    fn drop(&mut self) {
        self.failed.store(true, Ordering::Release);
        self.task.abort();
    }
}

impl Crew {
    fn start(session: SharedSession) -> Self {
        let (jobs, waiting) = unbounded_channel();
        let (finished, done) = unbounded_channel();
        let failed = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(work(session, waiting, finished, Arc::clone(&failed)));
        Self { jobs, done, failed, task }
    }
}

async fn work(
    session: SharedSession,
    mut waiting: UnboundedReceiver<Job>,
    finished: UnboundedSender<Done>,
    failed: Arc<AtomicBool>,
) {
    while let Some(job) = waiting.recv().await {
        let done = perform(&session, job, &failed).await;
        if done.outcome.is_failure() {
            failed.store(true, Ordering::Release);
        }
        if finished.send(done).is_err() {
            return;
        }
    }
}

async fn perform(session: &SharedSession, job: Job, failed: &AtomicBool) -> Done {
    let mut session = session.lock().await;
    if failed.load(Ordering::Acquire) {
        return Done { outcome: Outcome::Skipped(job), observed: None };
    }
    let outcome = match job {
        Job::Fetch { reader, cursor, rows } => {
            Outcome::Fetched { reader, asked: rows, answer: session.fetch(cursor, rows).await }
        }
        Job::Estimate { reader, query } => {
            let answer = session.estimate(query.checked.text(), &query.prepared, &query.params).await;
            Outcome::Estimated { reader, answer }
        }
        Job::Copy { writer, table, columns, tuples } => {
            let bytes = tuples.len() as u64;
            Outcome::Copied { writer, bytes, answer: session.copy_in(&table, &columns, tuples).await }
        }
    };
    Done { outcome, observed: session.observed() }
}

impl Ahead {
    /// Whether a COPY is under way or waits.
    pub(super) fn is_copying(&self) -> bool {
        self.copies > 0
    }

    /// Adds a job to those that are outstanding.
    pub(super) fn submit(&mut self, session: &SharedSession, job: Job) {
        let crew = self.crew.get_or_insert_with(|| Crew::start(Arc::clone(session)));
        if self.outstanding == 0 {
            crew.failed.store(false, Ordering::Release);
        }
        self.copies += usize::from(matches!(job, Job::Copy { .. }));
        // Where the task has ended, the channel of its answers says so.
        if crew.jobs.send(job).is_ok() {
            self.outstanding += 1;
        }
    }

    /// Gives up what is outstanding, as at the end of a call that failed.
    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    fn finished(&mut self, done: &Done) {
        self.outstanding -= 1;
        let is_copy = matches!(&done.outcome, Outcome::Copied { .. } | Outcome::Skipped(Job::Copy { .. }));
        self.copies -= usize::from(is_copy);
    }

    /// The end of the next job, if one has ended.
    fn ended(&mut self) -> Option<Done> {
        let done = self.crew.as_mut()?.done.try_recv().ok()?;
        self.finished(&done);
        Some(done)
    }

    /// Waits for the end of the next job; none where nothing is outstanding. The
    /// error says that the task is gone.
    async fn next(&mut self) -> Option<Result<Done, DbError>> {
        if self.outstanding == 0 {
            return None;
        }
        match self.crew.as_mut()?.done.recv().await {
            Some(done) => {
                self.finished(&done);
                Some(Ok(done))
            }
            None => {
                self.stop();
                Some(Err(DbError::Connection("the task that works ahead has ended".into())))
            }
        }
    }
}

impl Work {
    /// Waits for everything that is outstanding. What is sent after it finds the
    /// session as if it had waited for each.
    pub(super) async fn catch_up(&mut self) {
        while self.catch_up_by_one().await {}
    }

    /// Waits for the end of one job; false where nothing is outstanding.
    pub(super) async fn catch_up_by_one(&mut self) -> bool {
        match self.ahead.next().await {
            None => false,
            Some(Ok(done)) => {
                self.take_note(done);
                true
            }
            Some(Err(gone)) => {
                // The condition says the rest.
                let _ = self.noted::<()>(Err(gone), Sent::whole(""));
                false
            }
        }
    }

    /// Takes note of the jobs that have ended, without waiting.
    pub(super) fn look_back(&mut self) {
        while let Some(done) = self.ahead.ended() {
            self.take_note(done);
        }
    }

    fn take_note(&mut self, done: Done) {
        let Done { outcome, observed } = done;
        match outcome {
            Outcome::Fetched { reader, asked, answer } => {
                let query = self.query_of(reader);
                let answer = self.as_expected(answer, observed, FETCHED, sent_of(query.as_deref()));
                let answer = answer.map_err(|fault| self.late(fault));
                if let Some(reader) = self.readers.get_mut(&reader) {
                    reader.has_fetched(asked, answer);
                }
            }
            Outcome::Estimated { reader, answer } => {
                let query = self.query_of(reader);
                let answer = self.noted_without_place(answer, sent_of(query.as_deref()));
                let answer = answer.map_err(|fault| self.late(fault));
                if let Some(reader) = self.readers.get_mut(&reader) {
                    reader.has_estimated(answer);
                }
            }
            Outcome::Copied { writer, bytes, answer } => self.has_copied(writer, bytes, answer, observed),
            Outcome::Skipped(Job::Fetch { reader, .. }) => {
                if let Some(reader) = self.readers.get_mut(&reader) {
                    reader.has_not_fetched();
                }
            }
            Outcome::Skipped(Job::Copy { writer, .. }) if self.usable().is_ok() => {
                self.has_not_copied(writer)
            }
            Outcome::Skipped(Job::Estimate { .. } | Job::Copy { .. }) => {}
        }
    }

    /// Keeps an error for the reader or writer that it belongs to. None where a
    /// trap follows by itself.
    pub(super) fn late(&self, fault: Fault) -> Option<Late> {
        let Fault::Answer(told) = fault else { return None };
        Some(Late { told, remembered: self.last_error_as_told()? })
    }

    /// Gives the guest an error that it was owed.
    pub(super) fn delivered(&mut self, late: Late) -> Fault {
        self.remember_again(late.remembered);
        Fault::Answer(late.told)
    }
}

fn sent_of(query: Option<&Query>) -> Sent<'_> {
    query.map_or(Sent::whole(""), Query::sent)
}
