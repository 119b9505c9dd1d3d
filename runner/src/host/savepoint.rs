//! The resource `savepoint`.
//!
//! A handle that is gone without a successful release means a rollback, whether
//! it was dropped, released out of order, or released in an aborted
//! transaction.

use wasmtime::component::Resource;

use super::bindings::sql::HostSavepoint;
use super::state::{Fault, State, host_call};
use super::work::{Sent, Work, observing};
use super::writer::Mark;
use crate::db::SavepointName;
use crate::policy::OwnObjects;

/// A savepoint, on the guest's side.
pub struct Savepoint;

/// A savepoint, on ours.
pub(super) struct OpenSavepoint {
    id: u32,
    name: SavepointName,
    /// Where each open writer was.
    written: Vec<(u32, Mark)>,
    /// What the step had made.
    own: OwnObjects,
}

impl OpenSavepoint {
    pub(super) fn id(&self) -> u32 {
        self.id
    }
}

impl HostSavepoint for State {
    async fn release(&mut self, this: Resource<Savepoint>) -> Result<(), Fault> {
        host_call!(self, self.work.release(this.rep()).await)
    }

    async fn rollback(&mut self, this: Resource<Savepoint>) -> Result<(), Fault> {
        host_call!(self, self.work.roll_back(this.rep()).await)
    }

    async fn drop(&mut self, this: Resource<Savepoint>) -> wasmtime::Result<()> {
        host_call!(self, self.work.drop_savepoint(this.rep()).await);
        Ok(())
    }
}

impl Work {
    pub(super) async fn set_savepoint(&mut self) -> Result<u32, Fault> {
        self.usable()?;
        // What was written before the savepoint must not be undone with it.
        self.flush_all().await?;
        let id = self.next_id();
        let name = SavepointName::random();
        self.run_own(&name.set()).await?;
        let written = self.writers.iter().map(|(id, writer)| (*id, writer.mark())).collect();
        let own = self.policy().own_objects();
        self.savepoints.push(OpenSavepoint { id, name, written, own });
        Ok(id)
    }

    async fn release(&mut self, id: u32) -> Result<(), Fault> {
        if let Err(fault) = self.usable().and_then(|_| self.must_be_innermost(id)) {
            let _ = self.roll_back_to(id).await;
            return Err(fault);
        }
        // What was written since the savepoint belongs to what it keeps.
        let last = self.savepoints.last().expect("it is the innermost");
        let sql = last.name.release();
        self.run_own(&sql).await?;
        self.savepoints.pop();
        Ok(())
    }

    async fn roll_back(&mut self, id: u32) -> Result<(), Fault> {
        let in_order = self.must_be_innermost(id);
        self.roll_back_to(id).await?;
        in_order
    }

    async fn drop_savepoint(&mut self, id: u32) {
        if self.savepoints.iter().any(|savepoint| savepoint.id == id) {
            // An error is remembered, and aborts: dropping cannot report one.
            let _ = self.roll_back_to(id).await;
        }
    }

    fn must_be_innermost(&self, id: u32) -> Result<(), Fault> {
        match self.savepoints.last() {
            Some(last) if last.id == id => Ok(()),
            _ if self.savepoints.iter().any(|savepoint| savepoint.id == id) => Err(Fault::other(
                "order",
                "savepoints nest: one that was set later is still open; both were rolled back",
            )),
            _ => Err(Fault::closed("savepoint")),
        }
    }

    /// Undoes what was done since the savepoint, and forgets it and all that
    /// was opened since.
    pub(super) async fn roll_back_to(&mut self, id: u32) -> Result<(), Fault> {
        self.connected()?;
        let Some(index) = self.savepoints.iter().position(|savepoint| savepoint.id == id) else {
            return Err(Fault::closed("savepoint"));
        };
        let savepoint = self.savepoints.swap_remove(index);
        self.savepoints.truncate(index);
        self.run_own(&savepoint.name.roll_back()).await?;
        self.recovered();
        self.run_own(&savepoint.name.release()).await?;
        self.forget_since(&savepoint).await;
        Ok(())
    }

    async fn forget_since(&mut self, savepoint: &OpenSavepoint) {
        // A statement that was checked since may mean something else now.
        self.statements.clear();
        self.policy_mut().rolled_back(savepoint.own.clone());
        self.unfinished.retain(|id, _| *id < savepoint.id);
        self.writers.retain(|id, _| *id < savepoint.id);
        self.rewind_writers(&savepoint.written);
        self.forget_readers(savepoint.id).await;
    }

    /// Runs a statement of the host's own.
    async fn run_own(&mut self, sql: &str) -> Result<(), Fault> {
        let session = self.connected()?;
        let (answer, observed) = observing!(session, session => session.run_uncounted(sql));
        let tags = ["SAVEPOINT", "RELEASE", "ROLLBACK"];
        self.as_expected(answer, observed, &tags, Sent::whole(sql)).map(drop)
    }
}
