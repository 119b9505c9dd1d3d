//! Functions that were there before the run: what is one's own does not cover
//! them, however they are called.

use super::*;

/// A server that has `app.exec`, with whatever arguments.
fn with_exec() -> Arc<ServerFacts> {
    let rows = [("version", "15"), ("routine", "app\u{1f}exec")];
    Arc::new(ServerFacts::from_rows(rows).expect("has a version"))
}

fn grants(call: &[&str]) -> Capabilities {
    Capabilities {
        ddl: list(&["app", "s"]),
        call: list(call),
        code: Some(CodeGrant::Vetted),
        ..Capabilities::default()
    }
}

#[track_caller]
fn needs_call(sql: &str) {
    let run_with = |call: &[&str]| {
        let policy = Policy::enforcing(&grants(call), with_exec(), context());
        run(&mut policy.expect("the grants can be read"), sql)
    };
    let error = run_with(&[]).expect_err(sql);
    assert_eq!(error.grant(), Some("call = [\"app.exec\"]"), "{sql}: {error}");
    run_with(&["app.exec"]).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[test]
fn a_field_calls_them_too() {
    needs_call("SELECT ('delete'::text).exec");
    needs_call("SELECT x.exec FROM unnest(ARRAY['a']) x");
}

#[test]
fn an_overload_of_ones_own_does_not_cover_them() {
    needs_call(
        "CREATE FUNCTION app.exec(i int) RETURNS int LANGUAGE sql RETURN i; SELECT app.exec('a'::text)",
    );
    needs_call("CREATE TYPE app.exec AS RANGE (subtype = int4); SELECT app.exec('a'::text, 'b'::text)");
}

#[test]
fn moving_them_into_a_schema_of_ones_own_does_not_cover_them() {
    let policy = Policy::enforcing(&grants(&[]), with_exec(), context());
    let sql = "CREATE SCHEMA s; ALTER FUNCTION app.exec(text) SET SCHEMA s";
    run(&mut policy.expect("the grants can be read"), sql).expect_err("is refused");
}

#[test]
fn postgresqls_functions_are_called_by_their_whole_name() {
    let grants = Capabilities { read: list(&["app.users"]), ..Capabilities::default() };
    let sent = check(&grants, "SELECT lower(name), count(*), now() FROM users").expect("is granted");
    let expected = "SELECT pg_catalog.lower(name), pg_catalog.count(*), pg_catalog.now() FROM app.users";
    assert_eq!(sent[0].text(), expected);
}
