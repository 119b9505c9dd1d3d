//! A step whose statements run in a session of the guest's own.
//!
//! Two sessions: the control session holds the lock, reads the ledger, writes the
//! ticket and asks what became of the transaction; the guest's has the
//! transaction, and the migration.

use std::time::Duration;

use crate::db::{DbError, TextRow};
use crate::ledger::Holder;
use crate::revision::Direction;
use crate::sandbox::{Door, GuestSession, SandboxError};

use super::StepError;
use super::prepare::Prepared;
use super::step::{Context, Done, Transaction, last_row};

/// How long a statement that was cancelled may go on: then its server process is
/// ended.
const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// Begins the guest's transaction. The time as eight bytes: what the operators of
/// a sum mean is up to the session.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE; \
    SELECT pg_catalog.pg_current_xact_id(), \
        pg_catalog.encode(pg_catalog.timestamptz_send(pg_catalog.now()), 'hex')";

/// Ends the migration's part while its rights still hold, and says where it
/// stands. The answers are compared here: the session's operators may be other
/// ones than PostgreSQL's.
const SETTLE: &str = "SET CONSTRAINTS ALL IMMEDIATE; \
    SELECT pg_catalog.pg_current_xact_id_if_assigned(), session_user, current_user, pg_catalog.pg_backend_pid()";

impl Context<'_> {
    /// Lets a guest in, runs one step, and sees the guest out, whatever became
    /// of it.
    pub(super) async fn attempt_apart(&self, door: &Door, prepared: &Prepared) -> Result<Done, StepError> {
        let guest = door.let_in(&mut *self.session().await).await.map_err(StepError::Guest)?;
        self.stop.concerns(guest.connection.canceller());
        self.watch.concerns(i32::try_from(guest.process).ok(), guest.connection.traffic());
        let result = self.work_apart(door, &guest, prepared).await;
        self.stop.concerns(&self.canceller);
        self.see_out(guest, result.is_ok()).await;
        result
    }

    async fn work_apart(
        &self,
        door: &Door,
        guest: &GuestSession,
        prepared: &Prepared,
    ) -> Result<Done, StepError> {
        let transaction = begin(guest, prepared).await?;
        self.allowed(self.session().await.batch(&self.check_sql(prepared)).await, prepared).map_err(
            |error| if let StepError::Settle(error) = error { StepError::Begin(error) } else { error },
        )?;
        let (session, canceller) = (guest.connection.session(), guest.connection.canceller());
        let done = self.call(&transaction, prepared, session, canceller).await?;
        settle(door, guest, &transaction).await?;
        self.write_apart(door, guest, &transaction, prepared, done).await?;
        self.commit_apart(guest, &transaction).await?;
        Ok(done)
    }

    /// Asks the control session whether the step may go on.
    fn check_sql(&self, prepared: &Prepared) -> String {
        format!(
            "SELECT {} AND {}, {}",
            self.held.same_process_expression(),
            self.lock.held_expression(),
            self.precondition(prepared).expression,
        )
    }

    fn allowed(&self, answer: Result<Vec<TextRow>, DbError>, prepared: &Prepared) -> Result<(), StepError> {
        let row = last_row(answer.map_err(StepError::Settle)?).unwrap_or_default();
        match row.as_slice() {
            [Some(held), Some(holds)] if [held, holds] == ["t", "t"] => Ok(()),
            [Some(held), _] if held == "t" => {
                Err(StepError::Precondition(self.precondition(prepared).violated))
            }
            _ => Err(StepError::LockLost),
        }
    }

    /// Writes the component and the ticket in the control session, and has the
    /// guest redeem it, which writes the ledger in the guest's transaction.
    async fn write_apart(
        &self,
        door: &Door,
        guest: &GuestSession,
        transaction: &Transaction,
        prepared: &Prepared,
        done: Done,
    ) -> Result<(), StepError> {
        let mut control = self.session().await;
        let artifact = &prepared.artifact;
        // Bytes that no row names yet do no harm: they are kept by their digest.
        let is_kept = self.kept.lock().await.contains(&artifact.digest);
        if prepared.step.direction == Direction::Upgrade && !is_kept {
            self.ledger.keep_component(&mut control, artifact.digest, &artifact.bytes).await?;
            self.kept.lock().await.insert(artifact.digest);
        }
        let holder = Holder {
            guest: door.names().guest.clone(),
            process: guest.process,
            transaction: transaction.id.clone(),
        };
        let (check, outcome) = (self.check_sql(prepared), self.outcome(prepared, done));
        let (checked, token) =
            self.ledger.issue_ticket(&mut control, &check, self.run, &holder, &outcome).await;
        drop(control);
        self.allowed(checked, prepared)?;
        let token = token?;
        let session = guest.connection.session();
        let mut session = session.lock().await;
        session.batch(Door::STEP_DOWN).await.map_err(StepError::Settle)?;
        Ok(self.ledger.redeem(&mut session, &token, &prepared.step.revision).await?)
    }

    /// Commits, and asks the control session what became of it: the answer of a
    /// COMMIT can be lost, and can be wrong.
    async fn commit_apart(&self, guest: &GuestSession, transaction: &Transaction) -> Result<(), StepError> {
        self.stop.commits(true);
        let answer = guest.connection.session().lock().await.batch("COMMIT").await;
        let status = self.status_of(&mut *self.session().await, transaction).await;
        let became = match status {
            Ok(status) => super::step::ended(&status, answer.err()),
            Err(lost) if lost.is_connection_lost() => self.ask_anew(transaction, lost).await,
            Err(error) => Err(StepError::CommitUnknown(error.to_string())),
        };
        self.decided(became)
    }

    /// Ends the guest's session. What it is still doing in the server must not
    /// go on without us.
    async fn see_out(&self, guest: GuestSession, committed: bool) {
        let GuestSession { connection, process } = guest;
        if !committed {
            let session = connection.session();
            let rollback = async {
                self.vacated().await;
                session.lock().await.batch("ROLLBACK").await
            };
            let is_over = match tokio::time::timeout(self.patience(CANCEL_GRACE), rollback).await {
                Ok(Ok(_)) => true,
                Ok(Err(error)) => error.is_connection_lost(),
                Err(_) => false,
            };
            let mut control = self.session().await;
            if !is_over {
                let patience = self.patience(CANCEL_GRACE).as_millis();
                let sql = format!("SELECT pg_catalog.pg_terminate_backend({process}, {patience})");
                if let Err(error) = control.batch(&sql).await {
                    tracing::debug!("the guest's session could not be ended: {error}");
                }
            }
            if let Err(error) = self.ledger.clear_tickets(&mut control).await {
                tracing::debug!("a ticket is left until it runs out, or until the next run: {error}");
            }
        }
        connection.close().await;
    }
}

async fn begin(guest: &GuestSession, prepared: &Prepared) -> Result<Transaction, StepError> {
    let rows = guest.connection.session().lock().await.batch(BEGIN).await.map_err(StepError::Begin)?;
    let unexpected = || StepError::Begin(DbError::Value("the server gave no transaction".into()));
    let row = last_row(rows).ok_or_else(unexpected)?;
    let [Some(id), Some(time)] = row.as_slice() else {
        return Err(unexpected());
    };
    let bits = u64::from_str_radix(time, 16).map_err(|_| unexpected())?;
    let first = prepared.step.revision.clone();
    Ok(Transaction { id: id.clone(), first, time: bits.cast_signed() })
}

/// Ends the migration's part and makes sure that this is still the transaction,
/// and the user, that it began with.
async fn settle(door: &Door, guest: &GuestSession, transaction: &Transaction) -> Result<(), StepError> {
    let rows = guest.connection.session().lock().await.batch(SETTLE).await.map_err(StepError::Settle)?;
    let row = last_row(rows).unwrap_or_default();
    let [same, session, current, process] = row.as_slice() else {
        return Err(StepError::LeftTransaction);
    };
    if same.as_deref() != Some(&transaction.id) || process.as_deref() != Some(&guest.process.to_string()) {
        return Err(StepError::LeftTransaction);
    }
    let names = door.names();
    let found = [session, current].map(|name| name.as_deref().unwrap_or_default());
    match found == [names.guest.as_str(), names.owner.as_str()] {
        true => Ok(()),
        false => Err(StepError::Guest(SandboxError::WrongSession {
            found: found.join(" as "),
            expected: format!("{} as {}", names.guest, names.owner),
        })),
    }
}
