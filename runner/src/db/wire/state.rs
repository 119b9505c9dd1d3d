//! What the guard saw last, shared with the session.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use super::WireError;
use super::notices::{Admitted, Notices};
use super::traffic::LastMoved;
use crate::revision::{Redactor, RevisionId};

/// How many parameters a server may report. PostgreSQL 18 reports 15; a
/// reported one can be added by a library that the server loads only.
const MOST_PARAMETERS: usize = 256;
/// How many tags of one answer are kept: the last ones.
const MOST_TAGS: usize = 64;
/// How large one frame may be where nobody said, in bytes: a component of
/// 64 MiB as hexadecimal digits fits twice.
const FRAME_LIMIT: u64 = 256 * 1024 * 1024;

/// Where a session stands, as every ReadyForQuery message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    /// In no transaction.
    Idle,
    /// In a transaction block.
    InTransaction,
    /// In a transaction block that has failed: the server refuses everything
    /// but its end, and rolls back at COMMIT.
    Failed,
}

/// What a session's server said last, at the cost of no question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Where the session stands after the last answer.
    pub status: TransactionStatus,
    /// The command tags of the last request in the order of its statements; see
    /// PostgreSQL's manual, "Message Formats", CommandComplete. Empty if it
    /// completed none. Of more than 64 the last ones.
    pub tags: Vec<String>,
    /// The user that the session has (`session_authorization`), if the server
    /// reports it. A change of the current role is not reported.
    pub user: Option<String>,
}

impl Observed {
    /// The tag of the last statement.
    pub fn tag(&self) -> Option<&str> {
        self.tags.last().map(String::as_str)
    }
}

/// What is shared between the guard of a connection and its session.
#[derive(Debug)]
pub(in crate::db) struct Wire {
    /// Whether an answer has begun and not ended.
    answering: AtomicBool,
    /// Whether nothing will come any more.
    ended: AtomicBool,
    changed: Notify,
    fault: OnceLock<WireError>,
    /// In bytes; `u64::MAX` is none.
    frame_limit: AtomicU64,
    /// In bytes; `u64::MAX` is none.
    result_limit: AtomicU64,
    /// Whether the session has asked for a COPY and serves it.
    copy: AtomicBool,
    seen: Mutex<Seen>,
    notices: Mutex<Notices>,
    redactor: Mutex<Redactor>,
    subject: Mutex<Subject>,
    /// When bytes passed last.
    pub(super) moved: LastMoved,
}

/// What the server's notices are about: a step, and the span in which it runs.
#[derive(Clone, Debug, Default)]
pub(in crate::db) struct Subject {
    pub(in crate::db) revision: Option<RevisionId>,
    /// Not the span itself: it would not end before the connection does.
    pub(in crate::db) span: Option<tracing::Id>,
}

#[derive(Debug, Default)]
struct Seen {
    status: Option<TransactionStatus>,
    tags: Vec<String>,
    /// Whether the tags are those of an answer that has ended.
    complete: bool,
    parameters: BTreeMap<String, String>,
    process: Option<i32>,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            answering: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            changed: Notify::new(),
            fault: OnceLock::new(),
            frame_limit: AtomicU64::new(FRAME_LIMIT),
            result_limit: AtomicU64::new(u64::MAX),
            copy: AtomicBool::new(false),
            seen: Mutex::default(),
            notices: Mutex::default(),
            redactor: Mutex::default(),
            subject: Mutex::default(),
            moved: LastMoved::default(),
        }
    }
}

/// A panic elsewhere leaves no value half written here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For the session.
impl Wire {
    /// What came back last; none before the server was ready for the first time.
    pub(in crate::db) fn observed(&self) -> Option<Observed> {
        let seen = locked(&self.seen);
        Some(Observed {
            status: seen.status?,
            tags: seen.tags.clone(),
            user: seen.parameters.get("session_authorization").cloned(),
        })
    }

    /// What is to be kept out of the log.
    pub(in crate::db) fn set_redactor(&self, redactor: Redactor) {
        *locked(&self.redactor) = redactor;
    }

    /// A text of the server's, as it may be logged.
    pub(in crate::db) fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        locked(&self.redactor).hide(text)
    }

    /// From now on notices are about a step.
    pub(in crate::db) fn set_subject(&self, revision: RevisionId) {
        *locked(&self.subject) = Subject { revision: Some(revision), span: tracing::Span::current().id() };
    }

    pub(in crate::db) fn subject(&self) -> Subject {
        locked(&self.subject).clone()
    }

    /// A parameter as the server reported it last.
    pub(in crate::db) fn parameter(&self, name: &str) -> Option<String> {
        locked(&self.seen).parameters.get(name).cloned()
    }

    /// The server's process that serves this connection.
    pub(in crate::db) fn process(&self) -> Option<i32> {
        locked(&self.seen).process
    }

    /// Why the guard ended the connection, if it did.
    pub(in crate::db) fn fault(&self) -> Option<WireError> {
        self.fault.get().cloned()
    }

    /// A request begins: the tags of the one before are forgotten.
    pub(in crate::db) fn begin_request(&self) {
        locked(&self.seen).tags.clear();
    }

    /// A step begins: notices are admitted again, and whatever COPY the step
    /// before it gave up is over.
    pub(in crate::db) fn begin_step(&self) {
        *locked(&self.notices) = Notices::default();
        self.expect_copy(false);
    }

    /// Whether a notice of so many bytes is passed on.
    pub(in crate::db) fn admit(&self, bytes: usize) -> Admitted {
        locked(&self.notices).admit(bytes)
    }

    /// Limits one frame, in bytes.
    pub(in crate::db) fn set_frame_limit(&self, bytes: Option<u64>) {
        self.frame_limit.store(bytes.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Limits the rows of one statement, in bytes.
    pub(in crate::db) fn set_result_limit(&self, bytes: Option<u64>) {
        self.result_limit.store(bytes.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Says whether a COPY is asked for, and served, now.
    pub(in crate::db) fn expect_copy(&self, expected: bool) {
        self.copy.store(expected, Ordering::Release);
    }

    /// Waits until the answer that has begun has ended, or the connection has:
    /// the driver returns an error as soon as it has it, and the status comes
    /// after it.
    pub(in crate::db) async fn settled(&self) {
        while self.is_answering() {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // What changed until here is seen by the second look, and what
            // changes after it wakes us.
            changed.as_mut().enable();
            if self.is_answering() {
                changed.await;
            }
        }
    }

    fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Acquire) && !self.ended.load(Ordering::Acquire)
    }
}

/// For the guard.
impl Wire {
    pub(super) fn frame_limit(&self) -> u64 {
        self.frame_limit.load(Ordering::Relaxed)
    }

    pub(super) fn result_limit(&self) -> u64 {
        self.result_limit.load(Ordering::Relaxed)
    }

    pub(super) fn is_copy_expected(&self) -> bool {
        self.copy.load(Ordering::Acquire)
    }

    pub(super) fn answer_begins(&self) {
        self.answering.store(true, Ordering::Release);
    }

    pub(super) fn answer_ends(&self, status: TransactionStatus) {
        {
            let mut seen = locked(&self.seen);
            seen.status = Some(status);
            seen.complete = true;
        }
        self.answering.store(false, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(super) fn completed(&self, tag: &str) {
        let mut seen = locked(&self.seen);
        if std::mem::take(&mut seen.complete) {
            seen.tags.clear();
        }
        if seen.tags.len() == MOST_TAGS {
            seen.tags.remove(0);
        }
        seen.tags.push(tag.to_owned());
    }

    pub(super) fn reported(&self, name: &str, value: &str) -> Result<(), WireError> {
        let parameters = &mut locked(&self.seen).parameters;
        if let Some(old) = parameters.get_mut(name) {
            value.clone_into(old);
        } else if parameters.len() == MOST_PARAMETERS {
            return Err(WireError::TooManyParameters { limit: MOST_PARAMETERS });
        } else {
            parameters.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    pub(super) fn served_by(&self, process: i32) {
        locked(&self.seen).process = Some(process);
    }

    /// The connection ends, with or without a fault. The first fault counts.
    pub(super) fn end(&self, fault: Option<WireError>) {
        if let Some(fault) = fault {
            let _ = self.fault.set(fault);
        }
        self.ended.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }
}
