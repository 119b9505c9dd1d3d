//! One call, from the store to the report.

use std::fmt;
use std::sync::Arc;

use wasmtime::{Engine, Store, UpdateDeadline};

use super::bindings::types::Failure;
use super::component::Component;
use super::convert::error_wit_to_plain;
use super::data::DataConfig;
use super::error::{CallError, Constraint};
use super::limits::Limits;
use super::report::Report;
use super::state::State;
use super::transaction::Lent;
use super::trap;
use super::work::Work;
use crate::db::SharedSession;
use crate::policy::Policy;
use crate::revision::{Capabilities, Direction, Redactor};

/// What a component is called with.
pub struct Call {
    /// `upgrade` or `downgrade`.
    pub direction: Direction,
    /// The revision's parameters, an object. They may hold secrets.
    pub params: serde_json::Value,
    /// What its statements may do.
    pub policy: Policy,
    /// Keeps the secrets among them out of the report.
    pub redactor: Redactor,
    /// What the manifest grants beside SQL.
    pub grants: Grants,
    /// The session, inside the transaction that is lent.
    pub session: SharedSession,
    /// The time at which the transaction began, in microseconds since
    /// 2000-01-01 00:00 UTC. None while a script is written: it runs at another
    /// time, and must be the same whenever it is written.
    pub transaction_time: Option<i64>,
    /// Who hears what the migration reports.
    pub sink: Arc<dyn Sink>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The parameters may hold secrets.
        f.debug_struct("Call")
            .field("direction", &self.direction)
            .field("grants", &self.grants)
            .field("transaction_time", &self.transaction_time)
            .finish_non_exhaustive()
    }
}

/// What a manifest grants beside SQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Random bytes.
    pub random: bool,
}

/// How much a message of a migration matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Every detail.
    Trace,
    /// For the author.
    Debug,
    /// For the operator.
    Info,
    /// Something to look at; the migration goes on.
    Warn,
    /// Something went wrong.
    Error,
}

/// Hears what a migration reports while it runs. Texts are guest-controlled.
pub trait Sink: Send + Sync {
    /// A message.
    fn log(&self, level: LogLevel, message: &str);

    /// Work done and, if it is known, expected, in a unit of the migration's
    /// choice.
    fn progress(&self, done: u64, total: Option<u64>);

    /// A statement that is about to be sent.
    fn statement(&self, sql: &str) {
        let _ = sql;
    }
}

pub(super) async fn run(
    engine: &Engine,
    limits: &Arc<Limits>,
    data: DataConfig,
    component: &Component,
    call: Call,
) -> Report {
    let (direction, redactor) = (call.direction, call.redactor.clone());
    let mut state = State::for_call(Arc::clone(limits), call);
    state.work.stage_bytes = data.stage_bytes;
    state.work.note_user().await;
    let mut store = store(engine, state);
    let outcome = invoke(&mut store, component, direction).await;
    let mut state = store.into_data();
    state.clock.pause();
    match outcome {
        Ok(Ok(())) => state.work.settle().await,
        Ok(Err(_)) | Err(_) => state.work.abandon().await,
    }
    let result = match outcome {
        Ok(Ok(())) => state.work.objection().map_or(Ok(()), Err),
        Ok(Err(failure)) => Err(state.work.lost().unwrap_or_else(|| failed(&state.work, failure))),
        Err(error) => Err(trap::classify(&error, &state)),
    };
    let returned = match &result {
        Err(CallError::Sql { statement, .. }) => statement.clone(),
        _ => None,
    };
    let last_error = returned.or_else(|| state.work.last_error());
    let mut report = Report { result, last_error, stats: state.stats(), used: used(&state) };
    report.hide(&redactor);
    report
}

/// The least that a manifest has to grant for what the call did.
fn used(state: &State) -> Capabilities {
    Capabilities { random: state.used_random, ..state.work.policy().used() }
}

/// Makes a store with every limit armed: a `start` function can loop.
pub(super) fn store(engine: &Engine, state: State) -> Store<State> {
    let limits = Arc::clone(&state.limits);
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(limits.call_bytes);
    // The lent transaction is a handle too.
    store.set_max_component_handles(limits.handles.saturating_add(1));
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        let state = context.data_mut();
        match state.clock.spent() > state.limits.guest_time() {
            true => Err(Constraint::GuestTime { limit_ms: state.limits.guest_time_ms }.into()),
            false => Ok(UpdateDeadline::Yield(1)),
        }
    });
    store
}

async fn invoke(
    store: &mut Store<State>,
    component: &Component,
    direction: Direction,
) -> wasmtime::Result<Result<(), Failure>> {
    store.data_mut().clock.resume();
    let plugin = component.linked().instantiate_async(&mut *store).await?;
    let migration = plugin.runner_migration_migration();
    match direction {
        Direction::Upgrade => migration.call_upgrade(store, Lent::handle()).await,
        Direction::Downgrade => migration.call_downgrade(store, Lent::handle()).await,
    }
}

fn failed(work: &Work, failure: Failure) -> CallError {
    match failure {
        Failure::Sql(error) => {
            let error = error_wit_to_plain(error);
            CallError::Sql { statement: work.statement_of(&error), error }
        }
        Failure::Irreversible(reason) => CallError::Irreversible { reason },
        Failure::Message(message) => CallError::Message(message),
    }
}
