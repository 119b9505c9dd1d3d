//! The loop over the statements of one step.

use std::time::{Duration, Instant};

use crate::db::{DbError, Observed, Session as _, TransactionStatus};
use crate::host::CallError;
use crate::ledger::StatementRecord;
use crate::policy::{Alone, Course, course};
use crate::run::event::milliseconds;
use crate::run::prepare::Prepared;
use crate::run::settings::SETTLE;
use crate::run::step::{Context, Done, Transaction, last_row};
use crate::run::{Event, StepError};

use super::Script;
use super::left::{Left, look};

/// How long the server goes on with a statement of a runner that is gone, where
/// its system can tell: with it the lock is held. See PostgreSQL's manual,
/// `client_connection_check_interval`.
const CHECK_INTERVAL: &str = "SELECT pg_catalog.set_config('client_connection_check_interval', '2s', false) \
    WHERE pg_catalog.version() LIKE '%linux%';";

/// How long the dropping of an invalid index may wait for a lock, where the
/// statement that left it has just failed; the next run drops it otherwise.
const CLEANING: &str = "SET lock_timeout = '2s'";

/// Everything about one step that is run statement by statement.
struct Work<'a> {
    context: &'a Context<'a>,
    prepared: &'a Prepared,
    script: &'a Script,
}

impl Context<'_> {
    /// Runs the statements of a step that are not done yet.
    pub(in crate::run) async fn perform_statements(
        &self,
        prepared: &Prepared,
        script: &Script,
    ) -> Result<Done, StepError> {
        let work = Work { context: self, prepared, script };
        self.bounded(&self.canceller, work.run()).await?
    }
}

impl Work<'_> {
    async fn run(&self) -> Result<Done, StepError> {
        self.may_begin().await?;
        let step = &self.prepared.step;
        let records = {
            let mut session = self.context.session().await;
            self.context.ledger.statements(&mut session, &step.revision, step.direction).await?
        };
        let resumed = self.script.resume(&records)?;
        self.note(resumed.done);
        let mut done = Done {
            duration: Duration::from_millis(resumed.duration_ms),
            statements: self.script.lines().len() as u64,
            rows: resumed.rows,
            retries: 0,
        };
        if !records.is_empty() {
            self.tell_resumed(resumed.done);
        }
        let doubtful = self.clear_doubt(resumed.in_doubt.as_ref(), resumed.done).await?;
        let last = self.script.lines().len().checked_sub(1);
        let mut is_finished = false;
        for at in resumed.done..self.script.lines().len() {
            let began = Instant::now();
            let rows = match &self.script.lines()[at].course {
                Course::Alone(statement) => {
                    let begun = doubtful && at == resumed.done;
                    self.alone(at, statement, begun, last == Some(at)).await?
                }
                Course::Transaction | Course::Setting => {
                    let before = Done { ..done };
                    is_finished = last == Some(at);
                    self.in_transaction(at, before, is_finished).await?
                }
            };
            done.rows = done.rows.saturating_add(rows);
            done.duration += began.elapsed();
            self.note(at + 1);
            self.tell_done(at, rows, began.elapsed());
        }
        if !is_finished {
            self.finish(done).await?;
        }
        Ok(done)
    }

    /// Takes note of how many statements are done, for whoever tells of it.
    fn note(&self, done: usize) {
        self.script.note(done);
        self.context.stop.done_partly(done, self.script.lines().len());
    }

    /// Brings the session to a known state and makes sure that the step may
    /// begin: under the lock, on the plan's ledger.
    async fn may_begin(&self) -> Result<(), StepError> {
        let context = self.context;
        let precondition = context.precondition(self.prepared);
        let sql =
            format!("{} SELECT {}, {}", self.fresh(), context.held_expression(), precondition.expression,);
        let rows = context.session().await.batch(&sql).await.map_err(StepError::Begin)?;
        match last_row(rows).unwrap_or_default().as_slice() {
            [Some(held), Some(holds)] if [held, holds] == ["t", "t"] => Ok(()),
            [Some(held), _] if held == "t" => Err(StepError::Precondition(precondition.violated)),
            _ => Err(StepError::LockLost),
        }
    }

    /// The text that brings the session to a known state.
    fn fresh(&self) -> String {
        format!("BEGIN; {}COMMIT;", self.context.settings.script())
    }

    /// Brings the session to the state in which a statement finds it.
    async fn set_up(&self, at: usize) -> Result<(), StepError> {
        let sql = format!("{}{CHECK_INTERVAL}", self.fresh());
        self.context.session().await.batch(&sql).await.map_err(StepError::Begin)?;
        self.set_again(at).await
    }

    /// Sends the SETs before a statement again.
    async fn set_again(&self, at: usize) -> Result<(), StepError> {
        let mut session = self.context.session().await;
        for setting in self.script.settings_before(at) {
            session.run(setting).await.map_err(StepError::Begin)?;
        }
        Ok(())
    }

    /// Looks what became of a statement that was begun. Returns whether it is the
    /// next one, as it was; one that was edited since must have left nothing.
    async fn clear_doubt(&self, record: Option<&StatementRecord>, at: usize) -> Result<bool, StepError> {
        let Some(record) = record else { return Ok(false) };
        if self.script.is_same(record) {
            return Ok(true);
        }
        let Ok(Course::Alone(statement)) = course(&record.text) else { return Ok(false) };
        self.set_up(at).await?;
        match self.remains(&statement, true).await? {
            Left::Nothing => Err(self.script.changed(record, "done, as the catalogs say").into()),
            Left::Finalize(_) => {
                Err(self.script.changed(record, "begun, and has to be finished first").into())
            }
            _ => Ok(false),
        }
    }

    /// Runs a statement that can run in a transaction, with its record; with the
    /// step's rows if it is the last one.
    async fn in_transaction(&self, at: usize, before: Done, is_last: bool) -> Result<u64, StepError> {
        let (context, prepared) = (self.context, self.prepared);
        let began = Instant::now();
        let transaction = context.begin(prepared).await?;
        let looked = context.look_before(&transaction, prepared, &context.session).await?;
        self.set_again(at).await?;
        let rows = self.send(at, TransactionStatus::InTransaction).await?;
        if let Some(looked) = &looked {
            context.look_after(looked, &context.session).await?;
        }
        if is_last {
            let (rows, duration) = (before.rows.saturating_add(rows), before.duration + began.elapsed());
            self.write_rows(&transaction, Done { rows, duration, ..before }).await?;
        } else {
            self.write_record(&transaction, at, rows, began.elapsed()).await?;
        }
        context.commit(&transaction).await?;
        Ok(rows)
    }

    /// Runs a statement by itself: its beginning is committed before it, and its
    /// end after it, unless it is the last one, whose end is the step's.
    async fn alone(
        &self,
        at: usize,
        statement: &Alone,
        begun: bool,
        is_last: bool,
    ) -> Result<u64, StepError> {
        let began = Instant::now();
        self.set_up(at).await?;
        let rows = match self.remains(statement, begun).await? {
            Left::Nothing => 0,
            // The server says what it thinks of it.
            Left::Taken => self.send(at, TransactionStatus::Idle).await?,
            Left::Finalize(sql) => {
                self.context.session().await.batch(&sql).await.map_err(|error| self.failed(at, error))?;
                0
            }
            _ => {
                self.note_statement(at, None).await?;
                self.set_up(at).await?;
                match self.send(at, TransactionStatus::Idle).await {
                    Ok(rows) => rows,
                    Err(error) => {
                        self.clean_up(statement, &error).await;
                        return Err(error);
                    }
                }
            }
        };
        if !is_last {
            self.note_statement(at, Some((rows, began.elapsed()))).await?;
        }
        Ok(rows)
    }

    /// What remains to be done of a statement, after what an attempt that failed
    /// has left is out of the way.
    async fn remains(&self, statement: &Alone, begun: bool) -> Result<Left, StepError> {
        let mut session = self.context.session().await;
        let left = look(&mut session, statement, begun).await.map_err(StepError::Begin)?;
        match left {
            Left::BeingBuilt { index, process } => Err(StepError::BeingBuilt { index, process }),
            Left::Indexes(names) => {
                for name in names {
                    self.warn(format!(
                        "the invalid index {name}, which an attempt that failed has left, is dropped"
                    ));
                    let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
                    let dropped = session.batch(&sql).await;
                    dropped.map_err(|source| StepError::Invalid { index: name, source })?;
                }
                Ok(Left::Everything)
            }
            other => Ok(other),
        }
    }

    /// Drops the invalid index that a failed statement has left, unless there is
    /// no time for it: it takes space, and makes each change of its table slower.
    /// What goes wrong here must not hide what went wrong before.
    async fn clean_up(&self, statement: &Alone, error: &StepError) {
        let is_index = matches!(statement, Alone::CreateIndex { .. } | Alone::Reindex { .. });
        if !is_index || error.is_connection_lost() || self.context.stop.is_told() {
            return;
        }
        let limited = self.context.session().await.batch(CLEANING).await;
        let cleaned = match limited {
            Ok(_) => self.remains(statement, true).await.map(|_| ()),
            Err(error) => Err(StepError::Begin(error)),
        };
        if let Err(error) = cleaned {
            tracing::debug!("what the statement left could not be looked after: {error}");
            self.warn("what the failed statement has left stays until the next run, which drops it".into());
        }
    }

    /// Sends one statement, and makes sure that the session is what it has to be
    /// after it.
    async fn send(&self, at: usize, status: TransactionStatus) -> Result<u64, StepError> {
        let checked = &self.script.lines()[at].checked;
        let mut session = self.context.session().await;
        self.prepared.limit(&session, self.context.host.limits());
        let before = session.observed();
        let answer = session.run(checked.text()).await;
        let after = session.observed();
        let rows = answer.map_err(|error| self.failed(at, error))?;
        let is_restricted = self.prepared.manifest.grants().is_some();
        match deviation(before, after, status, checked.tags(), is_restricted) {
            None => Ok(rows),
            Some(what) => {
                let script = self.prepared.script.clone();
                Err(StepError::Call { error: CallError::Tampered { what }, statement: None, script })
            }
        }
    }

    fn failed(&self, at: usize, error: DbError) -> StepError {
        StepError::Statement {
            statement: self.script.failed(at, error),
            script: self.prepared.script.clone(),
        }
    }

    /// Records a statement in a transaction of its own: that it begins, or with
    /// its rows and its time that it is done.
    async fn note_statement(&self, at: usize, done: Option<(u64, Duration)>) -> Result<(), StepError> {
        let context = self.context;
        let line = self.script.record(&self.prepared.step, at);
        let done = done.map(|(rows, took)| (rows, milliseconds(took)));
        let record =
            context.ledger.record_statement_sql(context.run, &line, done, &context.held_expression());
        let sql =
            format!("{}BEGIN; SET LOCAL search_path = pg_catalog, pg_temp; {record}; COMMIT", self.fresh());
        let rows = context.session().await.batch(&sql).await.map_err(StepError::Settle)?;
        // The settings answer with a row too.
        match last_row(rows).unwrap_or_default().as_slice() {
            [Some(number)] if *number == line.number.to_string() => Ok(()),
            _ => Err(StepError::LockLost),
        }
    }

    /// Records a statement in the transaction in which it ran.
    async fn write_record(
        &self,
        transaction: &Transaction,
        at: usize,
        rows: u64,
        took: Duration,
    ) -> Result<(), StepError> {
        let context = self.context;
        let line = self.script.record(&self.prepared.step, at);
        let done = Some((rows, milliseconds(took)));
        let own = transaction.own_expression();
        let record = context.ledger.record_statement_sql(context.run, &line, done, &own);
        let sql = format!("{SETTLE} {record}; SELECT {own}, {}", context.held_expression());
        let answer = context.session().await.batch(&sql).await.map_err(StepError::Settle)?;
        match last_row(answer).unwrap_or_default().as_slice() {
            [Some(own), Some(held)] if [own, held] == ["t", "t"] => Ok(()),
            [Some(own), _] if own == "t" => Err(StepError::LockLost),
            _ => Err(StepError::LeftTransaction),
        }
    }

    /// The end of a step whose last statement ran by itself, or was done already.
    async fn finish(&self, done: Done) -> Result<(), StepError> {
        let transaction = self.context.begin(self.prepared).await?;
        self.write_rows(&transaction, done).await?;
        self.context.commit(&transaction).await
    }

    /// Writes the step's rows, and takes the records of its statements away.
    async fn write_rows(&self, transaction: &Transaction, done: Done) -> Result<(), StepError> {
        let context = self.context;
        let revision = std::slice::from_ref(&self.prepared.step.revision);
        let forget = context.ledger.forget_statements_sql(revision, &transaction.own_expression());
        let sql = format!("{SETTLE} {forget}");
        context.session().await.batch(&sql).await.map_err(StepError::Settle)?;
        context.settle(transaction, self.prepared, done).await
    }

    fn warn(&self, message: String) {
        let revision = self.prepared.step.revision.clone();
        (self.context.reporter)(Event::Warning { revision, message });
    }

    fn tell_resumed(&self, done: usize) {
        (self.context.reporter)(Event::StepResumed {
            revision: self.prepared.step.revision.clone(),
            direction: self.prepared.step.direction,
            done,
            total: self.script.lines().len(),
        });
    }

    fn tell_done(&self, at: usize, rows: u64, took: Duration) {
        (self.context.reporter)(Event::StatementFinished {
            revision: self.prepared.step.revision.clone(),
            direction: self.prepared.step.direction,
            number: at + 1,
            total: self.script.lines().len(),
            duration_ms: milliseconds(took),
            rows,
        });
    }
}

/// What of the session cannot be after a statement with these command tags.
fn deviation(
    before: Option<Observed>,
    after: Option<Observed>,
    status: TransactionStatus,
    tags: &[&str],
    is_restricted: bool,
) -> Option<&'static str> {
    let after = after?;
    if after.status != status {
        return Some("the session is no longer in the transaction that it was in");
    }
    let is_expected = |tag: &String| tags.iter().any(|words| crate::host::is_tag(tag, words));
    if !tags.is_empty() && !after.tags.iter().all(is_expected) {
        return Some("the server ran another command than the one that was checked");
    }
    let user = before.and_then(|before| before.user);
    (is_restricted && user != after.user).then_some("the session has another user than before")
}
