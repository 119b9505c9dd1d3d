//! What a component says about itself.

use std::sync::Arc;

use wasmtime::{Engine, Store};

use super::bindings::exports::runner::migration::migration as wit;
use super::call;
use super::component::Component;
use super::error::CallError;
use super::limits::Limits;
use super::state::State;
use super::trap;

/// What a component says about itself. All of it is guest-controlled.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The component's name, as in `repair-text`.
    pub name: String,
    /// The component's own version.
    pub version: String,
    /// One sentence: what it does to the database.
    pub summary: String,
    /// The JSON Schema of its parameters, an object.
    pub params_schema: serde_json::Value,
    /// What it needs to be allowed to do.
    pub capabilities: Vec<CapabilityRequest>,
}

/// One thing that a component needs to be allowed to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityRequest {
    /// The capability's name as the manifest spells it.
    pub name: String,
    /// What it is needed on; `${param}` stands for a parameter's value.
    pub targets: Vec<String>,
    /// One sentence for the reviewer.
    pub reason: String,
}

pub(super) async fn describe(
    engine: &Engine,
    limits: &Arc<Limits>,
    component: &Component,
) -> Result<Description, CallError> {
    let mut store = call::store(engine, State::for_description(Arc::clone(limits)));
    let answer = invoke(&mut store, component).await;
    let mut state = store.into_data();
    state.clock.pause();
    answer.map_err(|error| trap::classify(&error, &state)).and_then(plain)
}

async fn invoke(store: &mut Store<State>, component: &Component) -> wasmtime::Result<wit::Description> {
    store.data_mut().clock.resume();
    let plugin = component.linked().instantiate_async(&mut *store).await?;
    plugin.runner_migration_migration().call_describe(store).await
}

fn plain(description: wit::Description) -> Result<Description, CallError> {
    let wrong = |message: String| CallError::Description { message };
    let params_schema: serde_json::Value = serde_json::from_str(&description.params_schema)
        .map_err(|error| wrong(format!("`params-schema` is not JSON: {error}")))?;
    if !params_schema.is_object() {
        return Err(wrong("`params-schema` is not a JSON object".into()));
    }
    Ok(Description {
        name: description.name,
        version: description.version,
        summary: description.summary,
        params_schema,
        capabilities: description.capabilities.into_iter().map(plain_capability).collect(),
    })
}

fn plain_capability(capability: wit::Capability) -> CapabilityRequest {
    CapabilityRequest { name: capability.name, targets: capability.targets, reason: capability.reason }
}
