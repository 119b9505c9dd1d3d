//! Tests of the host with a session without a server. The guests are the crate
//! `tests/guests/probe`, or modules written as text.

mod guest;
mod honest;
mod hostile;
mod load;
mod measure;

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::json;

use super::{
    Call, Compiler, Component, DataConfig, Grants, Host, HostConfig, Limits, LogLevel, Report, Sink, Stats,
};
use crate::db::fake::FakeSession;
use crate::revision::Direction;

/// One cache for all tests of a run: the probe is compiled once.
static CACHE: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

/// Short enough for tests that loop.
fn short_limits() -> Limits {
    Limits { guest_time_ms: 200, ..Limits::default() }
}

fn host(limits: Limits) -> Host {
    let cache = Some(CACHE.path().join("cache"));
    Host::new(HostConfig { limits, data: DataConfig::default(), cache, compiler: Compiler::InProcess })
        .expect("a host")
}

/// Writes down what a migration reports.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sink for Recorder {
    fn log(&self, level: LogLevel, message: &str) {
        match level {
            LogLevel::Info => self.push(message.to_owned()),
            level => self.push(format!("{level:?}: {message}")),
        }
    }

    fn progress(&self, done: u64, total: Option<u64>) {
        self.push(format!("{done} of {total:?}"));
    }
}

/// What became of a call.
#[derive(Debug)]
struct Outcome {
    report: Report,
    /// What the guest said.
    said: Vec<String>,
    /// What the session was sent.
    sent: Vec<String>,
}

impl Outcome {
    fn stats(&self) -> Stats {
        self.report.stats
    }

    #[track_caller]
    fn succeeded(self) -> Self {
        assert!(self.report.result.is_ok(), "{self:?}");
        self
    }

    #[track_caller]
    fn error(&self) -> &super::CallError {
        self.report.result.as_ref().expect_err("it fails")
    }
}

async fn call(
    host: &Host,
    component: &Component,
    session: FakeSession,
    params: serde_json::Value,
) -> Outcome {
    let (session, sent) = session.shared();
    let recorder = Arc::new(Recorder::default());
    let call = Call {
        direction: Direction::Upgrade,
        params,
        policy: crate::policy::Policy::unrestricted(),
        redactor: crate::revision::Redactor::default(),
        grants: Grants { random: true },
        session,
        transaction_time: Some(42),
        sink: Arc::clone(&recorder) as Arc<dyn Sink>,
    };
    let report = host.call(component, call).await;
    Outcome { report, said: recorder.lines(), sent: sent.lines() }
}

/// Calls the probe.
async fn probe(session: FakeSession, params: serde_json::Value) -> Outcome {
    let host = host(Limits::default());
    let component = host.load(guest::probe()).await.expect("loads");
    call(&host, &component, session, params).await
}

/// The next call on the same host, after whatever happened.
async fn next_call_succeeds(host: &Host) {
    let component = host.load(guest::probe()).await.expect("loads");
    let next =
        call(host, &component, FakeSession::new(), json!({"kind": "execute", "sql": "select 1"})).await;
    assert_eq!(next.succeeded().said, ["1 rows"]);
}
