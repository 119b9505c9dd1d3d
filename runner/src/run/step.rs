//! The life of one step: begin, lend, settle, record, commit.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use crate::db::{AdvisoryLock, Canceller, DbError, Held, PostgresSession, TextRow, quote_literal};
use crate::host::{Call, Host, Report};
use crate::ledger::{How, Ledger, Outcome, Run};
use crate::revision::{Digest, Direction};
use crate::source::Artifact;

use super::precondition::Precondition;
use super::prepare::Prepared;
use super::settings::SETTLE;
use super::sink::StepSink;
use super::{Reporter, Settings, StepError};

/// How long the server is given to answer a cancel request before the
/// connection is given up.
const CANCEL_GRACE: Duration = Duration::from_secs(2);

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
    pub(super) run: &'a Run,
    pub(super) reporter: &'a Reporter,
    /// The components whose bytes the ledger has for certain.
    pub(super) kept: Mutex<HashSet<Digest>>,
}

/// The transaction that the host owns.
pub(super) struct Transaction {
    /// `pg_current_xact_id()`: by which the transaction is recognised.
    id: String,
    /// `now()`, in microseconds since 2000-01-01 00:00 UTC.
    time: i64,
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) duration: Duration,
    pub(super) statements: u64,
    pub(super) rows: u64,
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
        Ok(Transaction { id, time: time.parse().map_err(|_| unexpected())? })
    }

    /// Runs one step inside a transaction, up to its ledger row, and commits if
    /// the transaction ends with it.
    pub(super) async fn perform(
        &self,
        transaction: &Transaction,
        prepared: &Prepared,
        ends: Ends,
    ) -> Result<Done, StepError> {
        let began = Instant::now();
        let report = self.lend(transaction, prepared).await?;
        let stats = report.stats;
        report.result.map_err(|error| StepError::Call {
            error,
            statement: report.last_error,
            script: prepared.script.clone(),
        })?;
        let done = Done { duration: began.elapsed(), statements: stats.statements, rows: stats.rows };
        self.settle(transaction, prepared, done).await?;
        if ends == Ends::WithStep {
            self.commit(transaction).await?;
            self.kept.lock().await.insert(prepared.artifact.digest);
        }
        Ok(done)
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

    fn precondition(&self, prepared: &Prepared) -> Precondition {
        Precondition::of(self.ledger.schema_name(), prepared.step.direction, &prepared.manifest)
    }

    /// Lends the transaction to the component for one call.
    async fn lend(&self, transaction: &Transaction, prepared: &Prepared) -> Result<Report, StepError> {
        let session = self.session.clone();
        let call = Call {
            direction: prepared.step.direction,
            params: prepared.given.clone(),
            policy: prepared.policy(),
            redactor: prepared.redactor.clone(),
            grants: prepared.grants(),
            session,
            transaction_time: Some(transaction.time),
            sink: Arc::new(StepSink {
                revision: prepared.step.revision.clone(),
                reporter: self.reporter.clone(),
                redactor: prepared.redactor.clone(),
            }),
        };
        let running = self.host.call(&prepared.component, call);
        let Some(limit) = self.settings.step_timeout else {
            return Ok(running.await);
        };
        match tokio::time::timeout(limit, running).await {
            Ok(report) => Ok(report),
            Err(_) => {
                // The call is dropped; the server may still be at work for it.
                let _ = tokio::time::timeout(CANCEL_GRACE, self.canceller.cancel()).await;
                Err(StepError::Timeout(limit))
            }
        }
    }

    /// Ends the migration's part, makes sure that this is still
    /// the transaction that was begun, under the lock, and writes the ledger.
    /// One round trip, unless the component is new.
    async fn settle(
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
        let outcome = Outcome {
            how: How::Done,
            direction: prepared.step.direction,
            manifest: &prepared.manifest,
            params: &prepared.params,
            source_digest: prepared.source_digest,
            component_digest: Some(prepared.artifact.digest),
            duration_ms: u64::try_from(done.duration.as_millis()).unwrap_or(u64::MAX),
            statements: done.statements,
            rows: done.rows,
        };
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

    /// Keeps the component's bytes, once. What an earlier step of the run kept
    /// is there: the steps are committed in order.
    async fn keep_component(
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
        let sql = format!(
            "COMMIT; SELECT pg_catalog.pg_xact_status({}::pg_catalog.xid8)",
            quote_literal(&transaction.id)
        );
        let rows = self.session().await.batch(&sql).await;
        let rows = rows.map_err(|error| StepError::Commit(error.to_string()))?;
        match last_row(rows).and_then(|row| row.into_iter().next().flatten()).as_deref() {
            Some("committed") => Ok(()),
            other => Err(StepError::Commit(format!("the server says {}", other.unwrap_or("nothing")))),
        }
    }

    /// Rolls back whatever there is. Fails only if the connection is gone, and
    /// then the server rolls back by itself.
    pub(super) async fn rollback(&self) -> Result<(), DbError> {
        let mut session = self.session().await;
        session.forget_cursors();
        session.batch("ROLLBACK").await.map(|_| ())
    }
}

fn last_row(rows: Vec<TextRow>) -> Option<TextRow> {
    rows.into_iter().next_back()
}
