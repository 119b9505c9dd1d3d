//! Ending a build, or a download, that runs elsewhere.

use std::io;
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Ends the build or the download that it was given to, and lets none begin after that. Clones
/// are the same one.
#[derive(Clone, Debug, Default)]
pub struct BuildStop {
    state: Arc<Mutex<State>>,
    told: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    /// The compiler that runs.
    child: Option<Child>,
}

/// A compiler that runs.
pub(super) struct Running {
    stop: BuildStop,
}

impl BuildStop {
    /// Ends the compiler, if one runs, and whatever waits for [`Self::stopped`].
    pub fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        self.told.notify_waiters();
        // One that has ended already needs no end.
        if let Some(child) = &mut state.child
            && let Err(error) = child.kill()
        {
            tracing::debug!("the compiler could not be ended: {error}");
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Waits until it is stopped.
    pub(super) async fn stopped(&self) {
        let mut told = std::pin::pin!(self.told.notified());
        // From here on it is told, so that nothing is missed before it is asked.
        told.as_mut().enable();
        if !self.is_stopped() {
            told.await;
        }
    }

    /// Starts a compiler whose standard output is piped; none where it was
    /// stopped before.
    pub(super) fn spawn(&self, command: &mut Command) -> io::Result<Option<(Running, ChildStdout)>> {
        let mut state = self.state();
        if state.stopped {
            return Ok(None);
        }
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("its output is not piped"))?;
        state.child = Some(child);
        Ok(Some((Running { stop: self.clone() }, output)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves no value half written here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Waits for its end, which follows the end of its output.
    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        let child = self.stop.state().child.take();
        child.ok_or_else(|| io::Error::other("it was waited for already"))?.wait()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::process::Stdio;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_compiler_that_runs_is_ended_and_none_begins_after_that() {
        let stop = BuildStop::default();
        let mut command = Command::new("sleep");
        command.arg("60").stdout(Stdio::piped());
        let (mut running, mut output) = stop.spawn(&mut command).expect("starts").expect("not stopped");
        let began = Instant::now();
        stop.stop();
        output.read_to_end(&mut Vec::new()).expect("its end");
        assert!(!running.wait().expect("ends").success());
        assert!(began.elapsed().as_secs() < 30);
        assert!(stop.spawn(&mut command).expect("no error").is_none());
    }
}
