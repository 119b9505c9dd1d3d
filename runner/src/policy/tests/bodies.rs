//! Code: what of it can be checked, and what of it is let through.

use super::*;

fn function(body: &str) -> String {
    format!(
        "CREATE FUNCTION app.f(a int, b app.users DEFAULT NULL) RETURNS int LANGUAGE plpgsql AS $$ {body} $$"
    )
}

fn trigger(body: &str) -> String {
    format!("CREATE FUNCTION app.g() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
}

fn vetted(sql: &str) -> Result<(), PolicyError> {
    run(&mut policy(&everything()), sql)
}

#[test]
fn bodies_that_can_be_read_pass() {
    let mut failures = String::new();
    for sql in [
        function("BEGIN RETURN a + 1; END"),
        function("BEGIN RETURN b.id; END"),
        function("DECLARE n int := 0; r record; t app.users%ROWTYPE; c app.users.email%TYPE; x text; BEGIN FOR r IN SELECT * FROM app.users LOOP n := n + r.id; END LOOP; SELECT * INTO t FROM app.users; RETURN n; END"),
        function("BEGIN IF a > 1 THEN RETURN 1; ELSIF (a = 2) THEN RETURN 2; ELSE RETURN app.f(a - 1); END IF; END"),
        function("BEGIN WHILE (a < 5) LOOP a := a + 1; EXIT WHEN (a > 3); END LOOP; PERFORM count(*) FROM app.nums; RAISE NOTICE 'x %', lower('A'); RETURN (SELECT max(i) FROM app.nums AS n(i)); END"),
        function("DECLARE s numeric(10, 2) DEFAULT round(2.5, 1); arr int[] := ARRAY[1, 2]; BEGIN FOREACH a IN ARRAY arr LOOP NULL; END LOOP; arr[1] := 3; RETURN CASE a WHEN 1 THEN 2 ELSE 3 END; END"),
        function("BEGIN INSERT INTO app.nums VALUES (1, 2) RETURNING a INTO a; UPDATE app.users SET name = 'x' WHERE id = a; GET DIAGNOSTICS a = ROW_COUNT; RETURN a; EXCEPTION WHEN unique_violation OR others THEN RAISE EXCEPTION 'no' USING ERRCODE = '22023', HINT = upper('x'); END"),
        function("#variable_conflict use_column\nDECLARE n CONSTANT int NOT NULL := 3; BEGIN FOR i IN REVERSE 10..1 BY 2 LOOP CONTINUE WHEN i = 4; END LOOP; ASSERT a > 0, 'x'; RETURN n; END"),
        trigger("BEGIN IF NEW IS DISTINCT FROM OLD AND NEW.updated_at = OLD.updated_at THEN NEW.updated_at := now(); END IF; RETURN NEW; END"),
        trigger("BEGIN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; INSERT INTO app.log VALUES (TG_TABLE_NAME, to_jsonb(NEW)); RETURN NULL; END"),
        "CREATE FUNCTION app.f() RETURNS SETOF app.users LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT * FROM app.users; END $$".into(),
        "CREATE FUNCTION app.f(OUT a int, INOUT b text) LANGUAGE plpgsql AS $$ BEGIN a := 1; RETURN; END $$".into(),
        "CREATE FUNCTION app.f() RETURNS TABLE (a int, b text) LANGUAGE plpgsql AS $$ BEGIN a := 1; RETURN NEXT; END $$".into(),
        "CREATE PROCEDURE app.p(n int) LANGUAGE plpgsql AS $$ BEGIN CALL app.q(n); END $$".into(),
        "DO $$ BEGIN IF EXISTS (SELECT FROM app.users) THEN CREATE TYPE app.n AS ENUM ('a'); END IF; END $$".into(),
        "CREATE FUNCTION app.f(a int) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5 SET search_path = app AS 'SELECT a + 1; SELECT id FROM app.users'".into(),
        "CREATE FUNCTION app.f(VARIADIC a int[]) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT id FROM users; INSERT INTO nums VALUES (1); END".into(),
        "CREATE OR REPLACE FUNCTION app.f(n int) RETURNS int LANGUAGE sql RETURN app.f(n - 1)".into(),
        "ALTER FUNCTION app.f(int) IMMUTABLE SECURITY INVOKER SET search_path = app".into(),
    ] {
        if let Err(error) = vetted(&sql) {
            failures.push_str(&format!("{sql}\n  {error}\n"));
        }
    }
    assert_eq!(failures, "");
}

#[test]
fn bodies_that_reach_further_are_refused() {
    let mut through = Vec::new();
    for body in [
        "BEGIN EXECUTE 'drop table x'; RETURN 1; END",
        "BEGIN FOR a IN EXECUTE 'select 1' LOOP NULL; END LOOP; END",
        "BEGIN RETURN QUERY EXECUTE 'select 1'; END",
        "BEGIN DELETE FROM runner.history; RETURN 1; END",
        "BEGIN DELETE FROM app.undeclared; RETURN 1; END",
        "BEGIN DELETE FROM users; RETURN 1; END",
        "BEGIN RETURN pg_sleep(1); END",
        "BEGIN PERFORM pg_read_file('x'); END",
        "BEGIN IF pg_sleep(1) IS NULL THEN NULL; END IF; END",
        "BEGIN FOR i IN 1..pg_backend_pid() LOOP NULL; END LOOP; END",
        "BEGIN RAISE NOTICE '%', pg_read_file('x'); END",
        "BEGIN RAISE EXCEPTION 'x' USING HINT = pg_read_file('x'); END",
        "BEGIN RAISE LOG 'x'; RETURN 1; END",
        "BEGIN ASSERT pg_sleep(1) IS NULL; END",
        "BEGIN ASSERT true, pg_read_file('x'); END",
        "BEGIN RETURN CASE WHEN pg_sleep(1) IS NULL THEN 1 END; END",
        "BEGIN CASE pg_sleep(1) WHEN 1 THEN NULL; END CASE; END",
        "BEGIN a := pg_sleep(1); END",
        "BEGIN RETURN ('x'::text).pg_read_file; END",
        "BEGIN RETURN b.pg_read_file; END",
        "DECLARE r record := secret.f(); BEGIN RETURN 1; END",
        "DECLARE r record := (SELECT v FROM secret.t); BEGIN RETURN 1; END",
        "DECLARE r record := ROW(('x'::text).pg_read_file); BEGIN RETURN 1; END",
        "DECLARE r record := (SELECT v FROM undeclared); BEGIN PERFORM 1; RETURN 1; END",
        "DECLARE r record := (TABLE undeclared); BEGIN RETURN 1; END",
        "DECLARE n int := pg_sleep(1); BEGIN RETURN 1; END",
        "DECLARE n int DEFAULT (SELECT v FROM secret.t); BEGIN RETURN 1; END",
        "DECLARE c CURSOR FOR SELECT * FROM app.users; BEGIN OPEN c; CLOSE c; RETURN 1; END",
        "DECLARE c refcursor; BEGIN OPEN c FOR SELECT 1; RETURN 1; END",
        "DECLARE t secret.t%ROWTYPE; BEGIN RETURN 1; END",
        "DECLARE t secret.t.v%TYPE; BEGIN RETURN 1; END",
        "DECLARE t regclass; BEGIN t := 'x'; RETURN 1; END",
        "BEGIN COMMIT; RETURN 1; END",
        "BEGIN ROLLBACK; RETURN 1; END",
        "BEGIN SET LOCAL ROLE runner; RETURN 1; END",
        "BEGIN RESET ROLE; RETURN 1; END",
        "BEGIN COPY app.users TO '/x'; RETURN 1; END",
        "BEGIN RETURN 1; EXCEPTION WHEN query_canceled THEN RETURN 2; END",
        "BEGIN RETURN 1; EXCEPTION WHEN SQLSTATE '57014' THEN RETURN 2; END",
        "BEGIN RETURN 1; EXCEPTION WHEN operator_intervention THEN RETURN 2; END",
        "BEGIN BEGIN NULL; EXCEPTION WHEN others OR query_canceled THEN NULL; END; RETURN 1; END",
        "BEGIN CREATE FUNCTION app.h() RETURNS int LANGUAGE plpgsql AS 'BEGIN EXECUTE ''x''; END'; RETURN 1; END",
        "BEGIN RETURN currval('s'); END",
        "BEGIN PERFORM 1 FROM app.users WHERE currval('runner.s') > 1; END",
        "BEGIN not sql at all; END",
        "BEGIN CALL runner.p(); RETURN 1; END",
    ] {
        if vetted(&function(body)).is_ok() {
            through.push(body);
        }
    }
    for sql in [
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT v FROM secret.t'",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT id FROM users'",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT similar(1)'",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'COMMIT'",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1; not sql'",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql RETURN pg_sleep(1)",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; DELETE FROM runner.history; END",
        "CREATE FUNCTION app.f(a int DEFAULT pg_backend_pid()) RETURNS int LANGUAGE sql RETURN 1",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql LEAKPROOF RETURN 1",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SUPPORT app.s RETURN 1",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SET role = 'runner' RETURN 1",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SET search_path FROM CURRENT RETURN 1",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE c AS 'a', 'b'",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE internal AS 'pg_sleep'",
        "CREATE FUNCTION app.f() RETURNS int LANGUAGE plpython3u AS 'x'",
        "CREATE FUNCTION app.f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE FUNCTION app.f(a regclass) RETURNS int LANGUAGE sql RETURN 1",
        "CREATE FUNCTION app.f(a internal) RETURNS int LANGUAGE sql RETURN 1",
        "ALTER FUNCTION app.f(int) SECURITY DEFINER",
        "ALTER FUNCTION app.f(int) RESET ALL",
        "ALTER FUNCTION app.f(int) LEAKPROOF",
        "DO LANGUAGE plpython3u 'x'",
        "DO LANGUAGE sql 'SELECT 1'",
        "DO $$ BEGIN EXECUTE 'RESET ROLE'; END $$",
    ] {
        if vetted(sql).is_ok() {
            through.push(sql);
        }
    }
    assert_eq!(through, [""; 0]);
}

#[test]
fn code_needs_its_grant() {
    let none = Capabilities { code: None, ..everything() };
    for sql in [&function("BEGIN RETURN 1; END"), "DO $$ BEGIN NULL; END $$", "ALTER FUNCTION app.f() STABLE"]
    {
        match check(&none, sql) {
            Err(error) => assert_eq!(error.grant(), Some("code = \"vetted\""), "{sql}"),
            Ok(_) => panic!("{sql}"),
        }
    }
}

#[test]
fn unchecked_code_passes_only_where_the_context_allows_it() {
    let grants = Capabilities { code: Some(CodeGrant::Unchecked), ..everything() };
    let sql = "DO $$ BEGIN EXECUTE 'x'; END $$";
    assert!(check(&grants, sql).is_ok());
    let context = Context { allows_unchecked_code: false, ..context() };
    let mut policy = Policy::enforcing(&grants, ServerFacts::built_in(), context).expect("reads");
    assert!(policy.statements(sql).is_err());
    assert!(policy.statements("DO $$ BEGIN NULL; END $$").is_ok());
    assert!(
        check(&grants, "CREATE FUNCTION app.f() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS 'x'")
            .is_err()
    );
}

#[test]
fn a_refusal_in_a_body_points_at_the_statement_and_says_so() {
    let error = check(&everything(), "SELECT 1; DO $$ BEGIN DELETE FROM app.undeclared; END $$")
        .expect_err("refused");
    assert_eq!(error.grant(), Some("write = [\"app.undeclared\"]"));
    assert!(error.to_string().contains("in the body: "), "{error}");
    assert!(error.position().is_some_and(|position| position >= 11), "{error:?}");
}
