//! Coming by the lock, and letting a run go: whatever a command does to a
//! database, it does under the lock of its ledger, and can be told to stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::db::{AdvisoryLock, Between, Connection, Held, Waiting, between};
use crate::ledger::Applied;
use crate::revision::RevisionId;

use super::event::milliseconds;
use super::migrator::APPLICATION_NAME;
use super::read::refuse_read_only;
use super::stop::{ANSWER_GRACE, CLOSE_GRACE};
use super::{Event, Migrator, RunError, SoFar};

impl Migrator {
    /// Waits for another runner for at most so long, whatever `runner.toml`
    /// says; not at all if it is zero.
    pub fn waiting_for_lock(mut self, wait: Option<Duration>) -> Self {
        if let Some(wait) = wait {
            self.settings.lock_wait = wait;
        }
        self
    }

    /// Tells a run to stop: the statement that is running is cancelled, a
    /// migration that computes is stopped, and so is a wait for the lock or a
    /// compiler. What is committed stays, and everything else is rolled back.
    ///
    /// From then on this migrator begins nothing any more.
    pub async fn interrupt(&self) {
        self.stop.tell().await;
    }

    /// How far the run is; for whoever gives it up before it has ended.
    pub fn so_far(&self) -> SoFar {
        self.stop.so_far()
    }

    /// Takes the lock, unless a connection pool is in between that would not
    /// keep it for us.
    pub(super) async fn acquire(
        &self,
        connection: &Connection,
        lock: AdvisoryLock,
    ) -> Result<Held, RunError> {
        self.stop.or_stop(self.acquire_on(connection, lock)).await
    }

    async fn acquire_on(&self, connection: &Connection, lock: AdvisoryLock) -> Result<Held, RunError> {
        refuse_read_only(connection)?;
        if between(connection, &self.location, APPLICATION_NAME).await? == Between::Unknown {
            tracing::warn!(
                "There is a proxy between the runner and the server, and it gave no second connection: whether it \
                 keeps one session for the whole run could not be found out. It is checked again in each step."
            );
        }
        let reporter = Arc::clone(&self.reporter);
        let on_wait = move |Waiting { holder, waited, left }: Waiting| {
            reporter(Event::WaitingForLock {
                holder,
                waited_ms: milliseconds(waited),
                left_ms: milliseconds(left),
            });
        };
        let session = connection.session();
        let mut session = session.lock().await;
        Ok(lock.acquire(&mut session, self.settings.lock_wait, on_wait).await?)
    }

    /// Releases the lock; the end of the session does it too.
    pub(super) async fn release(&self, connection: &Connection, lock: AdvisoryLock) {
        let release = async { lock.release(&mut *connection.session().lock().await).await };
        let released = tokio::select! {
            biased;
            released = release => released,
            () = self.stop.told_and(ANSWER_GRACE) => return,
        };
        if let Err(error) = released {
            tracing::debug!("the lock could not be released ({error}); the server does it by itself");
        }
    }

    /// Closes a connection, without waiting for long if the run was told to
    /// stop.
    pub(super) async fn close(&self, connection: Connection) {
        match self.stop.is_told() {
            true => connection.close_within(CLOSE_GRACE).await,
            false => connection.close().await,
        }
    }

    /// Says what another runner has done between two looks at the ledger.
    pub(super) fn report_changes(
        &self,
        before: &BTreeMap<RevisionId, Applied>,
        now: &BTreeMap<RevisionId, Applied>,
    ) {
        let missing = |from: &BTreeMap<RevisionId, Applied>, other: &BTreeMap<RevisionId, Applied>| {
            from.keys().filter(|id| !other.contains_key(*id)).cloned().collect::<Vec<_>>()
        };
        let (applied, reverted) = (missing(now, before), missing(before, now));
        if !applied.is_empty() || !reverted.is_empty() {
            (self.reporter)(Event::ChangedMeanwhile { applied, reverted });
        }
    }
}
