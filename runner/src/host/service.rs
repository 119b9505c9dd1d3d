//! The host itself: one engine, one linker, one cache.

use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;
use wasmtime::Engine;
use wasmtime::component::{self as wasm, HasSelf, Linker};

use super::bindings::{Plugin, PluginPre};
use super::cache::Cache;
use super::call::{self, Call};
use super::compile::{self, Compiler};
use super::component::Component;
use super::data::DataConfig;
use super::describe::{self, Description};
use super::error::{CallError, HostError, LoadError};
use super::limits::Limits;
use super::report::Report;
use super::state::State;
use super::{clock, engine, inspect};

/// How a host is set up.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// The limits of every component and call.
    pub limits: Limits,
    /// How bulk changes are made.
    pub data: DataConfig,
    /// Where compiled components are kept; none for nowhere. Made if it is not
    /// there, and not used if anybody else may write to it.
    pub cache: Option<PathBuf>,
    /// Who compiles.
    pub compiler: Compiler,
}

/// Loads and calls components. A copy shares the engine.
#[derive(Clone)]
pub struct Host {
    engine: Engine,
    linker: Linker<State>,
    cache: Option<Cache>,
    compiler: Compiler,
    limits: Arc<Limits>,
    data: DataConfig,
}

impl Host {
    /// Sets the engine up and starts the thread that watches running guests.
    pub fn new(config: HostConfig) -> Result<Self, HostError> {
        let engine = engine::new().map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let linker = linker(&engine).map_err(|error| HostError::Engine(format!("{error:#}")))?;
        clock::start_ticker(&engine).map_err(HostError::Ticker)?;
        let cache = config.cache.as_deref().and_then(|directory| Cache::open(directory, &engine));
        let (limits, data) = (Arc::new(config.limits), config.data);
        Ok(Self { engine, linker, cache, compiler: config.compiler, limits, data })
    }

    /// The limits of every component and call.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Checks a component, compiles it unless the cache has it, and links it.
    pub async fn load(&self, bytes: &[u8]) -> Result<Component, LoadError> {
        inspect::check(bytes, &self.limits)?;
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let compiled = self.compiled(bytes, &digest).await?;
        tracing::debug!(digest = hex::encode(digest), "a component is loaded");
        // A later version adds; what uses nothing of it fits all the same.
        let misfit = |error: wasmtime::Error| match inspect::later_version(bytes, &self.limits) {
            Some(found) => LoadError::Version { found },
            None => LoadError::Interface { message: format!("{error:#}") },
        };
        let linked = self.linker.instantiate_pre(&compiled).and_then(PluginPre::new).map_err(misfit)?;
        Ok(Component::new(digest, linked))
    }

    /// Asks a component what it is.
    pub async fn describe(&self, component: &Component) -> Result<Description, CallError> {
        describe::describe(&self.engine, &self.limits, component).await
    }

    /// Calls `upgrade` or `downgrade` on a fresh instance.
    ///
    /// The future may be dropped at any point; whoever drops it rolls the
    /// transaction back.
    pub async fn call(&self, component: &Component, call: Call) -> Report {
        call::run(&self.engine, &self.limits, self.data, component, call).await
    }

    /// The same on a thread of its own, for components that compute: the session's
    /// bytes are moved meanwhile by the thread that waits here.
    ///
    /// Where the future is dropped, the call ends as soon as the guest yields, and
    /// lets go of the session and of `occupied` then. What it still sent after a
    /// ROLLBACK would be a transaction of its own: whoever rolls back waits for
    /// `occupied` first.
    pub async fn call_on_thread(
        &self,
        component: &Component,
        call: Call,
        occupied: OwnedMutexGuard<()>,
    ) -> Report {
        let (engine, limits, data) = (self.engine.clone(), Arc::clone(&self.limits), self.data);
        let component = component.clone();
        let runtime = tokio::runtime::Handle::current();
        let (waiting, given_up) = tokio::sync::oneshot::channel::<()>();
        let work = move || {
            runtime.block_on(async move {
                let report = tokio::select! {
                    biased;
                    // Nobody sends: this is the sender's end.
                    _ = given_up => None,
                    report = call::run(&engine, &limits, data, &component, call) => Some(report),
                };
                drop(occupied);
                report
            })
        };
        let report = tokio::task::spawn_blocking(work).await;
        drop(waiting);
        report.expect("a call does not panic").expect("somebody waited for it")
    }

    async fn compiled(&self, bytes: &[u8], digest: &[u8; 32]) -> Result<wasm::Component, LoadError> {
        if let Some(found) = self.cache.as_ref().and_then(|cache| cache.load(&self.engine, digest)) {
            return Ok(found);
        }
        let artifact = compile::compile(&self.compiler, &self.engine, bytes, &self.limits).await?;
        // SAFETY: the artifact comes from the compiler that the caller of this
        // library chose, this very program or this very process, through a
        // pipe that nobody else can write to.
        let compiled = unsafe { wasm::Component::deserialize(&self.engine, &artifact) };
        let compiled = compiled.map_err(|error| LoadError::Compile { message: format!("{error:#}") })?;
        if let Some(cache) = &self.cache {
            cache.store(digest, &artifact);
        }
        Ok(compiled)
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    Plugin::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}
