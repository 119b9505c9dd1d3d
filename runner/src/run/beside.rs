//! Work that may take long, beside the runtime: compiling a crate, asking a
//! registry.

use crate::source::BuildStop;

/// Stops what it was made for when it is dropped.
struct Guard(BuildStop);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Runs work on a thread for such work. It is told to stop when whoever waits for
/// it gives up, as on Ctrl-C.
pub(super) async fn beside<T: Send + 'static>(work: impl FnOnce(&BuildStop) -> T + Send + 'static) -> T {
    let guard = Guard(BuildStop::default());
    let stop = guard.0.clone();
    tokio::task::spawn_blocking(move || work(&stop)).await.expect("the work does not panic")
}
