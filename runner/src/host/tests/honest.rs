//! Every function of the interface, as an honest migration uses it.

use serde_json::json;

use super::{Outcome, call, guest, host, probe};
use crate::db::fake::{FakeSession, Row, column};
use crate::db::{Column, Type};
use crate::host::{CallError, GuestError, Limits, StatementError};

fn columns() -> Vec<Column> {
    vec![column("id", Type::INT4), column("name", Type::TEXT)]
}

fn row(id: i32, name: &str) -> Row {
    vec![Some(id.to_be_bytes().to_vec()), Some(name.as_bytes().to_vec())]
}

fn session(rows: usize, width: usize) -> FakeSession {
    let rows = vec![row(1, &"x".repeat(width)); rows];
    FakeSession::new().with_table("\"t\"", columns()).with_table("\"rejects\"", columns()).with_result(
        "select * from t",
        columns(),
        rows,
    )
}

#[tokio::test]
async fn a_component_describes_itself_without_a_database() {
    let host = host(Limits::default());
    let component = host.load(guest::probe()).await.expect("loads");
    let description = host.describe(&component).await.expect("describes");
    assert_eq!(description.name, "probe");
    assert_eq!(description.params_schema["properties"]["first"], json!({"type": "string"}));
    assert_eq!(description.capabilities[0].targets, ["${table}"]);
}

#[tokio::test]
async fn a_description_may_crash_or_take_too_long() {
    let host = host(Limits { guest_time_ms: 50, ..Limits::default() });
    let component = host.load(&guest::guest("", "")).await.expect("loads");
    let error = host.describe(&component).await.expect_err("it crashes");
    assert!(matches!(error, CallError::Trap { .. }), "{error}");
}

#[tokio::test]
async fn parameters_time_and_progress() {
    let params = json!({"kind": "host", "list": [1, "two"]});
    let outcome = probe(FakeSession::new(), params).await.succeeded();
    assert_eq!(
        outcome.said,
        [
            "1 of Some(2)",
            "2 of None",
            r#"{"kind":"host","list":[1,"two"]}"#,
            r#"Some("[1,\"two\"]")"#,
            "None",
            "42",
        ]
    );
}

#[tokio::test]
async fn random_bytes_are_limited() {
    let given = probe(FakeSession::new(), json!({"kind": "random", "len": 65_536})).await;
    assert_eq!(given.succeeded().said, ["65536"]);
    let refused = probe(FakeSession::new(), json!({"kind": "random", "len": 65_537})).await;
    assert!(matches!(refused.error(), CallError::Sql { error: GuestError::Limit(_), .. }));
}

#[tokio::test]
async fn random_bytes_have_to_be_granted() {
    let host = host(Limits::default());
    let component = host.load(guest::probe()).await.expect("loads");
    let (session, _) = FakeSession::new().shared();
    let call = crate::host::Call {
        direction: crate::revision::Direction::Upgrade,
        params: json!({"kind": "random", "len": 1}),
        policy: crate::policy::Policy::unrestricted(),
        redactor: crate::revision::Redactor::default(),
        grants: crate::host::Grants::default(),
        session,
        transaction_time: Some(0),
        sink: std::sync::Arc::new(super::Recorder::default()),
    };
    let report = host.call(&component, call).await;
    assert!(matches!(report.result, Err(CallError::Sql { error: GuestError::Denied(_), .. })));
}

#[tokio::test]
async fn failures_are_passed_on() {
    let outcome = probe(FakeSession::new(), json!({"kind": "message"})).await;
    assert_eq!(outcome.error(), &CallError::Message("in its own words".into()));
    let host = host(Limits::default());
    let component = host.load(guest::probe()).await.expect("loads");
    let (session, _) = FakeSession::new().shared();
    let call = crate::host::Call {
        direction: crate::revision::Direction::Downgrade,
        params: json!({}),
        policy: crate::policy::Policy::unrestricted(),
        redactor: crate::revision::Redactor::default(),
        grants: crate::host::Grants::default(),
        session,
        transaction_time: Some(0),
        sink: std::sync::Arc::new(super::Recorder::default()),
    };
    let report = host.call(&component, call).await;
    let reason = Some("the probe never goes back".into());
    assert_eq!(report.result, Err(CallError::Irreversible { reason }));
}

#[tokio::test]
async fn a_statement_without_parameters_is_one_request() {
    let params = json!({"kind": "execute", "sql": "-- why\ncreate table t (id int);\n"});
    let outcome = probe(FakeSession::new(), params).await.succeeded();
    assert_eq!(outcome.sent, ["create table t (id int)"]);
    assert_eq!((outcome.stats().statements, outcome.stats().rows), (1, 1));
}

#[tokio::test]
async fn parameters_are_converted_to_what_the_server_expects() {
    let sql = "insert into t values ($1::int8, $2::numeric, $3, $4::jsonb, $5::uuid)";
    let values = "int2:7\nint4:-3\nnull\ntext:[]\nliteral:0-0";
    let outcome = probe(FakeSession::new(), json!({"kind": "execute", "sql": sql, "values": values})).await;
    let expected = "execute: [Binary([0, 0, 0, 0, 0, 0, 0, 7]), Binary([0, 1, 0, 0, 64, 0, 0, 0, 0, 3]), Null, \
                    Binary([1, 91, 93]), Text(\"0-0\")]";
    assert_eq!(outcome.succeeded().sent[1], expected);
}

#[tokio::test]
async fn a_statement_with_parameters_is_prepared_once() {
    let sql = "update t set id = $1::int4 ;";
    let params = json!({"kind": "execute", "sql": sql, "values": "int4:1", "times": 3});
    let outcome = probe(FakeSession::new(), params).await.succeeded();
    let execute = "execute: [Binary([0, 0, 0, 1])]";
    assert_eq!(outcome.sent, ["prepare: update t set id = $1::int4", execute, execute, execute]);
    assert_eq!(outcome.stats().statements, 3);
}

#[tokio::test]
async fn a_statement_is_prepared_again_after_one_that_may_have_changed_the_table() {
    let sql = "update t set id = $1::int4";
    let ddl = "alter table t add column n int";
    let params = json!({"kind": "execute", "sql": sql, "values": "int4:1", "times": 2, "between": ddl});
    let outcome = probe(FakeSession::new(), params).await.succeeded();
    assert_eq!(outcome.sent.iter().filter(|line| line.starts_with("prepare")).count(), 2);
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_not_sent() {
    for (sql, values) in [
        ("select $1::int2", "int4:40000"),
        ("select $1::int2", "text:1"),
        ("select $1::numeric", "numeric:1e5"),
        ("select $1::uuid", "text:x"),
        ("select $1", ""),
        ("select $1", "null\nnull"),
    ] {
        let values = if values.is_empty() { "null\nnull\nnull" } else { values };
        let outcome =
            probe(FakeSession::new(), json!({"kind": "execute", "sql": sql, "values": values})).await;
        let CallError::Sql { error: GuestError::Conversion(_), .. } = outcome.error() else {
            panic!("{sql}: {outcome:?}")
        };
        assert_eq!(outcome.sent.len(), 1, "{sql}: {:?}", outcome.sent);
    }
}

#[tokio::test]
async fn a_query_returns_columns_and_rows() {
    let outcome = probe(session(2, 3), json!({"kind": "query", "sql": "select * from t"})).await.succeeded();
    assert_eq!(outcome.said[..2], ["id 23 int4 -1", "name 25 text -1"]);
    assert_eq!(outcome.said[2], r#"[Value::Int4(1), Value::Text("xxx")]"#);
    assert_eq!(outcome.said.len(), 4);
    assert_eq!(outcome.stats().rows, 2);
}

#[tokio::test]
async fn a_result_that_is_too_large_is_refused_and_the_reader_named() {
    for limits in [
        Limits { query_rows: 9, ..Limits::default() },
        Limits { query_bytes: 500, ..Limits::default() },
        Limits { query_bytes: 1_000, ..Limits::default() },
    ] {
        let host = host(limits);
        let component = host.load(guest::probe()).await.expect("loads");
        let outcome =
            call(&host, &component, session(10, 40), json!({"kind": "query", "sql": "select * from t"}));
        match outcome.await.error() {
            CallError::Sql { error: GuestError::Limit(message), .. } => {
                assert!(message.contains("open-reader"))
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_failing_statement_of_a_script_is_found_in_the_whole_text() {
    let sql = "create table ä ();\n\nselect fail('42704');\nselect 3";
    let outcome = probe(FakeSession::new(), json!({"kind": "script", "sql": sql})).await;
    assert_eq!(outcome.sent, ["create table ä ()", "select fail('42704')"]);
    let CallError::Sql { error: GuestError::Database(error), statement: Some(statement) } = outcome.error()
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(error.position, Some(28));
    assert_eq!(sql.chars().skip(27).take(4).collect::<String>(), "fail");
    assert_eq!(statement.position, Some(28));
    assert_eq!(statement.index, Some((2, 3)));
    assert_eq!(statement.text, sql);
}

#[tokio::test]
async fn a_syntax_error_is_reported_with_its_place_and_not_sent() {
    let outcome =
        probe(FakeSession::new(), json!({"kind": "script", "sql": "select 1;\ncreate tabel t ()"})).await;
    let CallError::Sql { error: GuestError::Other { kind, .. }, statement: Some(statement) } =
        outcome.error()
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(kind, "syntax");
    assert_eq!(statement.position, Some(18));
    assert!(matches!(statement.error, StatementError::Policy(_)));
    assert_eq!(outcome.sent, [""; 0]);
}

async fn savepoint(sql: &str, end: &str) -> Outcome {
    probe(FakeSession::new(), json!({"kind": "savepoint", "sql": sql, "end": end})).await
}

#[tokio::test]
async fn savepoints_are_released_rolled_back_or_dropped() {
    let rolled_back = [
        "SAVEPOINT sp1",
        "select 'in'",
        "ROLLBACK TO SAVEPOINT sp1",
        "RELEASE SAVEPOINT sp1",
        "select 'after'",
    ];
    for end in ["rollback", "drop"] {
        assert_eq!(savepoint("select 'in'", end).await.succeeded().sent, rolled_back);
    }
    let released = savepoint("select 'in'", "release").await.succeeded();
    assert_eq!(released.sent, ["SAVEPOINT sp1", "select 'in'", "RELEASE SAVEPOINT sp1", "select 'after'"]);
}

#[tokio::test]
async fn a_savepoint_that_is_left_open_is_rolled_back_at_the_end() {
    let outcome = savepoint("select 'in'", "forget").await.succeeded();
    assert_eq!(outcome.sent[2..], ["select 'after'", "ROLLBACK TO SAVEPOINT sp1", "RELEASE SAVEPOINT sp1"]);
}

#[tokio::test]
async fn a_savepoint_that_is_rolled_back_makes_the_transaction_usable_again() {
    for end in ["rollback", "drop"] {
        let outcome = savepoint("select fail('23505')", end).await.succeeded();
        assert_eq!(outcome.said.first().map(String::as_str), Some("database 23505 at Some(8)"));
        assert_eq!(outcome.said.last().map(String::as_str), Some("ok 1"));
        assert_eq!(outcome.report.last_error, None, "it was dealt with");
    }
}

#[tokio::test]
async fn a_release_in_an_aborted_transaction_fails_and_undoes() {
    let outcome = savepoint("select fail('23505')", "release").await.succeeded();
    assert_eq!(outcome.said, ["database 23505 at Some(8)", "database 25P02 at None", "ok 1"]);
    assert_eq!(outcome.sent[2..4], ["ROLLBACK TO SAVEPOINT sp1", "RELEASE SAVEPOINT sp1"]);
}

#[tokio::test]
async fn savepoints_end_in_order() {
    let outcome = probe(FakeSession::new(), json!({"kind": "savepoint-order"})).await.succeeded();
    assert_eq!(outcome.said, ["order", "closed"]);
    let expected = ["SAVEPOINT sp1", "SAVEPOINT sp2", "ROLLBACK TO SAVEPOINT sp1", "RELEASE SAVEPOINT sp1"];
    assert_eq!(outcome.sent, expected);
}

#[tokio::test]
async fn a_reader_ends_with_the_savepoint_before_it() {
    let params = json!({"kind": "savepoint-reader", "sql": "select * from t"});
    let outcome = probe(session(1, 1), params).await.succeeded();
    assert_eq!(outcome.said, ["closed", "closed"]);
    assert_eq!(outcome.sent.last().map(String::as_str), Some("(forgets 1)"));
}

#[tokio::test]
async fn rows_written_after_a_savepoint_are_undone_with_it() {
    let outcome = probe(session(0, 0), json!({"kind": "savepoint-writer", "table": "t"})).await.succeeded();
    assert_eq!(outcome.said, ["closed", "ok 1"]);
    let copies: Vec<_> = outcome.sent.iter().filter(|line| line.starts_with("copy")).collect();
    assert_eq!(copies, ["copy 1 rows into \"t\" (id, name)"]);
}

#[tokio::test]
async fn a_reader_gives_rows_until_its_end() {
    let params = json!({"kind": "reader-rows", "sql": "select * from t", "max-rows": 100});
    let outcome = probe(session(250, 10), params).await.succeeded();
    assert_eq!(outcome.said, ["2 columns", "100 rows", "100 rows", "50 rows", "0 rows"]);
    assert_eq!(outcome.sent.last().map(String::as_str), Some("close 1"));
    assert_eq!(outcome.stats().rows, 250);
}

#[tokio::test]
async fn a_reader_fetches_more_where_rows_are_narrow_and_less_where_they_are_wide() {
    let params =
        json!({"kind": "reader-bytes", "sql": "select * from t", "max-rows": 10_000, "max-bytes": 1 << 20});
    let narrow = probe(session(5_000, 10), params.clone()).await.succeeded();
    let fetches: Vec<_> = narrow.sent.iter().filter(|line| line.starts_with("fetch")).collect();
    // The third is ahead of the guest, and its answer is short: that is the end.
    assert_eq!(fetches, ["fetch 256 from 1", "fetch 2048 from 1", "fetch 10000 from 1"]);
    let wide = probe(session(600, 100_000), params).await.succeeded();
    let fetches: Vec<_> = wide.sent.iter().filter(|line| line.starts_with("fetch")).collect();
    assert_eq!(fetches[1], "fetch 10 from 1");
    assert!(
        wide.said.iter().all(|line| line.split(' ').next().and_then(|n| n.parse().ok()) <= Some(1 << 20))
    );
}

#[tokio::test]
async fn a_reader_gives_whole_tuples_and_at_least_one() {
    let width = 2 + 4 + 4 + 4 + 10;
    let sql = "select * from t";
    for (max_bytes, expected) in [(0, width), (width, width), (3 * width - 1, 2 * width), (1000, 4 * width)] {
        let params = json!({"kind": "reader-bytes", "sql": sql, "max-rows": 4, "max-bytes": max_bytes});
        let outcome = probe(session(9, 10), params).await.succeeded();
        assert_eq!(outcome.said[0], format!("{expected} bytes"), "{max_bytes}");
    }
}

#[tokio::test]
async fn no_rows_at_once_is_an_error_and_no_end() {
    let params = json!({"kind": "reader-rows", "sql": "select * from t", "max-rows": 0});
    let outcome = probe(session(9, 10), params).await;
    assert!(matches!(outcome.error(), CallError::Sql { error: GuestError::Conversion(_), .. }));
}

#[tokio::test]
async fn a_writer_sends_when_enough_has_come_together() {
    let params = json!({"kind": "writer-rows", "table": "T", "rows": 25_000, "batch": 1_000});
    let outcome = probe(session(0, 0), params).await.succeeded();
    assert_eq!(outcome.said, ["id name", "ok 25000"]);
    let copies: Vec<_> = outcome.sent.iter().filter(|line| line.starts_with("copy")).collect();
    assert_eq!(copies[0], "copy 10000 rows into \"t\" (id, name)");
    assert_eq!(copies.len(), 3);
    assert_eq!((outcome.stats().rows, outcome.stats().statements), (25_000, 3));
}

#[tokio::test]
async fn a_writer_takes_the_columns_that_it_was_given() {
    let params = json!({"kind": "writer-rows", "table": "t", "columns": "id", "rows": 1, "batch": 1});
    let outcome = probe(session(0, 0), params).await;
    match outcome.error() {
        CallError::Sql { error: GuestError::Conversion(message), .. } => {
            assert_eq!(message, "row 1 has 2 values, and the writer has 1 columns");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bytes_go_from_a_reader_to_a_writer() {
    let params = json!({"kind": "copy", "sql": "select * from t", "table": "t"});
    let outcome = probe(session(5_000, 10), params).await.succeeded();
    assert_eq!(outcome.said, ["ok 5000"]);
}

#[tokio::test]
async fn a_copy_that_is_rejected_is_an_error_of_the_writer() {
    let params = json!({"kind": "writer-rows", "table": "rejects", "rows": 10, "batch": 10});
    let outcome = probe(session(0, 0), params).await;
    assert_eq!(outcome.said[1], "database 23505 at None");
    let CallError::Aborted { statement } = outcome.error() else { panic!("{outcome:?}") };
    assert_eq!(statement.text, r#"COPY "rejects" ("id", "name") FROM STDIN (FORMAT binary)"#);
}

#[tokio::test]
async fn a_lost_connection_is_reported_whatever_the_guest_says() {
    let outcome = probe(FakeSession::new(), json!({"kind": "swallow", "sql": "select disconnect()"})).await;
    assert_eq!(outcome.said, ["connection", "connection"]);
    assert!(matches!(outcome.error(), CallError::Connection { .. }), "{outcome:?}");
    assert_eq!(outcome.sent.len(), 1);
}
