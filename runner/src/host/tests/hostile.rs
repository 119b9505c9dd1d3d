//! Guests that try what they may not do. Each fails with its own class of
//! error, and the next call succeeds.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::guest::{guest, probe as probe_bytes};
use super::{Outcome, call, host, next_call_succeeds, short_limits};
use crate::db::Type;
use crate::db::fake::{FakeSession, column};
use crate::host::{CallError, Constraint, Limits};

fn session() -> FakeSession {
    let columns = vec![column("id", Type::INT4), column("name", Type::TEXT)];
    FakeSession::new().with_table("\"t\"", columns.clone()).with_result(
        "select * from t",
        columns,
        vec![vec![None, None]; 3],
    )
}

async fn run(limits: Limits, params: Json) -> Outcome {
    let host = host(limits);
    let component = host.load(probe_bytes()).await.expect("loads");
    let outcome = call(&host, &component, session(), params).await;
    next_call_succeeds(&host).await;
    outcome
}

async fn kind(kind: &str) -> Outcome {
    kind_within(Limits::default(), kind).await
}

async fn kind_within(limits: Limits, kind: &str) -> Outcome {
    run(limits, json!({"kind": kind, "table": "t", "sql": "select * from t"})).await
}

/// Less for a call than what the guests hand over.
fn short_calls() -> Limits {
    Limits { call_bytes: 16 << 20, ..Limits::default() }
}

/// Runs a guest that is given as text.
async fn text(items: &str, body: &str) -> Outcome {
    let host = host(short_limits());
    let component = host.load(&guest(items, body)).await.expect("loads");
    let outcome = call(&host, &component, session(), json!({})).await;
    next_call_succeeds(&host).await;
    outcome
}

#[track_caller]
fn reached(outcome: &Outcome) -> Constraint {
    match outcome.error() {
        CallError::Limit { constraint } => *constraint,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn crashed(outcome: &Outcome) -> &str {
    match outcome.error() {
        CallError::Trap { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_endless_loop_runs_out_of_time() {
    let start = Instant::now();
    let outcome = run(short_limits(), json!({"kind": "loop"})).await;
    assert_eq!(reached(&outcome), Constraint::GuestTime { limit_ms: 200 });
    assert!(outcome.stats().guest_time >= Duration::from_millis(200));
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_loop_before_the_call_runs_out_of_time() {
    let outcome = text("(func $begin (loop $again (br $again))) (start $begin)", "").await;
    assert_eq!(reached(&outcome), Constraint::GuestTime { limit_ms: 200 });
}

#[tokio::test]
async fn endless_host_calls_are_counted() {
    let outcome =
        run(Limits { host_calls: 10_000, ..Limits::default() }, json!({"kind": "host-calls"})).await;
    assert_eq!(reached(&outcome), Constraint::HostCalls { limit: 10_000 });
    let outcome = run(Limits { host_calls: 1_000, ..Limits::default() }, json!({"kind": "statements"})).await;
    assert_eq!(reached(&outcome), Constraint::HostCalls { limit: 1_000 });
    assert_eq!(outcome.stats().host_calls, 1_001);
}

#[tokio::test]
async fn statements_are_counted_where_one_call_has_many() {
    let limits = Limits { statements: 10, ..Limits::default() };
    let outcome = run(limits.clone(), json!({"kind": "script", "sql": "select 1;".repeat(11)})).await;
    assert_eq!(reached(&outcome), Constraint::Statements { limit: 10 });
    assert_eq!(outcome.sent.len(), 10);
    run(limits, json!({"kind": "script", "sql": "select 1;".repeat(10)})).await.succeeded();
}

#[tokio::test]
async fn a_call_that_hands_over_too_much_is_stopped() {
    let outcome = kind_within(short_calls(), "huge-writes").await;
    assert_eq!(reached(&outcome), Constraint::CallBytes { limit: 16 << 20 });
}

#[tokio::test]
async fn a_million_nested_lists_are_too_much_for_one_call() {
    let outcome = kind_within(short_calls(), "nested-lists").await;
    assert_eq!(reached(&outcome), Constraint::CallBytes { limit: 16 << 20 });
}

#[tokio::test]
async fn allocation_without_end_reaches_the_budget() {
    let outcome = kind("allocate").await;
    assert_eq!(reached(&outcome), Constraint::Memory { limit: 256 << 20 });
    assert!(outcome.stats().peak_memory <= 256 << 20, "{:?}", outcome.stats());
    assert!(outcome.stats().peak_memory >= 128 << 20, "{:?}", outcome.stats());
}

#[tokio::test]
async fn a_memory_that_begins_too_large_is_refused() {
    let host = host(Limits { memory_bytes: 1 << 16, ..Limits::default() });
    let component = host.load(probe_bytes()).await.expect("loads");
    let outcome = call(&host, &component, session(), json!({"kind": "nothing"})).await;
    assert_eq!(reached(&outcome), Constraint::Memory { limit: 1 << 16 });
}

#[tokio::test]
async fn a_table_that_grows_without_end_is_refused() {
    let outcome = text(
        "(table $t 1 funcref)",
        "(if (i32.eq (table.grow $t (ref.null func) (i32.const 1000000)) (i32.const -1)) (then unreachable))",
    )
    .await;
    assert_eq!(reached(&outcome), Constraint::TableElements { limit: 100_000 });
}

#[tokio::test]
async fn tables_are_counted() {
    let outcome = text(&"(table 1 funcref)".repeat(10), "").await;
    assert_eq!(reached(&outcome), Constraint::Tables { limit: 4 });
}

#[tokio::test]
async fn recursion_without_end_reaches_the_stack() {
    assert_eq!(reached(&kind("recurse").await), Constraint::Stack);
    let outcome = text("(func $f (call $f))", "(call $f)").await;
    assert_eq!(reached(&outcome), Constraint::Stack);
}

#[tokio::test]
async fn handles_without_end_are_counted() {
    let outcome = kind("handles").await;
    assert_eq!(reached(&outcome), Constraint::Handles { limit: 64 });
    assert!(outcome.sent.len() <= 66, "{}", outcome.sent.len());
}

#[tokio::test]
async fn a_pointer_outside_the_memory_is_a_crash_of_the_guest() {
    for length in ["100", "0x7fffffff", "-1"] {
        let outcome =
            text("", &format!("(call $log (i32.const 2) (i32.const 0xfffffff0) (i32.const {length}))")).await;
        assert!(matches!(outcome.error(), CallError::Trap { .. } | CallError::Limit { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_text_that_is_not_utf8_is_a_crash_of_the_guest() {
    let outcome =
        text(r#"(data (i32.const 0) "\ff\ff")"#, "(call $log (i32.const 2) (i32.const 0) (i32.const 2))")
            .await;
    assert!(crashed(&outcome).contains("utf-8"), "{outcome:?}");
}

#[tokio::test]
async fn a_case_that_does_not_exist_is_a_crash_of_the_guest() {
    let outcome = text("", "(call $log (i32.const 99) (i32.const 0) (i32.const 2))").await;
    crashed(&outcome);
}

#[tokio::test]
async fn a_handle_after_its_end_is_a_crash_of_the_guest() {
    crashed(&text("", "(call $drop (local.get $lent))").await);
    crashed(&text("", "(call $savepoint (i32.const 17) (i32.const 64))").await);
    crashed(&text("", "(call $drop-savepoint (local.get $lent))").await);
}

#[tokio::test]
async fn a_lent_handle_that_is_kept_is_a_crash_of_the_guest() {
    let outcome = text("", "(return (i32.const 1024))").await;
    crashed(&outcome);
}

#[tokio::test]
async fn an_answer_outside_the_memory_is_a_crash_of_the_guest() {
    crashed(&text("", "(call $drop (local.get $lent)) (return (i32.const -4))").await);
}

#[tokio::test]
async fn a_panic_is_a_crash_with_the_functions_that_were_active() {
    let outcome = kind("panic").await;
    let CallError::Trap { message, backtrace } = outcome.error() else { panic!("{outcome:?}") };
    assert!(message.contains("unreachable"), "{message}");
    assert!(!backtrace.is_empty());
}

#[tokio::test]
async fn an_error_that_was_swallowed_prevents_the_commit() {
    let outcome = run(Limits::default(), json!({"kind": "swallow", "sql": "select  fail('23505')"})).await;
    assert_eq!(outcome.said, ["database 23505 at Some(9)", "database 25P02 at None"]);
    assert_eq!(outcome.sent, ["select  fail('23505')"], "nothing more was sent");
    let CallError::Aborted { statement } = outcome.error() else { panic!("{outcome:?}") };
    assert_eq!(statement.text, "select  fail('23505')");
    assert_eq!(statement.position, Some(9));
    assert_eq!(outcome.report.last_error.as_ref(), Some(statement));
}

#[tokio::test]
async fn statements_that_end_the_transaction_are_not_sent() {
    for sql in ["commit", "rollback", "select 1; commit", "/**/ end", "savepoint x"] {
        for kind in ["execute", "query", "script", "reader-rows"] {
            let outcome = run(Limits::default(), json!({"kind": kind, "sql": sql})).await;
            assert!(matches!(outcome.error(), CallError::Sql { .. }), "{kind} {sql}: {outcome:?}");
            assert_eq!(outcome.sent, [""; 0], "{kind} {sql}");
        }
    }
}

#[tokio::test]
async fn a_reader_that_is_left_open_is_closed() {
    let outcome = kind("reader-left-open").await.succeeded();
    assert_eq!(outcome.sent.last().map(String::as_str), Some("close 1"));
}

#[tokio::test]
async fn a_writer_that_is_not_finished_prevents_the_commit() {
    for case in ["writer-dropped", "writer-left-open"] {
        let outcome = kind(case).await;
        assert_eq!(outcome.error(), &CallError::UnfinishedWriter { table: "\"t\"".into() });
    }
}

#[tokio::test]
async fn bytes_that_are_no_tuples_are_not_sent() {
    let outcome = kind("bad-framing").await;
    assert!(outcome.error().to_string().contains("tuple 1"), "{outcome:?}");
    assert!(!outcome.sent.iter().any(|line| line.starts_with("copy")), "{:?}", outcome.sent);
}

#[tokio::test]
async fn the_names_of_a_writer_cannot_smuggle_sql() {
    for table in ["t from program 'id'", "t (a) from stdin; drop table t; --", "(select 1)"] {
        let outcome = run(Limits::default(), json!({"kind": "writer-dropped", "table": table})).await;
        assert!(matches!(outcome.error(), CallError::Sql { .. }), "{outcome:?}");
        assert_eq!(outcome.sent, [""; 0]);
    }
}

#[tokio::test]
async fn log_messages_beyond_the_limit_are_dropped_and_said_so_once() {
    let limits = Limits { log_bytes: 2500, ..Limits::default() };
    let outcome = run(limits, json!({"kind": "log", "times": "100"})).await.succeeded();
    assert_eq!(outcome.said.len(), 3);
    assert!(outcome.said[2].starts_with("Warn: the limit of 2500 bytes"), "{}", outcome.said[2]);
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_the_host_as_it_was() {
    let host = host(Limits::default());
    let component = host.load(probe_bytes()).await.expect("loads");
    for params in [json!({"kind": "loop"}), json!({"kind": "execute", "sql": "select hang()"})] {
        let call = call(&host, &component, session(), params);
        tokio::time::timeout(Duration::from_millis(100), call).await.expect_err("dropped");
    }
    next_call_succeeds(&host).await;
}

#[tokio::test]
async fn two_calls_at_once_do_not_disturb_each_other() {
    let host = host(short_limits());
    let component = host.load(probe_bytes()).await.expect("loads");
    let endless = call(&host, &component, session(), json!({"kind": "loop"}));
    let honest = async {
        let mut said = Vec::new();
        for _ in 0..20 {
            let params = json!({"kind": "execute", "sql": "select 1"});
            said.extend(call(&host, &component, session(), params).await.succeeded().said);
            tokio::task::yield_now().await;
        }
        said
    };
    let (endless, said) = tokio::join!(endless, honest);
    assert_eq!(reached(&endless), Constraint::GuestTime { limit_ms: 200 });
    assert_eq!(said.len(), 20);
}

#[tokio::test]
async fn time_in_the_host_is_not_the_guests() {
    let host = host(Limits { guest_time_ms: 100, ..Limits::default() });
    let component = host.load(probe_bytes()).await.expect("loads");
    let (session, _) = session().shared();
    let guard = std::sync::Arc::clone(&session).lock_owned().await;
    let call = crate::host::Call {
        direction: crate::revision::Direction::Upgrade,
        params: json!({"kind": "execute", "sql": "select 1"}),
        policy: crate::policy::Policy::unrestricted(),
        redactor: crate::revision::Redactor::default(),
        grants: crate::host::Grants::default(),
        session,
        transaction_time: Some(0),
        sink: std::sync::Arc::new(super::Recorder::default()),
    };
    let release = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        drop(guard);
    };
    let (report, ()) = tokio::join!(host.call(&component, call), release);
    assert!(report.result.is_ok(), "{report:?}");
    assert!(report.stats.guest_time < Duration::from_millis(100), "{report:?}");
}
