//! The guest's processor time: a ticker that makes the guest look up, and a
//! stop watch that runs while the guest's own code does.

use std::thread;
use std::time::{Duration, Instant};

use wasmtime::{Engine, EngineWeak};

/// How often a running guest is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Starts a thread that advances the engine's epoch until the engine is gone.
///
/// A thread of its own, since a task of the runtime would wait for the very
/// guest that it should interrupt.
pub(super) fn start_ticker(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new().name("runner-epoch".into()).spawn(move || tick(&engine))?;
    Ok(())
}

fn tick(engine: &EngineWeak) {
    while let Some(engine) = engine.upgrade() {
        engine.increment_epoch();
        drop(engine);
        thread::sleep(TICK);
    }
}

/// Adds up the time in which the guest's own code runs.
#[derive(Debug)]
pub(super) struct GuestClock {
    spent: Duration,
    /// Since when the guest runs; none while the host does.
    running_since: Option<Instant>,
}

impl GuestClock {
    pub(super) fn stopped() -> Self {
        Self { spent: Duration::ZERO, running_since: None }
    }

    /// The guest begins or goes on.
    pub(super) fn resume(&mut self) {
        self.running_since = Some(Instant::now());
    }

    /// The host takes over.
    pub(super) fn pause(&mut self) {
        if let Some(since) = self.running_since.take() {
            self.spent += since.elapsed();
        }
    }

    /// The time until now.
    pub(super) fn spent(&self) -> Duration {
        self.spent + self.running_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
