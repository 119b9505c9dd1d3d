//! The life of one step: begin, lend, settle, record, commit.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use crate::db::{
    AdvisoryLock, Canceller, DbError, Held, Location, PostgresSession, TextRow, connect, quote_literal,
};
use crate::host::{Host, Report};
use crate::ledger::{Confinement, How, Ledger, Outcome, Run};
use crate::revision::{Digest, Direction, Kind, RevisionId};
use crate::sandbox::Door;
use crate::source::{Artifact, Isolation};

use super::blocked::Watch;
use super::event::milliseconds;
use super::isolation::confinement;
use super::migrator::APPLICATION_NAME;
use super::precondition::Precondition;
use super::prepare::Prepared;
use super::settings::SETTLE;
use super::stop::{ANSWER_GRACE, CALL_GRACE, Stop};
use super::{Reporter, Settings, StepError};

/// How long the server is given to take a cancel request, and then to end the
/// statement; after that its process is ended.
const CANCEL_GRACE: Duration = Duration::from_secs(1);
/// How long it may take to end our own process from another connection.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a rollback may take where nothing was cancelled.
const ROLLBACK_GRACE: Duration = Duration::from_secs(30);
/// How long we ask what became of a COMMIT whose answer was lost.
const COMMIT_GRACE: Duration = Duration::from_secs(30);
/// The pause between two such questions.
const COMMIT_PAUSE: Duration = Duration::from_millis(50);

/// The time at which the transaction began, in microseconds since 2000-01-01
/// 00:00 UTC, as SQL.
pub(super) const TRANSACTION_TIME: &str =
    "(extract(epoch FROM pg_catalog.now()) * 1000000)::int8 - 946684800000000";

/// Everything that all steps of a run share.
pub(super) struct Context<'a> {
    pub(super) host: &'a Host,
    pub(super) ledger: &'a Ledger,
    pub(super) lock: AdvisoryLock,
    pub(super) held: Held,
    pub(super) settings: &'a Settings,
    pub(super) session: Arc<Mutex<PostgresSession>>,
    pub(super) canceller: Canceller,
    /// Where another connection can be made.
    pub(super) location: &'a Location,
    /// Where guests come in, if the steps have sessions of their own.
    pub(super) door: Option<Door>,
    pub(super) stop: &'a Stop,
    /// Who is in the way.
    pub(super) watch: Watch<'a>,
    pub(super) run: &'a Run,
    pub(super) reporter: &'a Reporter,
    /// The components whose bytes the ledger has for certain.
    pub(super) kept: Mutex<HashSet<Digest>>,
    /// Held by a guest on a thread of its own for as long as it has a session.
    pub(super) occupied: Arc<Mutex<()>>,
}

/// The transaction that the host owns.
pub(super) struct Transaction {
    /// `pg_current_xact_id()`: by which the transaction is recognised.
    pub(super) id: String,
    /// The revision that it began with.
    pub(super) first: RevisionId,
    /// `now()`, in microseconds since 2000-01-01 00:00 UTC.
    pub(super) time: i64,
}

impl Transaction {
    /// An expression that is true in this transaction.
    pub(super) fn own_expression(&self) -> String {
        format!(
            "coalesce(pg_catalog.pg_current_xact_id_if_assigned() = {}::pg_catalog.xid8, false)",
            quote_literal(&self.id)
        )
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) duration: Duration,
    pub(super) statements: u64,
    pub(super) rows: u64,
    /// How many attempts failed before it.
    pub(super) retries: u32,
}

/// Whether the transaction ends with the step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// It is the step's own.
    WithStep,
    /// It is the whole run's.
    WithRun,
}

impl Context<'_> {
    pub(super) async fn session(&self) -> MutexGuard<'_, PostgresSession> {
        self.session.lock().await
    }

    /// Begins a transaction on a session in a known state. One round trip, the
    /// precondition of `first` included.
    pub(super) async fn begin(&self, first: &Prepared) -> Result<Transaction, StepError> {
        let precondition = self.precondition(first);
        let mut session = self.session().await;
        session.forget_cursors();
        session.begin_step();
        // The settings have a transaction of their own: they must hold before
        // the step's begins, and a rollback of the step must not take them back.
        let sql = format!(
            "BEGIN; {}COMMIT; BEGIN; SELECT pg_catalog.pg_current_xact_id(), \
             {TRANSACTION_TIME}, {}, {}",
            self.settings.script(),
            self.held.same_process_expression(),
            precondition.expression,
        );
        let rows = session.batch(&sql).await.map_err(StepError::Begin)?;
        let unexpected = || StepError::Begin(DbError::Value("the server gave no transaction".into()));
        let mut fields = last_row(rows).ok_or_else(unexpected)?.into_iter().flatten();
        let (Some(id), Some(time), Some(held)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(unexpected());
        };
        if held != "t" {
            return Err(StepError::LockLost);
        }
        if fields.next().as_deref() != Some("t") {
            return Err(StepError::Precondition(precondition.violated));
        }
        let first = first.step.revision.clone();
        Ok(Transaction { id, first, time: time.parse().map_err(|_| unexpected())? })
    }

    /// Runs one step inside a transaction, up to its ledger row, and commits if
    /// the transaction ends with it.
    pub(super) async fn perform(
        &self,
        transaction: &Transaction,
        prepared: &Prepared,
        ends: Ends,
    ) -> Result<Done, StepError> {
        let done = self.work(transaction, prepared).await?;
        self.settle(transaction, prepared, done).await?;
        if ends == Ends::WithStep {
            self.commit(transaction).await?;
            self.kept.lock().await.insert(prepared.artifact.digest);
        }
        Ok(done)
    }

    /// Runs the migration of one step, on our own session.
    pub(super) async fn work(
        &self,
        transaction: &Transaction,
        prepared: &Prepared,
    ) -> Result<Done, StepError> {
        self.call(transaction, prepared, self.session.clone(), &self.canceller).await
    }

    /// Resets the session, and checks the precondition, for a step that does not
    /// begin the transaction.
    pub(super) async fn check(&self, prepared: &Prepared) -> Result<(), StepError> {
        let precondition = self.precondition(prepared);
        let sql = format!("{}SELECT {}", self.settings.script(), precondition.expression);
        let mut session = self.session().await;
        session.begin_step();
        let rows = session.batch(&sql).await.map_err(StepError::Begin)?;
        match last_row(rows).and_then(|row| row.into_iter().next().flatten()).as_deref() {
            Some("t") => Ok(()),
            _ => Err(StepError::Precondition(precondition.violated)),
        }
    }

    /// An expression that is true while the lock is ours.
    pub(super) fn held_expression(&self) -> String {
        format!("{} AND {}", self.held.same_process_expression(), self.lock.held_expression())
    }

    pub(super) fn precondition(&self, prepared: &Prepared) -> Precondition {
        Precondition::of(self.ledger.schema_name(), prepared.step.direction, &prepared.manifest)
    }

    /// Calls the component with the transaction of a session, and counts what it
    /// did.
    pub(super) async fn call(
        &self,
        transaction: &Transaction,
        prepared: &Prepared,
        session: Arc<Mutex<PostgresSession>>,
        canceller: &Canceller,
    ) -> Result<Done, StepError> {
        let began = Instant::now();
        prepared.limit(&*session.lock().await, self.host.limits());
        let looked = self.look_before(transaction, prepared, &session).await?;
        let report = self.lend(transaction, prepared, session.clone(), canceller).await?;
        let stats = report.stats;
        report.result.map_err(|error| StepError::Call {
            error,
            statement: report.last_error,
            script: prepared.script.clone(),
        })?;
        if let Some(looked) = &looked {
            self.look_after(looked, &session).await?;
        }
        Ok(Done { duration: began.elapsed(), statements: stats.statements, rows: stats.rows, retries: 0 })
    }

    /// Lends the transaction to the component for one call.
    async fn lend(
        &self,
        transaction: &Transaction,
        prepared: &Prepared,
        session: Arc<Mutex<PostgresSession>>,
        canceller: &Canceller,
    ) -> Result<Report, StepError> {
        let call = prepared.call(session, Some(transaction.time), self.reporter);
        let work = async {
            match prepared.manifest.kind {
                // It hands its script to the host, and computes nothing: a thread
                // of its own would only have to be woken up.
                Kind::Sql => self.host.call(&prepared.component, call).await,
                Kind::Rust | Kind::Plugin | Kind::Imported => {
                    let occupied = Arc::clone(&self.occupied).lock_owned().await;
                    self.host.call_on_thread(&prepared.component, call, occupied).await
                }
            }
        };
        self.bounded(canceller, work).await
    }

    /// Waits for a step's work: as long as a step may take, and until the run is
    /// told to stop.
    pub(super) async fn bounded<T>(
        &self,
        canceller: &Canceller,
        work: impl Future<Output = T>,
    ) -> Result<T, StepError> {
        let too_late = tokio::select! {
            biased;
            result = work => return Ok(result),
            error = self.timed_out() => error,
            () = self.stop.told_and(CALL_GRACE) => StepError::Interrupted,
        };
        // The work is dropped; the server may still be at it.
        let _ = tokio::time::timeout(self.patience(CANCEL_GRACE), canceller.cancel()).await;
        Err(too_late)
    }

    async fn timed_out(&self) -> StepError {
        match self.settings.step_timeout {
            None => std::future::pending().await,
            Some(limit) => {
                tokio::time::sleep(limit).await;
                StepError::Timeout(limit)
            }
        }
    }

    /// How long the server may take for something: less than that once the run
    /// was told to stop.
    pub(super) fn patience(&self, usual: Duration) -> Duration {
        if self.stop.is_told() { usual.min(ANSWER_GRACE) } else { usual }
    }

    /// Ends the migration's part, makes sure that this is still
    /// the transaction that was begun, under the lock, and writes the ledger.
    /// One round trip, unless the component is new.
    pub(super) async fn settle(
        &self,
        transaction: &Transaction,
        prepared: &Prepared,
        done: Done,
    ) -> Result<(), StepError> {
        let mut session = self.session().await;
        if prepared.step.direction == Direction::Upgrade {
            self.keep_component(&mut session, &prepared.artifact).await?;
        }
        let precondition = self.precondition(prepared);
        let sql = format!(
            "{SETTLE} SELECT pg_catalog.pg_current_xact_id_if_assigned() = {}::pg_catalog.xid8, {} AND {}, {}",
            quote_literal(&transaction.id),
            self.held.same_process_expression(),
            self.lock.held_expression(),
            precondition.expression,
        );
        let outcome = self.outcome(prepared, done);
        let (settled, recorded) =
            self.ledger.record_after(&mut session, &sql, self.run, &transaction.id, &outcome).await;
        let settled = settled.map_err(StepError::Settle)?;
        match last_row(settled).unwrap_or_default().as_slice() {
            [Some(same), Some(held), Some(holds)] if [same, held, holds] == ["t", "t", "t"] => Ok(recorded?),
            [Some(same), Some(held), _] if [same, held] == ["t", "t"] => {
                Err(StepError::Precondition(precondition.violated))
            }
            [Some(same), ..] if same == "t" => Err(StepError::LockLost),
            _ => Err(StepError::LeftTransaction),
        }
    }

    /// What the ledger is told of a step.
    pub(super) fn outcome<'p>(&self, prepared: &'p Prepared, done: Done) -> Outcome<'p> {
        Outcome {
            how: How::Done,
            confinement: Some(self.confinement(prepared)),
            direction: prepared.step.direction,
            manifest: &prepared.manifest,
            params: &prepared.params,
            source_digest: prepared.source_digest,
            component_digest: Some(prepared.artifact.digest),
            duration_ms: milliseconds(done.duration),
            statements: done.statements,
            rows: done.rows,
        }
    }

    pub(super) fn confinement(&self, prepared: &Prepared) -> Confinement {
        let isolation = if self.door.is_some() { Isolation::Role } else { Isolation::Policy };
        confinement(isolation, &prepared.manifest)
    }

    /// Keeps the component's bytes, once. What an earlier step of the run kept
    /// is there: the steps are committed in order.
    pub(super) async fn keep_component(
        &self,
        session: &mut PostgresSession,
        artifact: &Artifact,
    ) -> Result<(), StepError> {
        if !self.kept.lock().await.contains(&artifact.digest) {
            session.batch(SETTLE).await.map_err(StepError::Settle)?;
            self.ledger.keep_component(session, artifact.digest, &artifact.bytes).await?;
        }
        Ok(())
    }

    /// Commits. The server answers COMMIT with success even where it rolled
    /// back, so the transaction's own status is asked for. One round trip.
    pub(super) async fn commit(&self, transaction: &Transaction) -> Result<(), StepError> {
        let sql = format!("COMMIT; {}", status_sql(transaction));
        let mut session = self.session().await;
        self.stop.commits(true);
        let answer = session.batch(&sql).await;
        drop(session);
        let became = match answer {
            Ok(rows) => ended(&status(rows), None),
            Err(lost) if lost.is_connection_lost() => self.ask_anew(transaction, lost).await,
            Err(refused) => Err(StepError::Commit(refused)),
        };
        self.decided(became)
    }

    /// Takes note of what became of a COMMIT: until then, and where nobody can
    /// tell, whoever stops the run is told that it is not known.
    pub(super) fn decided(&self, became: Result<(), StepError>) -> Result<(), StepError> {
        self.stop.commits(matches!(became, Err(StepError::CommitUnknown(_))));
        became
    }

    /// Asks on a new connection what became of a transaction whose COMMIT was not
    /// answered.
    pub(super) async fn ask_anew(&self, transaction: &Transaction, lost: DbError) -> Result<(), StepError> {
        let unknown = |why: String| StepError::CommitUnknown(format!("{lost}; {why}"));
        if matches!(self.location, Location::Embedded(_)) {
            return Err(unknown("the embedded server has no second connection".into()));
        }
        let connection =
            connect(self.location, APPLICATION_NAME).await.map_err(|error| unknown(error.to_string()))?;
        let status = self.status_of(&mut *connection.session().lock().await, transaction).await;
        connection.close().await;
        ended(&status.map_err(|error| unknown(error.to_string()))?, Some(lost))
    }

    /// What became of a transaction, as a session says that is not in it; the
    /// server may still be at work on the COMMIT.
    pub(super) async fn status_of(
        &self,
        session: &mut PostgresSession,
        transaction: &Transaction,
    ) -> Result<String, DbError> {
        let deadline = Instant::now() + COMMIT_GRACE;
        loop {
            let status = status(session.batch(&status_sql(transaction)).await?);
            if status != "in progress" || Instant::now() > deadline {
                return Ok(status);
            }
            tokio::time::sleep(COMMIT_PAUSE).await;
        }
    }

    /// Brings the session back to where a step can begin, after one that failed.
    /// Fails only if the connection is gone, and then the server rolls back by
    /// itself.
    pub(super) async fn recover(&self, error: &StepError) -> Result<(), DbError> {
        // The guest's session is gone already, and with it its transaction.
        if self.door.is_some() {
            return Ok(());
        }
        let was_cancelled = matches!(error, StepError::Timeout(_) | StepError::Interrupted);
        let limit = self.patience(if was_cancelled { CANCEL_GRACE } else { ROLLBACK_GRACE });
        // Settings that came with the step's transaction have gone with it.
        let sql = format!("ROLLBACK; SELECT {}", self.settings.all_calls());
        let rollback = async {
            self.vacated().await;
            let mut session = self.session().await;
            session.forget_cursors();
            session.batch(&sql).await
        };
        match tokio::time::timeout(limit, rollback).await {
            Ok(answer) => answer.map(|_| ()),
            Err(_) => {
                let _ = tokio::time::timeout(self.patience(CANCEL_TIMEOUT), self.terminate()).await;
                Err(DbError::Connection("the server did not end the statement that was cancelled".into()))
            }
        }
    }

    /// Waits until a guest that was given up has let go of the session: what it
    /// still sent after a ROLLBACK would be committed by itself.
    pub(super) async fn vacated(&self) {
        drop(self.occupied.lock().await);
    }

    /// Ends our own server process from another connection: a statement that does
    /// not let itself be cancelled would go on with its locks.
    async fn terminate(&self) {
        let sql = format!("SELECT pg_catalog.pg_terminate_backend({})", self.held.process());
        if matches!(self.location, Location::Embedded(_)) {
            return;
        }
        match connect(self.location, APPLICATION_NAME).await {
            Ok(connection) => {
                if let Err(error) = connection.session().lock().await.batch(&sql).await {
                    tracing::debug!("our own process could not be ended: {error}");
                }
                connection.close().await;
            }
            Err(error) => tracing::debug!("our own process could not be ended: {error}"),
        }
    }
}

fn status_sql(transaction: &Transaction) -> String {
    format!("SELECT pg_catalog.pg_xact_status({}::pg_catalog.xid8)", quote_literal(&transaction.id))
}

fn status(rows: Vec<TextRow>) -> String {
    last_row(rows).and_then(|row| row.into_iter().next().flatten()).unwrap_or_else(|| "nothing".into())
}

/// What a transaction's status means; `refusal` is the answer to COMMIT, if it
/// was none of success.
pub(super) fn ended(status: &str, refusal: Option<DbError>) -> Result<(), StepError> {
    match (status, refusal) {
        ("committed", _) => Ok(()),
        ("aborted", Some(refusal)) => Err(StepError::Commit(refusal)),
        ("aborted", None) => Err(StepError::NotCommitted(status.to_owned())),
        (other, _) => Err(StepError::CommitUnknown(format!("the server says {other}"))),
    }
}

pub(super) fn last_row(rows: Vec<TextRow>) -> Option<TextRow> {
    rows.into_iter().next_back()
}
