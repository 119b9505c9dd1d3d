//! What belongs to one call: the data of its store.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::bindings::{sql, types};
use super::call::{Call, Grants, LogLevel, Progress, Sink};
use super::clock::GuestClock;
use super::error::Constraint;
use super::limits::Limits;
use super::memory::MemoryBudget;
use super::report::Stats;
use super::work::Work;
use crate::policy::Policy;

/// The state of one call, or of one description.
pub(super) struct State {
    pub(super) limits: Arc<Limits>,
    pub(super) memory: MemoryBudget,
    pub(super) clock: GuestClock,
    pub(super) work: Work,
    /// May hold secrets: never shown.
    pub(super) params: Map<String, Json>,
    pub(super) grants: Grants,
    /// Whether random bytes were asked for.
    pub(super) used_random: bool,
    /// None while a script is written.
    pub(super) transaction_time: Option<i64>,
    pub(super) sink: Arc<dyn Sink>,
    /// The bytes of log messages that are left; none when the host has said
    /// that there are no more.
    pub(super) log_bytes: Option<usize>,
    host_calls: u64,
}

impl State {
    pub(super) fn for_call(limits: Arc<Limits>, call: Call) -> Self {
        let work = Work::new(Some(call.session), call.policy, Arc::clone(&call.sink));
        let params = match call.params {
            Json::Object(params) => params,
            _ => Map::new(),
        };
        Self {
            params,
            grants: call.grants,
            transaction_time: call.transaction_time,
            sink: call.sink,
            ..Self::bare(limits, work)
        }
    }

    /// For `describe`: no database, no parameters, no rights.
    pub(super) fn for_description(limits: Arc<Limits>) -> Self {
        Self::bare(limits, Work::new(None, Policy::unrestricted(), Arc::new(Nowhere)))
    }

    fn bare(limits: Arc<Limits>, work: Work) -> Self {
        Self {
            memory: MemoryBudget::new(&limits),
            clock: GuestClock::stopped(),
            work,
            params: Map::new(),
            grants: Grants::default(),
            used_random: false,
            transaction_time: Some(0),
            sink: Arc::new(Nowhere),
            log_bytes: Some(limits.log_bytes),
            host_calls: 0,
            limits,
        }
    }

    /// Counts a call of the host: the beginning of every host function.
    pub(super) fn count_call(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        match self.host_calls > self.limits.host_calls {
            true => Err(Constraint::HostCalls { limit: self.limits.host_calls }.into()),
            false => Ok(()),
        }
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            statements: self.work.sent(),
            rows: self.work.rows(),
            host_calls: self.host_calls,
            guest_time: self.clock.spent(),
            peak_memory: self.memory.peak(),
        }
    }
}

/// The body of a host function that may wait for the server: counts the call,
/// and stops the guest's clock meanwhile. What the session still does for an
/// earlier call comes first.
///
/// Functions that wait for nobody only count: looking at the clock twice would
/// take longer than they do.
macro_rules! host_call {
    ($state:ident, $body:expr) => {{
        super::state::streaming_call!($state, {
            $state.work.catch_up().await;
            $body
        })
    }};
}
pub(super) use host_call;

/// The same for a function that goes on while the session works for an earlier
/// call. Before it sends anything itself it catches up.
macro_rules! streaming_call {
    ($state:ident, $body:expr) => {{
        $state.count_call()?;
        $state.clock.pause();
        let answer = $body;
        $state.clock.resume();
        answer
    }};
}
pub(super) use streaming_call;

impl sql::Host for State {}

impl types::Host for State {
    fn convert_error(&mut self, fault: Fault) -> wasmtime::Result<types::Error> {
        match fault {
            Fault::Answer(error) => Ok(*error),
            Fault::Trap(error) => Err(error),
        }
    }
}

/// Why a host function did not do what it was asked: an answer to the guest,
/// or the end of the call.
#[derive(Debug)]
pub enum Fault {
    /// The guest gets an error.
    Answer(Box<types::Error>),
    /// The guest is stopped: a limit, or a bug of the host.
    Trap(wasmtime::Error),
}

impl Fault {
    /// An error of the kind that can grow.
    pub(super) fn other(kind: &str, message: impl Into<String>) -> Self {
        types::Error::Other((kind.to_owned(), message.into())).into()
    }

    /// The handle's object is gone.
    pub(super) fn closed(what: &str) -> Self {
        Self::other("closed", format!("the {what} was used after its end"))
    }
}

impl From<types::Error> for Fault {
    fn from(error: types::Error) -> Self {
        Self::Answer(Box::new(error))
    }
}

impl From<wasmtime::Error> for Fault {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

impl From<super::convert::ConvertError> for Fault {
    fn from(error: super::convert::ConvertError) -> Self {
        types::Error::Conversion(error.to_string()).into()
    }
}

/// Where the messages of a description go.
struct Nowhere;

impl Sink for Nowhere {
    fn log(&self, level: LogLevel, message: &str) {
        tracing::debug!(?level, message, "a component logged while it described itself");
    }

    fn progress(&self, _: Progress<'_>) {}

    fn warning(&self, message: &str) {
        tracing::debug!(message, "a component was warned of while it described itself");
    }
}
