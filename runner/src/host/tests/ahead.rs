//! Reading ahead and writing behind: what is sent when, and whose errors are
//! whose.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Outcome, Recorder, call, guest, host};
use crate::db::fake::{FakeSession, column};
use crate::db::{SharedSession, Type};
use crate::host::{Call, CallError, Grants, Limits, Sink};
use crate::revision::Direction;

/// A session with a query of `rows` rows and two tables, of which one takes no
/// rows.
fn session(sql: &str, rows: i32) -> FakeSession {
    let columns = || vec![column("id", Type::INT4), column("name", Type::TEXT)];
    let row = |id: i32| vec![Some(id.to_be_bytes().to_vec()), Some(b"name".to_vec())];
    FakeSession::new()
        .with_table("\"t\"", columns())
        .with_table("\"rejects\"", columns())
        .with_result(sql, columns(), (0..rows).map(row).collect())
        .with_result("select 2", columns(), (0..rows).map(row).collect())
}

async fn steps(session: FakeSession, steps: &str) -> Outcome {
    let host = host(Limits::default());
    let component = host.load(guest::probe()).await.expect("loads");
    call(&host, &component, session, json!({"kind": "steps", "steps": steps})).await
}

/// What was sent from the first fetch on.
fn from_first_fetch(outcome: &Outcome) -> Vec<&str> {
    outcome.sent.iter().map(String::as_str).skip_while(|line| !line.starts_with("fetch")).collect()
}

/// What fails in the row of this number.
fn failing(row: usize) -> String {
    format!("select fail_at({row}, '22012')")
}

#[tokio::test]
async fn a_guest_that_reads_one_batch_and_stops_meets_no_later_error() {
    let sql = failing(300);
    let outcome = steps(session(&sql, 5_000), &format!("open {sql}\nread 0 256\nclose 0")).await.succeeded();
    assert_eq!(outcome.said, ["open: ok", "read: 256", "close: ok"]);
    assert_eq!(from_first_fetch(&outcome), ["fetch 256 from 1", "close 1"]);
}

#[tokio::test]
async fn after_the_second_batch_one_more_is_fetched_ahead() {
    let session = session("select 1", 60_000);
    let outcome = steps(session, "open select 1\nread 0 256\nread 0 256\nrun select 'x'\nclose 0").await;
    let outcome = outcome.succeeded();
    assert_eq!(
        from_first_fetch(&outcome),
        ["fetch 256 from 1", "fetch 256 from 1", "fetch 10000 from 1", "select 'x'", "close 1"]
    );
    assert_eq!(outcome.stats().rows, 513, "the guest has had 512 of them, and one statement ran");
}

#[tokio::test]
async fn all_rows_come_in_order_whatever_the_batch() {
    for rows in [100, 256, 1_000, 9_999] {
        let text = format!("open select 1\nwriter t\ncopy 0 0 {rows}\nclose 0\nfinish 0");
        let outcome = steps(session("select 1", 25_000), &text).await.succeeded();
        assert_eq!(outcome.said.last().map(String::as_str), Some("finish: 25000"), "{rows}");
        assert_eq!(outcome.stats().rows, 50_000);
    }
}

#[tokio::test]
async fn an_error_ahead_belongs_to_its_reader() {
    let sql = failing(600);
    let text = format!("open {sql}\nread 0 256\nread 0 256\nrun select 'x'\nread 0 256\nread 0 256\nclose 0");
    let outcome = steps(session(&sql, 5_000), &text).await;
    assert_eq!(
        outcome.said,
        ["open: ok", "read: 256", "read: 256", "run: 25P02", "read: 22012", "read: 25P02", "close: ok"]
    );
    assert!(!outcome.sent.iter().any(|line| line == "select 'x'"), "{:?}", outcome.sent);
    let CallError::Aborted { statement } = outcome.error() else { panic!("{outcome:?}") };
    assert_eq!(statement.text, sql);
}

#[tokio::test]
async fn whoever_returns_the_consequence_is_told_the_cause() {
    let sql = failing(600);
    let text = format!("open {sql}\nread 0 256\nread 0 256\nmust select 'x'");
    let outcome = steps(session(&sql, 5_000), &text).await;
    assert!(matches!(outcome.error(), CallError::Sql { statement: None, .. }), "{outcome:?}");
    assert_eq!(outcome.report.last_error.expect("the cause").text, sql);
}

#[tokio::test]
async fn a_guest_that_stops_after_the_error_cannot_commit() {
    let sql = failing(600);
    let outcome = steps(session(&sql, 5_000), &format!("open {sql}\nread 0 256\nread 0 256")).await;
    assert!(matches!(outcome.error(), CallError::Aborted { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_savepoint_set_before_the_error_helps() {
    let sql = failing(600);
    let text = format!(
        "open {sql}\nread 0 256\nsavepoint\nread 0 256\nrollback\nrun select 'x'\nread 0 256\nrun select 'y'"
    );
    let outcome = steps(session(&sql, 5_000), &text).await.succeeded();
    let said = ["open: ok", "read: 256", "savepoint: ok", "read: 256", "rollback: ok", "run: 1"];
    assert_eq!(outcome.said[..6], said);
    assert_eq!(outcome.said[6..], ["read: 22012", "run: 1"], "it is owed the error of its reader");
    assert_eq!(outcome.report.last_error, None, "it was dealt with");
}

#[tokio::test]
async fn a_rollback_waits_for_what_is_outstanding() {
    let text = "savepoint\nopen select 1\nread 0 256\nread 0 256\nrollback\nread 0 256";
    let outcome = steps(session("select 1", 5_000), text).await.succeeded();
    assert_eq!(
        from_first_fetch(&outcome),
        [
            "fetch 256 from 1",
            "fetch 256 from 1",
            "fetch 10000 from 1",
            "ROLLBACK TO SAVEPOINT sp1",
            "RELEASE SAVEPOINT sp1",
            "(forgets 1)"
        ]
    );
    assert_eq!(outcome.said.last().map(String::as_str), Some("read: closed"));
}

#[tokio::test]
async fn several_readers_take_turns() {
    let mut text = String::from("open select 1\nopen select 2\n");
    for _ in 0..30 {
        text.push_str("read 0 1000\nread 1 700\n");
    }
    let outcome = steps(session("select 1", 5_000), &text).await.succeeded();
    let read = |line: &String| line.strip_prefix("read: ").and_then(|rows| rows.parse::<u64>().ok());
    assert_eq!(outcome.said.iter().filter_map(read).sum::<u64>(), 10_000);
}

#[tokio::test]
async fn a_full_buffer_is_sent_before_the_next_statement() {
    let text = "writer t\nwrite 0 12000\nrun select 'x'\nwrite 0 10\nfinish 0";
    let outcome = steps(session("select 1", 0), text).await.succeeded();
    let copy = "copy 12000 rows into \"t\" (id, name)";
    assert_eq!(outcome.sent, ["columns of \"t\"", copy, "select 'x'", "copy 10 rows into \"t\" (id, name)"]);
    assert_eq!((outcome.stats().statements, outcome.stats().rows), (3, 12_011));
    assert_eq!(outcome.said.last().map(String::as_str), Some("finish: 12010"));
}

#[tokio::test]
async fn an_error_behind_belongs_to_its_writer() {
    let text = "writer rejects\nwrite 0 12000\nrun select 'x'\nwrite 0 12000\nfinish 0";
    let outcome = steps(session("select 1", 0), text).await;
    assert_eq!(outcome.said, ["writer: ok", "write: ok", "run: 25P02", "write: 23505", "finish: 25P02"]);
    assert_eq!(outcome.sent.len(), 2, "{:?}", outcome.sent);
    let CallError::Aborted { statement } = outcome.error() else { panic!("{outcome:?}") };
    assert!(statement.text.starts_with("COPY \"rejects\""), "{}", statement.text);
}

#[tokio::test]
async fn what_comes_after_an_error_is_not_sent() {
    // The COPY fails while the fetch behind it waits.
    let text = "open select 1\nwriter rejects\nread 0 256\nread 0 256\nread 0 256\nwrite 0 12000\nread 0 9999\n\
                read 0 9999\nread 0 20000\nread 0 20000\nfinish 0";
    let outcome = steps(session("select 1", 90_000), text).await;
    let copy = outcome.sent.iter().position(|line| line.starts_with("copy")).expect("it was sent");
    assert!(outcome.sent[copy + 1..].iter().all(|line| line.starts_with('(')), "{:?}", outcome.sent);
    assert!(outcome.said.contains(&"finish: 23505".to_owned()), "{:?}", outcome.said);
    let CallError::Aborted { statement } = outcome.error() else { panic!("{outcome:?}") };
    assert!(statement.text.starts_with("COPY \"rejects\""), "{}", statement.text);
}

#[tokio::test]
async fn a_trap_leaves_nothing_outstanding() {
    let text = "open select 1\nread 0 256\nread 0 256\ntrap";
    let outcome = steps(session("select 1", 5_000), text).await;
    assert!(matches!(outcome.error(), CallError::Trap { .. }), "{outcome:?}");
    assert_eq!(outcome.sent.last().map(String::as_str), Some("(forgets 1)"));
}

#[tokio::test]
async fn a_connection_that_is_lost_ahead_is_said() {
    let sql = "select disconnect_at(600)";
    let text = format!("open {sql}\nread 0 256\nread 0 256\nrun select 'x'");
    let outcome = steps(session(sql, 5_000), &text).await;
    assert!(matches!(outcome.error(), CallError::Connection { .. }), "{outcome:?}");
}

/// Drops a call in the middle of a fetch ahead, as a time-out does, and returns
/// whether the session is free then.
async fn session_is_free_after_a_dropped_call() -> bool {
    let sql = "select hang_at(600)";
    let host = host(Limits::default());
    let component = host.load(guest::probe()).await.expect("loads");
    let (session, sent) = session(sql, 5_000).shared();
    let steps = format!("open {sql}\nread 0 256\nread 0 256\nrun select 'x'");
    let call = Call {
        direction: Direction::Upgrade,
        params: json!({"kind": "steps", "steps": steps}),
        policy: crate::policy::Policy::unrestricted(),
        redactor: crate::revision::Redactor::default(),
        grants: Grants::default(),
        session: Arc::clone(&session) as SharedSession,
        transaction_time: Some(0),
        sink: Arc::new(Recorder::default()) as Arc<dyn Sink>,
    };
    let called = tokio::time::timeout(Duration::from_millis(500), host.call(&component, call)).await;
    assert!(called.is_err(), "it hangs");
    let free = tokio::time::timeout(Duration::from_secs(5), session.lock()).await.is_ok();
    assert_eq!(sent.lines().last().map(String::as_str), Some("fetch 10000 from 1"), "nothing came after it");
    free
}

#[tokio::test]
async fn a_call_that_is_dropped_gives_the_session_back() {
    assert!(session_is_free_after_a_dropped_call().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_call_that_is_dropped_gives_the_session_back_on_two_threads() {
    assert!(session_is_free_after_a_dropped_call().await);
}

#[tokio::test]
async fn the_host_reports_rows_by_itself_with_the_server_s_estimate() {
    let sql = "select slow(), estimate(90000)";
    let reads = "read 0 20000\n".repeat(4);
    // What was estimated meanwhile is told with the next report, 100 ms later.
    let text = format!("open {sql}\nread 0 256\n{reads}compute 400000000\n{reads}");
    let outcome = steps(session(sql, 60_000), &text).await.succeeded();
    let reports: Vec<_> = outcome.said.iter().filter(|line| line.starts_with("reading ")).collect();
    assert!(reports[0].ends_with(" of None"), "{:?}", outcome.said);
    assert!(reports.iter().any(|line| line.ends_with("of Some(90000)")), "{:?}", outcome.said);
    assert_eq!(
        reports.last().map(|line| line.as_str()),
        Some("reading 60000 of Some(60000)"),
        "the end is known"
    );
    let estimates = outcome.sent.iter().filter(|line| line.starts_with("estimate")).count();
    assert_eq!(estimates, 1);
}
