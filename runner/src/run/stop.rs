//! Being told to stop, in the middle of a run.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::db::Canceller;
use crate::revision::{Direction, RevisionId};
use crate::source::BuildStop;

use super::RunError;

/// How long a migration whose statement was cancelled may take to end by itself.
/// Most do at once, and say which statement it was.
pub(super) const CALL_GRACE: Duration = Duration::from_millis(400);
/// How long a whole step may go on: after that the server does not answer.
pub(super) const STEP_GRACE: Duration = Duration::from_secs(1);
/// How long the server is given for what comes then, each: a request to cancel,
/// a rollback, the end of our process, the line of the journal.
pub(super) const ANSWER_GRACE: Duration = Duration::from_millis(250);
/// How long it may take to hear that the connection is closed.
pub(super) const CLOSE_GRACE: Duration = Duration::from_millis(150);

/// Whether a run was told to stop, what is to be stopped, and how far it is.
#[derive(Default)]
pub(super) struct Stop {
    told: watch::Sender<bool>,
    /// What cancels the statement that is running; none while there is no
    /// connection.
    canceller: Mutex<Option<Canceller>>,
    /// What ends the compiler.
    builds: BuildStop,
    so_far: Mutex<SoFar>,
}

/// How far a run is, or was when it was told to stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SoFar {
    /// The steps that are committed, in order. `redo` has both directions.
    pub done: Vec<(Direction, RevisionId)>,
    /// The steps that ran in a transaction that is not committed; where the
    /// whole run is one, that may be several.
    pub open: Vec<(Direction, RevisionId)>,
    /// Of the open step, if it is one without a transaction: how many of its
    /// statements are done and stay, and how many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partly: Option<(usize, usize)>,
    /// Whether the server was asked to commit them, and has not answered.
    pub committing: bool,
    /// The steps that were not begun.
    pub not_tried: Vec<RevisionId>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves no value half written here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stop {
    /// From now on statements run on this session.
    pub(super) fn concerns(&self, canceller: &Canceller) {
        *locked(&self.canceller) = Some(canceller.clone());
    }

    /// Tells the run to stop: cancels what it is doing in the server, and ends
    /// the compiler.
    pub(super) async fn tell(&self) {
        self.told.send_replace(true);
        self.builds.stop();
        let canceller = locked(&self.canceller).clone();
        if let Some(canceller) = canceller
            && let Err(error) = canceller.cancel().await
        {
            tracing::debug!("the running statement could not be cancelled: {error}");
        }
    }

    /// Whether the run was told.
    pub(super) fn is_told(&self) -> bool {
        *self.told.borrow()
    }

    /// Waits until the run is told.
    pub(super) async fn told(&self) {
        // The sender is ours, so this does not fail.
        let _ = self.told.subscribe().wait_for(|told| *told).await;
    }

    /// Waits until the run is told, and then as long as something is given to
    /// end by itself.
    pub(super) async fn told_and(&self, grace: Duration) {
        self.told().await;
        tokio::time::sleep(grace).await;
    }

    /// Gives work up as soon as the run is told to stop. For what may be dropped
    /// at any point: all that has changed nothing yet.
    pub(super) async fn or_stop<T>(
        &self,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        tokio::select! {
            biased;
            () = self.told() => Err(RunError::Interrupted),
            result = work => result,
        }
    }

    /// What ends the compiler.
    pub(super) fn builds(&self) -> &BuildStop {
        &self.builds
    }

    /// How far the run is.
    pub(super) fn so_far(&self) -> SoFar {
        locked(&self.so_far).clone()
    }

    /// The steps that are to come are these, in order.
    pub(super) fn expect(&self, steps: impl Iterator<Item = RevisionId>) {
        let mut so_far = locked(&self.so_far);
        so_far.open.clear();
        so_far.not_tried = steps.collect();
    }

    /// A step begins.
    pub(super) fn begins(&self, direction: Direction, revision: &RevisionId) {
        let mut so_far = locked(&self.so_far);
        so_far.committing = false;
        so_far.partly = None;
        so_far.not_tried.retain(|other| other != revision);
        so_far.open.push((direction, revision.clone()));
    }

    /// So many statements of the open step, which has no transaction, are done.
    pub(super) fn done_partly(&self, done: usize, total: usize) {
        locked(&self.so_far).partly = Some((done, total));
    }

    /// The server is asked to commit, or has answered.
    pub(super) fn commits(&self, asked: bool) {
        locked(&self.so_far).committing = asked;
    }

    /// What was open is committed.
    pub(super) fn committed(&self) {
        let mut so_far = locked(&self.so_far);
        let open = std::mem::take(&mut so_far.open);
        so_far.done.extend(open);
        so_far.partly = None;
        so_far.committing = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RevisionId {
        RevisionId::new(text).expect("an id")
    }

    #[test]
    fn it_knows_what_is_done_and_what_is_open() {
        let stop = Stop::default();
        stop.expect(["a", "b", "c"].into_iter().map(id));
        stop.begins(Direction::Upgrade, &id("a"));
        stop.committed();
        stop.begins(Direction::Upgrade, &id("b"));
        let so_far = stop.so_far();
        assert_eq!(so_far.done, [(Direction::Upgrade, id("a"))]);
        assert_eq!(so_far.open, [(Direction::Upgrade, id("b"))]);
        assert_eq!(so_far.not_tried, [id("c")]);
    }

    #[tokio::test]
    async fn work_is_given_up_when_it_is_told() {
        let stop = Stop::default();
        assert!(stop.or_stop(async { Ok(7) }).await.is_ok());
        stop.tell().await;
        let forever = stop.or_stop(std::future::pending::<Result<(), RunError>>()).await;
        assert!(matches!(forever, Err(RunError::Interrupted)));
    }
}
