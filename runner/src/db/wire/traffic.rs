//! When bytes passed last: how long a server has been silent.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::state::Wire;

/// When bytes passed last, either way.
#[derive(Debug)]
pub(super) struct LastMoved {
    /// When the connection began.
    began: Instant,
    /// How long after that, in milliseconds.
    after: AtomicU64,
}

impl Default for LastMoved {
    fn default() -> Self {
        Self { began: Instant::now(), after: AtomicU64::new(0) }
    }
}

impl LastMoved {
    pub(super) fn now(&self) {
        self.after.store(self.age(), Ordering::Relaxed);
    }

    fn age(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn quiet(&self) -> Duration {
        Duration::from_millis(self.age().saturating_sub(self.after.load(Ordering::Relaxed)))
    }
}

/// What passes on a connection, seen from beside it: also while somebody else
/// uses its session.
#[derive(Clone)]
pub struct Traffic(Arc<Wire>);

impl Traffic {
    pub(in crate::db) fn of(wire: &Arc<Wire>) -> Self {
        Self(Arc::clone(wire))
    }

    /// How long nothing has passed, either way: the server works or waits, or
    /// nobody asks it anything.
    pub fn quiet(&self) -> Duration {
        self.0.moved.quiet()
    }
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traffic").field(&self.quiet()).finish()
    }
}
