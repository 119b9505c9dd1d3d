//! What is sent, and what a refusal says.

use super::*;

fn sent(sql: &str) -> String {
    let found = check(&everything(), sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    found.iter().map(Checked::text).collect::<Vec<_>>().join("; ")
}

#[test]
fn names_are_completed_and_comments_left_out() {
    for (sql, expected) in [
        ("select /* a */ * from users -- b", "SELECT * FROM app.users"),
        ("select users.id from users", "SELECT users.id FROM app.users"),
        ("with a as (select 1) select * from a", "WITH a AS (SELECT 1) SELECT * FROM a"),
        ("with a as (select 1) select * from b, app.a", "WITH a AS (SELECT 1) SELECT * FROM app.b, app.a"),
        ("insert into t values (1)", "INSERT INTO app.t VALUES (1)"),
        ("create table t (a mood, b text)", "CREATE TABLE app.t (a app.mood, b text)"),
        ("drop table a, other.b", "DROP TABLE app.a, app.b"),
        ("select helper(1), lower('a')", "SELECT app.helper(1), pg_catalog.lower('a')"),
        ("select nextval('S')", "SELECT pg_catalog.nextval('\"app\".\"s\"')"),
        ("comment on column t.a is 'x'", "COMMENT ON COLUMN app.t.a IS 'x'"),
        ("alter type mood add value 'x'", "ALTER TYPE app.mood ADD VALUE 'x'"),
        ("drop function f(mood)", "DROP FUNCTION app.f(app.mood)"),
        ("create index i on t (a)", "CREATE INDEX i ON app.t USING btree (a)"),
        ("alter sequence s owned by t.id", "ALTER SEQUENCE app.s OWNED BY app.t.id"),
        ("create domain d as int", "CREATE DOMAIN app.d AS int"),
        ("call p(1)", "CALL app.p(1)"),
        ("grant select on t to victim", "GRANT select ON app.t TO victim"),
    ] {
        let sql = sql.replace("other.b", "b");
        assert_eq!(sent(&sql), expected, "{sql}");
    }
}

#[test]
fn a_checked_statement_knows_its_place_and_its_tag() {
    let script = "-- é\nSELECT 1;\n  CREATE  TABLE t (a int);";
    let found = check(&everything(), script).expect("passes");
    assert_eq!(found[0].offset(), script.find("SELECT").expect("is there"));
    assert_eq!(found[1].offset(), script.find("CREATE").expect("is there"));
    assert_eq!(found[1].source(), "CREATE  TABLE t (a int)");
    assert_eq!(found[0].tags(), ["SELECT"]);
    assert_eq!(found[1].tags(), ["CREATE TABLE"]);
    // The server's error at `int`.
    let place = u32::try_from(found[1].text().find("int").expect("is there") + 1).expect("is short");
    assert_eq!(found[1].place_of(place), Some(20));
}

#[test]
fn a_refusal_names_the_node_its_place_and_the_line_that_would_allow_it() {
    for (sql, node, place, line) in [
        ("SELECT 1;\nSELECT 'é', * FROM secret.t", "RangeVar", "secret.t", Some("read = [\"secret.t\"]")),
        (
            "INSERT INTO app.nums SELECT id FROM secret.t",
            "RangeVar",
            "secret.t",
            Some("read = [\"secret.t\"]"),
        ),
        ("SELECT 1, pg_sleep(1)", "FuncCall", "pg_sleep", None),
        ("SELECT x, t.pg_sleep FROM app.t", "ColumnRef", "t.pg_sleep", None),
        ("SELECT 1;  COMMIT", "TransactionStmt", "COMMIT", None),
        ("SELECT a::regclass", "TypeName", "regclass", None),
    ] {
        let expected =
            u32::try_from(sql[..sql.find(place).expect("is there")].chars().count() + 1).expect("is short");
        match check(&everything(), sql) {
            Err(PolicyError::Refused(found)) => {
                let told = (found.node, found.position, found.grant.as_deref());
                assert_eq!(told, (node, expected, line), "{sql}");
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
    let error = check(&everything(), "DELETE FROM secret.t").expect_err("refused");
    assert_eq!(
        error.to_string(),
        "DELETE is not permitted in a migration: the manifest does not grant `write` on `secret.t` (RangeVar); \
         `write = [\"secret.t\"]` under [capabilities] would allow it"
    );
}

#[test]
fn a_syntax_error_has_its_place_in_the_whole_script() {
    match check(&everything(), "SELECT 'é';\n\nCREATE TABEL t (id int)") {
        Err(PolicyError::Syntax { position, .. }) => assert_eq!(position, Some(21)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unrestricted_policy_sends_what_was_written() {
    let mut policy = Policy::unrestricted();
    let found = policy.statements("select /* x */ * from t ; analyze").expect("passes");
    assert_eq!(found.iter().map(Checked::text).collect::<Vec<_>>(), ["select /* x */ * from t", "analyze"]);
    assert!(policy.statements("commit").is_err());
    assert!(policy.statements(&"/*".repeat(100_000)).is_err());
}

#[test]
fn a_text_with_a_nul_is_refused() {
    assert!(check(&everything(), "SELECT 1\0").is_err());
    assert!(Policy::unrestricted().statements("SELECT 1\0").is_err());
}

#[test]
fn a_repeated_text_gives_the_same_and_follows_what_changed() {
    let mut policy = policy(&Capabilities { ddl: list(&["app.n"]), ..Capabilities::default() });
    let first = policy.statement("CREATE TABLE app.n (a int)").expect("is granted");
    assert_eq!(policy.statement("CREATE TABLE app.n (a int)").expect("is granted"), first);
    assert_eq!(policy.statement("SELECT 1; SELECT 2"), Err(PolicyError::NotOne { found: 2 }));
    assert_eq!(policy.statement(" -- nothing"), Err(PolicyError::NotOne { found: 0 }));
}
