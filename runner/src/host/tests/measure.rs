//! Figures. They are printed by
//! `cargo test --release -p runner --lib -- measure --nocapture --test-threads 1`
//! and only bounded loosely here: the machine may be busy.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{call, guest, host};
use crate::db::fake::FakeSession;
use crate::host::Limits;

#[tokio::test]
async fn measure_load_and_call() {
    const TIMES: u32 = 100;
    let host = host(Limits::default());
    let component = host.load(guest::probe()).await.expect("loads");
    let start = Instant::now();
    for _ in 0..TIMES {
        host.load(guest::probe()).await.expect("loads");
    }
    let load = start.elapsed() / TIMES;
    let start = Instant::now();
    for _ in 0..TIMES {
        call(&host, &component, FakeSession::new(), json!({"kind": "nothing"})).await.succeeded();
    }
    let run = start.elapsed() / TIMES;
    #[expect(clippy::print_stderr, reason = "the figures")]
    {
        eprintln!("load of {} bytes from the cache {load:?}, one call {run:?}", guest::probe().len());
    }
    assert!(load + run < Duration::from_secs(1));
}

#[tokio::test]
async fn measure_host_calls() {
    let limits = Limits { host_calls: 1_000_000, ..Limits::default() };
    let host = host(limits);
    let component = host.load(guest::probe()).await.expect("loads");
    let start = Instant::now();
    let outcome = call(&host, &component, FakeSession::new(), json!({"kind": "host-calls"})).await;
    let each = start.elapsed() / 1_000_000;
    outcome.error();
    #[expect(clippy::print_stderr, reason = "the figures")]
    {
        eprintln!(
            "one host call {each:?}, of it the guest's time {:?}",
            outcome.stats().guest_time / 1_000_000
        );
    }
    assert!(each < Duration::from_micros(10));
}
