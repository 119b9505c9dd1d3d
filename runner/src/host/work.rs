//! The guest's work in the lent transaction: what is open, what failed, and
//! whether anything more may be sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ahead::Ahead;
use super::bindings::types;
use super::call::Sink;
use super::convert::{error_wit_to_plain, server_error_pg_to_wit};
use super::data::DataConfig;
use super::error::CallError;
use super::meter::Meter;
use super::reader::OpenReader;
use super::report::{FailedStatement, GuestError, StatementError};
use super::savepoint::OpenSavepoint;
use super::state::Fault;
use super::statements::Statements;
use super::writer::OpenWriter;
use crate::bulk::BulkError;
use crate::db::{DbError, Observed, ServerError, SharedSession, TransactionStatus};
use crate::policy::{Checked, Policy, PolicyError};

/// Everything that a call has under way in the transaction.
pub(super) struct Work {
    session: Option<SharedSession>,
    policy: Policy,
    /// Whom the session belonged to when it was lent.
    user: Option<String>,
    /// Numbers savepoints, readers and writers in the order in which they were
    /// opened; never used twice. What has a larger number than a savepoint
    /// ends with its rollback.
    last_id: u32,
    /// Outermost first.
    pub(super) savepoints: Vec<OpenSavepoint>,
    pub(super) readers: BTreeMap<u32, OpenReader>,
    pub(super) writers: BTreeMap<u32, OpenWriter>,
    /// The tables of writers that were dropped without `finish`.
    pub(super) unfinished: BTreeMap<u32, String>,
    /// The tables of which the operator has heard that they are large.
    pub(super) warned_of: BTreeSet<String>,
    pub(super) statements: Statements,
    /// What the session does while the guest computes.
    pub(super) ahead: Ahead,
    /// How far the readers and writers are, for the operator.
    pub(super) meter: Meter,
    pub(super) data: DataConfig,
    condition: Condition,
    last_error: Option<Remembered>,
    sent: u64,
    rows: u64,
}

/// Whether the transaction takes statements.
enum Condition {
    Usable,
    /// A statement failed; only rolling back to a savepoint helps.
    Aborted(Box<FailedStatement>),
    /// The connection is gone; nothing helps.
    Lost(String),
    /// The session is not what it has to be after the statement that was sent;
    /// nothing helps.
    Tampered(&'static str),
    /// A script is being written, and what the guest wants cannot be a part of
    /// it; nothing helps.
    Unrecordable(Box<FailedStatement>),
}

/// The last error, and what the guest was told of it: a guest that returns the
/// same error means this statement.
#[derive(Clone)]
pub(super) struct Remembered {
    failed: Box<FailedStatement>,
    told: GuestError,
    /// Whether the guest rolled back to a savepoint since: then it is no reason
    /// for anything any more, unless the guest returns it.
    dealt_with: bool,
}

/// A statement as a part of the text that the guest gave.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    /// The whole text.
    pub(super) text: &'a str,
    /// The statement in it, as it was checked; none for what the host itself
    /// sends.
    pub(super) checked: Option<&'a Checked>,
    /// Which statement of a script, and of how many; from 1.
    pub(super) index: Option<(usize, usize)>,
}

/// An answer of the session, and what the server said of the session with it.
macro_rules! observing {
    ($shared:expr, $session:ident => $call:expr) => {{
        let mut $session = $shared.lock().await;
        let answer = $call.await;
        (answer, $session.observed())
    }};
}
pub(super) use observing;

impl<'a> Sent<'a> {
    pub(super) fn whole(text: &'a str) -> Self {
        Self { text, checked: None, index: None }
    }

    /// The only statement of a text.
    pub(super) fn one(text: &'a str, checked: &'a Checked) -> Self {
        Self { text, checked: Some(checked), index: None }
    }

    /// A place in what was sent as a place in the whole text, both in characters
    /// from 1, if that is known.
    fn place(self, position: u32) -> Option<u32> {
        let Some(checked) = self.checked else { return Some(position) };
        let before = self.text[..checked.offset()].chars().count();
        let within = checked.place_of(position)?;
        Some(within.saturating_add(u32::try_from(before).unwrap_or(u32::MAX)))
    }
}

impl Work {
    pub(super) fn new(session: Option<SharedSession>, policy: Policy, sink: Arc<dyn Sink>) -> Self {
        Self {
            session,
            policy,
            user: None,
            last_id: 0,
            savepoints: Vec::new(),
            readers: BTreeMap::new(),
            writers: BTreeMap::new(),
            unfinished: BTreeMap::new(),
            warned_of: BTreeSet::new(),
            condition: Condition::Usable,
            last_error: None,
            sent: 0,
            statements: Statements::default(),
            ahead: Ahead::default(),
            meter: Meter::new(sink),
            data: DataConfig::default(),
            rows: 0,
        }
    }

    /// Takes note of whom the session belongs to, before the guest has it.
    pub(super) async fn note_user(&mut self) {
        if let Some(session) = &self.session {
            self.user = session.lock().await.observed().and_then(|observed| observed.user);
        }
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn policy_mut(&mut self) -> &mut Policy {
        &mut self.policy
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn count_rows(&mut self, rows: u64) {
        self.rows = self.rows.saturating_add(rows);
    }

    pub(super) fn count_statement(&mut self) {
        self.sent += 1;
    }

    pub(super) fn next_id(&mut self) -> u32 {
        self.last_id = self.last_id.checked_add(1).expect("the number of host calls is limited");
        self.last_id
    }

    /// The session, if a statement may be sent now.
    pub(super) fn usable(&self) -> Result<SharedSession, Fault> {
        match &self.condition {
            Condition::Usable => self.connected(),
            Condition::Aborted(_) => Err(types::Error::Database(in_failed_transaction()).into()),
            Condition::Lost(_) | Condition::Tampered(_) | Condition::Unrecordable(_) => self.connected(),
        }
    }

    /// The session, if there is a connection at all: for rolling back.
    pub(super) fn connected(&self) -> Result<SharedSession, Fault> {
        match (&self.condition, &self.session) {
            (Condition::Lost(message), _) => Err(Fault::other("connection", message.clone())),
            (Condition::Tampered(what), _) => Err(types::Error::Denied((*what).to_owned()).into()),
            (Condition::Unrecordable(statement), _) => {
                Err(Fault::other("unrecordable", statement.error.to_string()))
            }
            (_, Some(session)) => Ok(Arc::clone(session)),
            (_, None) => Err(wasmtime::Error::msg("a statement without a transaction").into()),
        }
    }

    pub(super) fn is_aborted(&self) -> bool {
        matches!(self.condition, Condition::Aborted(_))
    }

    /// The transaction was rolled back to a savepoint.
    pub(super) fn recovered(&mut self) {
        if self.is_aborted() {
            self.condition = Condition::Usable;
            if let Some(remembered) = &mut self.last_error {
                remembered.dealt_with = true;
            }
        }
    }

    /// Takes note of a session's answer to a statement.
    pub(super) fn noted<T>(&mut self, answer: Result<T, DbError>, sent: Sent<'_>) -> Result<T, Fault> {
        answer.map_err(|error| self.failed(error, sent))
    }

    /// Takes note of a session's answer to a statement of the guest: if the
    /// server says anything else of the session than the statement can have made
    /// of it, that was the last one.
    pub(super) async fn answered<T>(
        &mut self,
        session: &SharedSession,
        answer: Result<T, DbError>,
        sent: Sent<'_>,
    ) -> Result<T, Fault> {
        let answer = self.noted(answer, sent)?;
        let Some(checked) = sent.checked else { return Ok(answer) };
        self.policy.succeeded(checked);
        let observed = session.lock().await.observed();
        self.compare(observed, checked.tags())?;
        Ok(answer)
    }

    /// The same for a statement that the session makes itself, as a fetch, with
    /// the command tags that it can have. A position in it would mislead.
    pub(super) fn as_expected<T>(
        &mut self,
        answer: Result<T, DbError>,
        observed: Option<Observed>,
        tags: &[&str],
        sent: Sent<'_>,
    ) -> Result<T, Fault> {
        let answer = self.noted_without_place(answer, sent)?;
        self.compare(observed, tags)?;
        Ok(answer)
    }

    fn compare(&mut self, observed: Option<Observed>, tags: &[&str]) -> Result<(), Fault> {
        let Some(what) = observed.and_then(|observed| self.deviation(&observed, tags)) else { return Ok(()) };
        self.condition = Condition::Tampered(what);
        Err(types::Error::Denied(what.to_owned()).into())
    }

    /// What of the session cannot be after a statement with these command tags.
    fn deviation(&self, observed: &Observed, expected: &[&str]) -> Option<&'static str> {
        if observed.status != TransactionStatus::InTransaction {
            return Some("the session is no longer in the runner's transaction");
        }
        let is_expected = |tag: &str| expected.iter().any(|words| is_tag(tag, words));
        if !expected.is_empty() && !observed.tags.iter().all(|tag| is_expected(tag)) {
            return Some("the server ran another command than the one that was checked");
        }
        // A project's own SQL may take on a role; settling gives it back.
        if self.policy.is_unrestricted() {
            return None;
        }
        (self.user != observed.user).then_some("the session has another user than before")
    }

    /// The same for a statement that the session puts into a text of its own: a
    /// position in that text would mislead.
    pub(super) fn noted_without_place<T>(
        &mut self,
        answer: Result<T, DbError>,
        sent: Sent<'_>,
    ) -> Result<T, Fault> {
        self.noted(answer.map_err(without_place), sent)
    }

    /// An error of a statement that the session puts into a text of its own.
    pub(super) fn failed_without_place(&mut self, error: DbError, sent: Sent<'_>) -> Fault {
        self.failed(without_place(error), sent)
    }

    /// Remembers an error and says what the guest is told.
    fn failed(&mut self, error: DbError, sent: Sent<'_>) -> Fault {
        let error = shifted(error, sent);
        let told = match &error {
            DbError::Server(server) => types::Error::Database(server_error_pg_to_wit(server)),
            DbError::Connection(_) | DbError::Wire(_) => {
                types::Error::Other(("connection".into(), error.to_string()))
            }
            DbError::Value(message) => types::Error::Conversion(message.clone()),
            DbError::Unrecordable(message) => types::Error::Other(("unrecordable".into(), message.clone())),
        };
        let position = match &error {
            DbError::Server(server) => server.position,
            DbError::Connection(_) | DbError::Wire(_) | DbError::Value(_) | DbError::Unrecordable(_) => None,
        };
        let failed = self.remember(error.clone().into(), position, sent, &told);
        match &error {
            // It says itself that the connection was lost.
            lost @ DbError::Connection(_) => self.condition = Condition::Lost(lost.to_string()),
            lost if lost.is_connection_lost() => {
                self.condition = Condition::Lost(format!("the connection to the server was lost: {lost}"));
            }
            DbError::Server(_) => self.condition = Condition::Aborted(failed),
            DbError::Unrecordable(_) => self.condition = Condition::Unrecordable(failed),
            DbError::Wire(_) | DbError::Value(_) => {}
        }
        told.into()
    }

    /// Ends the record of a script: what the guest wants cannot be a part of
    /// it. `text` is the statement, or what comes nearest to one.
    pub(super) fn unrecordable(&mut self, why: String, text: &str) -> Fault {
        self.failed(DbError::Unrecordable(why), Sent::whole(text))
    }

    /// A bulk change that the server has made, at least in part, must not stay:
    /// the transaction is held for aborted, as after an error of the server.
    pub(super) fn spoiled(&mut self, error: &BulkError, label: &str) -> Fault {
        let told = types::Error::Other((error.kind().into(), error.to_string()));
        let error = StatementError::Bulk(error.to_string());
        let failed = self.remember(error, None, Sent::whole(label), &told);
        self.condition = Condition::Aborted(failed);
        told.into()
    }

    /// Remembers that a text was not sent. The transaction is as it was.
    pub(super) fn refused(&mut self, error: PolicyError, text: &str) -> Fault {
        let (position, told) = match &error {
            PolicyError::Refused(refusal) => {
                (Some(refusal.position), types::Error::Denied(error.to_string()))
            }
            PolicyError::Syntax { position, .. } => (*position, syntax_error(&error)),
            PolicyError::NotOne { .. } => (None, syntax_error(&error)),
            PolicyError::Gate { .. } | PolicyError::Capabilities(_) => {
                (None, types::Error::Denied(error.to_string()))
            }
        };
        self.remember(error.into(), position, Sent::whole(text), &told);
        told.into()
    }

    fn remember(
        &mut self,
        error: StatementError,
        position: Option<u32>,
        sent: Sent<'_>,
        told: &types::Error,
    ) -> Box<FailedStatement> {
        let text = sent.text.to_owned();
        let failed = Box::new(FailedStatement { text, index: sent.index, error, position });
        let told = error_wit_to_plain(told.clone());
        self.last_error = Some(Remembered { failed: failed.clone(), told, dealt_with: false });
        failed
    }

    /// The last error, to be remembered again when the guest hears of it.
    pub(super) fn last_error_as_told(&self) -> Option<Remembered> {
        self.last_error.clone()
    }

    /// The guest hears of an error only now. Where it has rolled back to a
    /// savepoint since, the error is dealt with.
    pub(super) fn remember_again(&mut self, remembered: Remembered) {
        let dealt_with = !self.is_aborted();
        self.last_error = Some(Remembered { dealt_with, ..remembered });
    }

    /// The statement that an error, returned by the guest, belongs to.
    pub(super) fn statement_of(&self, error: &GuestError) -> Option<Box<FailedStatement>> {
        self.last_error
            .as_ref()
            .filter(|remembered| remembered.told == *error)
            .map(|remembered| remembered.failed.clone())
    }

    /// The last statement that failed, unless the guest has dealt with it.
    pub(super) fn last_error(&self) -> Option<Box<FailedStatement>> {
        let open = self.last_error.as_ref().filter(|remembered| !remembered.dealt_with);
        open.map(|remembered| remembered.failed.clone())
    }

    /// Ends what is still open after the guest reported success: languages
    /// with a garbage collector do not drop their handles.
    pub(super) async fn settle(&mut self) {
        self.catch_up().await;
        self.roll_back_leftovers().await;
        self.unfinished.extend(self.writers.iter().map(|(id, writer)| (*id, writer.table().to_owned())));
        self.writers.clear();
        let readers: Vec<u32> = self.readers.keys().copied().collect();
        for reader in readers {
            // An error is remembered, and aborts.
            let _ = self.close_reader(reader).await;
        }
    }

    /// Forgets what is still open after a failure: the executor rolls all of it
    /// back.
    pub(super) async fn abandon(&mut self) {
        self.ahead.stop();
        self.forget_readers(0).await;
    }

    async fn roll_back_leftovers(&mut self) {
        if let Some(outermost) = self.savepoints.first().map(OpenSavepoint::id) {
            tracing::debug!(count = self.savepoints.len(), "savepoints were left open: rolled back");
            // An error is remembered, and aborts.
            let _ = self.roll_back_to(outermost).await;
        }
    }

    /// What speaks against a commit although the guest reported success.
    pub(super) fn objection(&self) -> Option<CallError> {
        match &self.condition {
            Condition::Lost(message) => return Some(CallError::Connection { message: message.clone() }),
            Condition::Aborted(statement) => {
                return Some(CallError::Aborted { statement: statement.clone() });
            }
            Condition::Tampered(_) | Condition::Unrecordable(_) => return self.lost(),
            Condition::Usable => {}
        }
        self.unfinished.values().next().map(|table| CallError::UnfinishedWriter { table: table.clone() })
    }

    /// Why nothing more can be sent, if that is so: the connection is lost, or
    /// the script that is being written has come to an end.
    pub(super) fn lost(&self) -> Option<CallError> {
        match &self.condition {
            Condition::Lost(message) => Some(CallError::Connection { message: message.clone() }),
            Condition::Unrecordable(statement) => {
                Some(CallError::Unrecordable { statement: statement.clone() })
            }
            Condition::Tampered(what) => Some(CallError::Tampered { what }),
            Condition::Usable | Condition::Aborted(_) => None,
        }
    }
}

fn syntax_error(error: &PolicyError) -> types::Error {
    types::Error::Other(("syntax".into(), error.to_string()))
}

/// Whether a command tag is of these words: `INSERT 0 1` is of `INSERT`.
pub fn is_tag(tag: &str, words: &str) -> bool {
    let numbers = |rest: &str| rest.chars().all(|letter| letter.is_ascii_digit() || letter == ' ');
    tag.strip_prefix(words).is_some_and(numbers)
}

/// Makes the position count from the beginning of the guest's text.
fn shifted(error: DbError, sent: Sent<'_>) -> DbError {
    match error {
        DbError::Server(mut server) => {
            server.position = server.position.and_then(|position| sent.place(position));
            DbError::Server(server)
        }
        other => other,
    }
}

fn without_place(error: DbError) -> DbError {
    match error {
        DbError::Server(mut server) => {
            server.position = None;
            DbError::Server(server)
        }
        other => other,
    }
}

/// What PostgreSQL says to any statement in an aborted transaction.
fn in_failed_transaction() -> types::DbError {
    server_error_pg_to_wit(&ServerError {
        sqlstate: "25P02".into(),
        severity: "ERROR".into(),
        message: "current transaction is aborted, commands ignored until end of transaction block".into(),
        ..ServerError::default()
    })
}
