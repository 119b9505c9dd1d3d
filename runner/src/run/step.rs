//! The life of one step: begin, lend, settle, record, commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use crate::db::{AdvisoryLock, Canceller, DbError, PostgresSession, TextRow, quote_literal};
use crate::host::{Call, Grants, Host, LogLevel, Report, Sink};
use crate::ledger::{Ledger, Outcome, Run};
use crate::revision::{Direction, RevisionId};

use super::prepare::Prepared;
use super::{Event, Reporter, Settings, StepError};

/// How long the server is given to answer a cancel request before the
/// connection is given up.
const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// Everything that all steps of a run share.
pub(super) struct Context<'a> {
    pub(super) host: &'a Host,
    pub(super) ledger: &'a Ledger,
    pub(super) lock: AdvisoryLock,
    pub(super) settings: &'a Settings,
    pub(super) session: Arc<Mutex<PostgresSession>>,
    pub(super) canceller: Canceller,
    pub(super) run: &'a Run,
    pub(super) reporter: &'a Reporter,
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

    /// Begins a transaction on a session in a known state. One round trip.
    pub(super) async fn begin(&self) -> Result<Transaction, StepError> {
        let mut session = self.session().await;
        session.forget_cursors();
        // The protocol would end a transaction of several statements that are
        // sent together by itself; BEGIN makes it last.
        let sql = format!(
            "{}BEGIN; SELECT pg_catalog.pg_current_xact_id(), \
             (extract(epoch FROM pg_catalog.now()) * 1000000)::int8 - 946684800000000, {}",
            self.settings.script(),
            self.lock.held_expression(),
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
        self.check_precondition(prepared).await?;
        let report = self.lend(transaction, prepared).await?;
        let stats = report.stats;
        report.result.map_err(|error| StepError::Call {
            error,
            statement: report.last_error,
            script: prepared.script.clone(),
        })?;
        self.settle(transaction).await?;
        let done = Done { duration: began.elapsed(), statements: stats.statements, rows: stats.rows };
        self.record(prepared, done).await?;
        if ends == Ends::WithStep {
            self.commit(transaction).await?;
        }
        Ok(done)
    }

    /// The plan was made before this transaction began: what it relies on must
    /// still be so.
    async fn check_precondition(&self, prepared: &Prepared) -> Result<(), StepError> {
        let revision = quote_literal(prepared.step.revision.as_str());
        let table = format!("{}.revision", crate::db::quote_identifier(self.ledger.schema_name()));
        let (sql, violated) = match prepared.step.direction {
            Direction::Upgrade => (
                format!(
                    "SELECT count(*) = {} AND NOT EXISTS (SELECT 1 FROM {table} WHERE revision = {revision}) \
                     FROM {table} WHERE revision = ANY (ARRAY[{}]::text[])",
                    prepared.manifest.parents.len(),
                    literals(&prepared.manifest.parents),
                ),
                "a parent is no longer applied, or the revision already is",
            ),
            Direction::Downgrade => (
                format!(
                    "SELECT EXISTS (SELECT 1 FROM {table} WHERE revision = {revision}) \
                     AND NOT EXISTS (SELECT 1 FROM {table} WHERE {revision} = ANY (parents))"
                ),
                "the revision is no longer applied, or a child of it is",
            ),
        };
        let rows = self.session().await.batch(&sql).await.map_err(StepError::Begin)?;
        match is_true(rows) {
            true => Ok(()),
            false => Err(StepError::Precondition(violated)),
        }
    }

    /// Lends the transaction to the component for one call.
    async fn lend(&self, transaction: &Transaction, prepared: &Prepared) -> Result<Report, StepError> {
        let session = self.session.clone();
        let call = Call {
            direction: prepared.step.direction,
            params: prepared.params.clone(),
            grants: Grants { random: prepared.manifest.capabilities.random },
            session,
            transaction_time: transaction.time,
            sink: Arc::new(StepSink {
                revision: prepared.step.revision.clone(),
                reporter: self.reporter.clone(),
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

    /// Has the deferred constraints checked now, and makes sure that this is
    /// still the transaction that was begun, under the lock. One round trip.
    async fn settle(&self, transaction: &Transaction) -> Result<(), StepError> {
        let sql = format!(
            "SET CONSTRAINTS ALL IMMEDIATE; SELECT pg_catalog.pg_current_xact_id_if_assigned() = {}::pg_catalog.xid8, {}",
            quote_literal(&transaction.id),
            self.lock.held_expression(),
        );
        let rows = self.session().await.batch(&sql).await.map_err(StepError::Settle)?;
        match last_row(rows).unwrap_or_default().as_slice() {
            [Some(same), Some(held)] if same == "t" && held == "t" => Ok(()),
            [Some(same), _] if same == "t" => Err(StepError::LockLost),
            _ => Err(StepError::LeftTransaction),
        }
    }

    async fn record(&self, prepared: &Prepared, done: Done) -> Result<(), StepError> {
        let mut session = self.session().await;
        if prepared.step.direction == Direction::Upgrade {
            let artifact = &prepared.artifact;
            self.ledger.keep_component(&mut session, artifact.digest, &artifact.bytes).await?;
        }
        let outcome = Outcome {
            direction: prepared.step.direction,
            manifest: &prepared.manifest,
            params: &prepared.params,
            source_digest: prepared.source_digest,
            component_digest: prepared.artifact.digest,
            duration_ms: u64::try_from(done.duration.as_millis()).unwrap_or(u64::MAX),
            statements: done.statements,
            rows: done.rows,
        };
        Ok(self.ledger.record(&mut session, self.run, &outcome).await?)
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

fn literals(ids: &[RevisionId]) -> String {
    ids.iter().map(|id| quote_literal(id.as_str())).collect::<Vec<_>>().join(", ")
}

fn last_row(rows: Vec<TextRow>) -> Option<TextRow> {
    rows.into_iter().next_back()
}

fn is_true(rows: Vec<TextRow>) -> bool {
    last_row(rows).and_then(|row| row.into_iter().next().flatten()).as_deref() == Some("t")
}

/// Passes on what a migration reports, with the revision's name.
struct StepSink {
    revision: RevisionId,
    reporter: Reporter,
}

impl Sink for StepSink {
    fn log(&self, level: LogLevel, message: &str) {
        let level = match level {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        (self.reporter)(Event::Log { revision: self.revision.clone(), level, message: message.to_owned() });
    }

    fn progress(&self, done: u64, total: Option<u64>) {
        (self.reporter)(Event::Progress { revision: self.revision.clone(), done, total });
    }
}
