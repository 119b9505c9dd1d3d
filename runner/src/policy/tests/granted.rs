//! Each statement needs its own capability and no other; recording finds it.

use super::*;

/// Statements, with the smallest grants that allow them.
const CASES: &[(&str, &str)] = &[
    ("SELECT 1", ""),
    ("SELECT * FROM app.t", r#"read = ["app.t"]"#),
    ("SELECT * FROM t", r#"read = ["app.t"]"#),
    (
        "SELECT * FROM app.a, (SELECT 1 FROM app.b) x WHERE EXISTS (TABLE app.c)",
        r#"read = ["app.a", "app.b", "app.c"]"#,
    ),
    ("SELECT * FROM pg_catalog.pg_type", r#"read = ["pg_catalog.pg_type"]"#),
    ("SELECT * FROM pg_type", r#"read = ["pg_catalog.pg_type"]"#),
    ("SELECT * FROM information_schema.tables", r#"read = ["information_schema.tables"]"#),
    ("SELECT * FROM app.t FOR UPDATE", r#"read = ["app.t"] write = ["app.t"]"#),
    (
        "SELECT * FROM app.t WHERE a = (SELECT b FROM app.u) FOR SHARE",
        r#"read = ["app.t", "app.u"] write = ["app.t"]"#,
    ),
    ("INSERT INTO app.t VALUES (1) RETURNING a", r#"write = ["app.t"]"#),
    ("INSERT INTO app.t SELECT * FROM app.s", r#"read = ["app.s"] write = ["app.t"]"#),
    ("UPDATE app.t SET a = 1 FROM app.s", r#"read = ["app.s"] write = ["app.t"]"#),
    ("DELETE FROM app.t WHERE a IN (SELECT a FROM app.s)", r#"read = ["app.s"] write = ["app.t"]"#),
    ("WITH d AS (DELETE FROM app.t RETURNING *) SELECT * FROM d", r#"write = ["app.t"]"#),
    ("TRUNCATE app.t", r#"truncate = ["app.t"]"#),
    ("LOCK app.t", r#"lock = ["app.t"]"#),
    ("SELECT nextval('app.s')", r#"write = ["app.s"]"#),
    ("SELECT nextval('\"S\"')", r#"write = ["app.S"]"#),
    ("SELECT currval('s')", r#"read = ["app.s"]"#),
    ("SELECT row_security_active('app.t')", r#"read = ["app.t"]"#),
    ("SELECT app.f(1)", r#"call = ["app.f"]"#),
    ("CALL p()", r#"call = ["app.p"]"#),
    ("CREATE TABLE app.t (a int)", r#"ddl = ["app.t"]"#),
    ("CREATE TABLE t (a int REFERENCES app.u)", r#"ddl = ["app.t"] read = ["app.u"]"#),
    ("CREATE TABLE app.t (a app.mood)", r#"ddl = ["app.t"]"#),
    ("SELECT 'a'::app.mood", r#"read = ["app.mood"]"#),
    ("CREATE VIEW app.v AS SELECT * FROM app.u", r#"ddl = ["app.v"] read = ["app.u"]"#),
    ("ALTER TABLE app.t ADD b int, DROP c", r#"ddl = ["app.t"] drop = ["app.t"]"#),
    ("ALTER TABLE app.t DROP CONSTRAINT c", r#"drop = ["app.t"]"#),
    ("ALTER TABLE app.t RENAME TO u", r#"ddl = ["app.t", "app.u"]"#),
    ("ALTER TABLE app.t SET SCHEMA other", r#"ddl = ["app.t", "other.t"]"#),
    ("ALTER TABLE app.t ENABLE ROW LEVEL SECURITY", r#"rls = ["app.t"]"#),
    ("CREATE POLICY p ON app.t USING (true)", r#"rls = ["app.t"]"#),
    ("DROP TABLE app.t", r#"drop = ["app.t"]"#),
    ("DROP INDEX i", r#"drop = ["app.i"]"#),
    ("DROP TRIGGER g ON app.t", r#"drop = ["app.t"]"#),
    ("CREATE SCHEMA x", r#"ddl = ["x"]"#),
    ("DROP SCHEMA x", r#"drop = ["x"]"#),
    ("CREATE EXTENSION citext SCHEMA app", r#"ddl = ["app"] extension = ["citext"]"#),
    ("GRANT SELECT ON app.t TO victim", r#"grant = ["victim"] read = ["app.t"]"#),
    (
        "CREATE TRIGGER g BEFORE UPDATE ON app.t FOR EACH ROW EXECUTE FUNCTION app.f()",
        r#"ddl = ["app.t"] trigger = ["app.f"]"#,
    ),
    (
        "CREATE TRIGGER g BEFORE UPDATE ON app.t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        r#"ddl = ["app.t"] trigger = ["suppress_redundant_updates_trigger"]"#,
    ),
    ("SET LOCAL lock_timeout = 5", "set_local = true"),
    ("DO $$ BEGIN DELETE FROM app.t; END $$", r#"code = "vetted" write = ["app.t"]"#),
    ("DO $$ BEGIN EXECUTE 'x'; END $$", r#"code = "unchecked""#),
    ("COMMENT ON COLUMN t.a IS 'x'", r#"ddl = ["app.t"]"#),
    (
        "CREATE TABLE app.n (a int); INSERT INTO app.n VALUES (1); SELECT * FROM app.n; DROP TABLE app.n",
        r#"ddl = ["app.n"]"#,
    ),
    (
        "CREATE SCHEMA x; CREATE TABLE x.a (i int); CREATE FUNCTION x.f() RETURNS int LANGUAGE sql RETURN 1; SELECT x.f() FROM x.a; DROP TABLE x.a",
        r#"code = "vetted" ddl = ["x"]"#,
    ),
];

fn in_one_line(grants: &Capabilities) -> String {
    let value = serde_json::to_value(grants).expect("is plain");
    let mut lines: Vec<_> = value.as_object().expect("is a table").iter().collect();
    lines.sort_by_key(|(name, _)| name.as_str());
    let item = |value: &serde_json::Value| match value {
        serde_json::Value::Array(items) => {
            let items: Vec<_> = items.iter().map(ToString::to_string).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    };
    lines.iter().map(|(name, value)| format!("{name} = {}", item(value))).collect::<Vec<_>>().join(" ")
}

/// Runs statements one by one, as a step does.
fn replay(policy: &mut Policy, sql: &str) -> Result<(), PolicyError> {
    match sql.contains("$$") {
        true => run(policy, sql),
        false => sql.split("; ").try_for_each(|statement| run(policy, statement)),
    }
}

#[test]
fn recording_finds_the_smallest_grants_and_they_are_enough() {
    for (sql, expected) in CASES {
        let mut recording = Policy::recording(ServerFacts::built_in(), context());
        replay(&mut recording, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let used = recording.used();
        assert_eq!(in_one_line(&used), *expected, "{sql}");
        replay(&mut policy(&used), sql).unwrap_or_else(|error| panic!("{sql} with {expected}: {error}"));
    }
}

#[test]
fn without_any_one_of_its_grants_a_statement_is_refused_with_the_line_that_is_missing() {
    for (sql, expected) in CASES.iter().filter(|(_, expected)| !expected.is_empty()) {
        let error = replay(&mut policy(&Capabilities::default()), sql).expect_err(sql);
        let line = error.grant().unwrap_or_else(|| panic!("{sql}: {error}"));
        let name = line.split(' ').next().expect("has a name");
        assert!(expected.contains(name) || line == "code = \"vetted\"", "{sql}: {line}");
    }
}

#[test]
fn what_is_taken_away_is_refused() {
    for sql in [
        "SELECT * FROM app.undeclared",
        "SELECT * FROM undeclared",
        "CREATE TABLE app.undeclared (i int)",
        "ALTER TABLE app.t RENAME TO undeclared",
        "CREATE VIEW app.v AS SELECT * FROM app.undeclared",
        "CREATE TABLE app.n (a int REFERENCES app.undeclared)",
        "ALTER TABLE other.t SET SCHEMA app",
        "SELECT NULL::app.undeclared",
        "GRANT SELECT ON app.undeclared TO victim",
        "SELECT * FROM secret.t",
        "SELECT NULL::secret.t",
        "SELECT * FROM pg_authid",
        "SELECT * FROM pg_stat_activity",
        "SELECT secret.f()",
        "CREATE EXTENSION citext SCHEMA secret",
        "GRANT SELECT ON app.t TO others",
        "CREATE SCHEMA evil",
    ] {
        assert!(check(&everything(), sql).is_err(), "{sql}");
    }
}

#[test]
fn a_star_alone_does_not_reach_the_catalogs() {
    let read = |pattern: &str| Capabilities { read: list(&[pattern]), ..Capabilities::default() };
    let sql = "SELECT * FROM pg_catalog.pg_type";
    for (pattern, is_enough) in [
        ("*", false),
        ("*.*", false),
        ("pg_*", false),
        ("pg_catalog.*", true),
        ("pg_catalog", true),
        ("pg_catalog.pg_type", true),
        ("pg_catalog.pg_class", false),
    ] {
        assert_eq!(check(&read(pattern), sql).is_ok(), is_enough, "{pattern}");
        let defining = Capabilities { ddl: list(&["app"]), ..read(pattern) };
        assert_eq!(check(&defining, &format!("CREATE VIEW app.v AS {sql}")).is_ok(), is_enough, "{pattern}");
    }
}

#[test]
fn what_the_step_made_is_its_own_until_it_is_rolled_back() {
    let mut policy = policy(&Capabilities { ddl: list(&["app.n"]), ..Capabilities::default() });
    let before = policy.own_objects();
    assert!(policy.statement("SELECT * FROM app.n").is_err());
    run(&mut policy, "CREATE TABLE app.n (a int)").expect("is granted");
    assert!(policy.statement("SELECT * FROM app.n").is_ok());
    assert!(policy.writer(None, "n").is_ok());
    policy.rolled_back(before);
    assert!(policy.statement("SELECT * FROM app.n").is_err());
    assert!(policy.writer(None, "n").is_err());
    run(&mut policy, "CREATE TABLE IF NOT EXISTS app.n (a int)").expect("is granted");
    assert!(policy.statement("SELECT * FROM app.n").is_err());
}

#[test]
fn kinds_and_numbers_of_arguments_are_not_mixed_up() {
    let grants =
        Capabilities { ddl: list(&["app"]), code: Some(CodeGrant::Vetted), ..Capabilities::default() };
    let mut policy = policy(&grants);
    run(&mut policy, "CREATE FUNCTION app.users() RETURNS int LANGUAGE sql RETURN 1").expect("is granted");
    assert!(policy.statement("SELECT app.users()").is_ok());
    assert!(policy.statement("SELECT app.users(1)").is_err());
    assert!(policy.statement("SELECT * FROM app.users").is_err());
    run(&mut policy, "CREATE OR REPLACE FUNCTION app.g() RETURNS int LANGUAGE sql RETURN 1")
        .expect("is granted");
    assert!(policy.statement("SELECT app.g()").is_err());
}

#[test]
fn the_writer_needs_write() {
    assert_eq!(policy(&everything()).writer(None, "t").expect("is granted"), Name::new("app", "t"));
    assert!(policy(&everything()).writer(Some("secret"), "t").is_err());
    assert!(policy(&everything()).writer(Some("runner"), "history").is_err());
    assert!(policy(&everything()).writer(Some("pg_catalog"), "pg_class").is_err());
    let read = Capabilities { read: list(&["app"]), ..Capabilities::default() };
    assert_eq!(policy(&read).writer(None, "t").expect_err("no").grant(), Some("write = [\"app.t\"]"));
}

#[test]
fn a_newer_grammar_is_refused_on_an_older_server() {
    for (sql, major) in [
        ("SELECT JSON_OBJECT('a': 1)", 16),
        ("SELECT JSON_ARRAY(1, 2)", 16),
        ("SELECT JSON_ARRAY(SELECT 1)", 16),
        ("SELECT JSON_OBJECTAGG('a': 1)", 16),
        ("SELECT JSON_ARRAYAGG(1)", 16),
        ("SELECT '1' IS JSON", 16),
        ("SELECT JSON_VALUE('1', '$')", 17),
        ("SELECT JSON_QUERY('1', '$')", 17),
        ("SELECT JSON_EXISTS('1', '$')", 17),
        ("SELECT JSON('1')", 17),
        ("SELECT JSON_SCALAR(1)", 17),
        ("SELECT JSON_SERIALIZE('1')", 17),
        ("SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a int PATH '$')) j", 17),
        ("MERGE INTO app.t USING app.s ON true WHEN MATCHED THEN DELETE RETURNING merge_action()", 17),
    ] {
        let on = |major| {
            let mut policy = Policy::enforcing(&everything(), facts(major), context()).expect("reads");
            policy.statements(sql).map(drop)
        };
        assert!(on(major - 1).is_err(), "{sql}");
        assert_eq!(on(major), Ok(()), "{sql}");
    }
}

#[test]
fn a_servers_own_functions_are_known_from_its_catalog() {
    let rows = [
        ("version", "19"),
        ("function", "brand_new"),
        ("field", "brand_new"),
        ("field", "lower"),
        ("type", "brand_new_type"),
    ];
    let facts = Arc::new(ServerFacts::from_rows(rows).expect("has a version"));
    let mut policy = Policy::enforcing(&everything(), facts, context()).expect("reads");
    for sql in [
        "SELECT brand_new(1)",
        "SELECT t.brand_new FROM app.t",
        "SELECT 1::brand_new_type",
        "CREATE TYPE app.brand_new_type AS ENUM ('a')",
    ] {
        assert!(policy.statements(sql).is_err(), "{sql}");
    }
    assert!(policy.statements("SELECT t.lower FROM app.t").is_ok());
    assert!(ServerFacts::from_rows([("function", "x")]).is_none());
}

#[test]
fn malformed_grants_are_an_error() {
    let grants = Capabilities { read: list(&["a.b.c"]), ..Capabilities::default() };
    let policy = Policy::enforcing(&grants, ServerFacts::built_in(), context());
    assert!(matches!(policy, Err(PolicyError::Capabilities(_))));
}
