//! Being told to stop, in the middle of a run.

use std::sync::Mutex;

use tokio::sync::watch;

use crate::db::Canceller;

/// Whether a run was told to stop, and which statement that concerns.
#[derive(Default)]
pub(super) struct Stop {
    told: watch::Sender<bool>,
    /// What cancels the statement that is running; none while there is no
    /// connection.
    canceller: Mutex<Option<Canceller>>,
}

impl Stop {
    /// A run begins: nobody has told it anything yet.
    pub(super) fn begin(&self, canceller: &Canceller) {
        self.told.send_replace(false);
        self.concerns(canceller);
    }

    /// From now on statements run on another session.
    pub(super) fn concerns(&self, canceller: &Canceller) {
        if let Ok(mut current) = self.canceller.lock() {
            *current = Some(canceller.clone());
        }
    }

    /// Tells the run to stop, and cancels what it is doing in the server.
    pub(super) async fn tell(&self) {
        self.told.send_replace(true);
        let canceller = self.canceller.lock().ok().and_then(|canceller| canceller.clone());
        if let Some(canceller) = canceller
            && let Err(error) = canceller.cancel().await
        {
            tracing::debug!("the running statement could not be cancelled: {error}");
        }
    }

    /// Waits until the run is told.
    pub(super) async fn told(&self) {
        // The sender is ours, so this does not fail.
        let _ = self.told.subscribe().wait_for(|told| *told).await;
    }
}
