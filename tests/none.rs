//! Steps without a transaction (`transaction = "none"`), on a real server.

use std::process::{Child, Command, Stdio};

use crate::support::Blocker;
use crate::support::{Database, Project, manifest, probe};

/// A project whose first revision makes a table with ten rows.
fn project() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    let table = "CREATE TABLE public.t (id int PRIMARY KEY, a int);\n\
                 INSERT INTO public.t SELECT n, n FROM generate_series(1, 10) n;\n\
                 CREATE TABLE public.ran (what text);\n";
    project.sql("a", "", table, "DROP TABLE public.ran; DROP TABLE public.t;");
    (database, project)
}

/// Adds a revision without a transaction.
fn none(project: &Project, id: &str, parent: &str, upgrade: &str, downgrade: &str) {
    none_with(project, id, parent, upgrade, downgrade, "");
}

fn none_with(project: &Project, id: &str, parent: &str, upgrade: &str, downgrade: &str, more: &str) {
    project.sql(id, parent, upgrade, downgrade);
    let more = format!("transaction = \"none\"\n{more}");
    project.write(&format!("migrations/{id}/migration.toml"), manifest(id, parent, "sql", &more));
}

fn is_valid(database: &Database, index: &str) -> String {
    database.value(&format!(
        "SELECT coalesce((SELECT indisvalid::text FROM pg_index WHERE indexrelid = to_regclass('{index}')), 'absent')"
    ))
}

fn start(project: &Project, args: &[&str]) -> Child {
    project.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
}

/// Until a statement of this beginning runs and waits.
fn wait_until_waiting(database: &Database, beginning: &str) {
    database.wait_for(&format!(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '{beginning}%' AND wait_event_type = 'Lock' \
         AND datname = current_database()"
    ));
}

/// Nothing but the step's own row is left of its statements.
#[track_caller]
fn assert_nothing_partly(database: &Database) {
    assert_eq!(database.value("SELECT count(*) FROM runner.statement"), "0");
}

#[test]
fn a_whole_life() {
    let (database, project) = project();
    let upgrade = "CREATE TYPE public.mood AS ENUM ('sad');\n\
                   CREATE TABLE public.person (mood public.mood);\n\
                   CREATE INDEX CONCURRENTLY t_a ON public.t (a);\n\
                   VACUUM (ANALYZE) public.t;\n\
                   ALTER TYPE public.mood ADD VALUE 'happy';\n\
                   INSERT INTO public.person VALUES ('happy'), ('sad');\n\
                   CLUSTER public.t USING t_pkey;\n\
                   REINDEX TABLE CONCURRENTLY public.t;\n";
    let downgrade =
        "DROP INDEX CONCURRENTLY public.t_a;\nDROP TABLE public.person;\nDROP TYPE public.mood;\n";
    none(&project, "b", "a", upgrade, downgrade);
    let plan = project.ok(&["plan", "head"]);
    assert!(plan.contains("not in a transaction: statement by statement"), "{plan}");
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("  done     b: statement 3 of 8 ("), "{}", finished.stderr);
    assert_eq!(is_valid(&database, "t_a"), "true");
    assert_eq!(database.rows("SELECT mood FROM public.person ORDER BY 1"), ["sad", "happy"]);
    assert_eq!(database.rows("SELECT statements, rows FROM runner.revision WHERE revision = 'b'"), ["8|2"]);
    assert_nothing_partly(&database);
    let up = database.dump();
    // What the ledger has is what runs.
    project.write("migrations/b/downgrade.sql", "SELECT 1/0;");
    let said = project.run(&["downgrade", "a"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(!database.has("t_a") && !database.has("person"));
    assert_nothing_partly(&database);
    project.write("migrations/b/downgrade.sql", downgrade);
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.dump(), up);
    assert_eq!(project.ok(&["current"]), "b (head)\n");
    let journal =
        database.rows("SELECT direction, outcome FROM runner.journal WHERE revision = 'b' ORDER BY id");
    assert_eq!(journal, ["upgrade|done", "downgrade|done", "upgrade|done"]);
}

#[test]
fn a_failure_in_the_middle_is_resumed_where_it_stopped() {
    let (database, project) = project();
    let upgrade = |third: &str| {
        format!(
            "INSERT INTO public.ran VALUES ('one');\nINSERT INTO public.ran VALUES ('two');\n-- the third\n{third}\n\
             INSERT INTO public.ran VALUES ('four');\nVACUUM public.t;\n"
        )
    };
    none(&project, "b", "a", &upgrade("INSERT INTO public.ran VALUES (1/0);"), "DELETE FROM public.ran;");
    let said = project.fails(5, &["upgrade", "head"]);
    assert!(said.contains("statement 3 of 5 was rejected by PostgreSQL (22012)"), "{said}");
    assert!(said.contains("migrations/b/upgrade.sql:4:"), "{said}");
    assert!(said.contains("Of this step, 2 of 5 statements are done and stay."), "{said}");
    assert!(said.contains("it goes on with statement 3 of 5"), "{said}");
    assert!(!said.contains("rolled back"), "{said}");
    // Everybody says so.
    let partly = "`b` is partly applied: 2 of 5 statements";
    assert!(project.ok(&["status"]).contains(partly));
    assert!(project.ok(&["plan", "head"]).contains(partly));
    assert!(project.run(&["current"]).stderr.contains(partly));
    for args in [&["status", "--json"][..], &["current", "--json"], &["plan", "head", "--json"]] {
        let json: serde_json::Value = serde_json::from_str(&project.ok(args)).expect("JSON");
        let found = json["partly"].as_array().and_then(|partly| partly.first().cloned());
        let found = found.unwrap_or_else(|| json["steps"][0]["partly"].clone());
        assert_eq!((&found["done"], &found["total"]), (&2.into(), &5.into()), "{args:?} {json}");
    }
    let said = project.fails(3, &["current", "--check-heads"]);
    assert!(said.contains(partly) && said.contains("runner upgrade b"), "{said}");
    assert_eq!(project.run(&["status", "--exit-code"]).code, 3);
    none(&project, "b", "a", &upgrade("INSERT INTO public.ran VALUES ('three');"), "DELETE FROM public.ran;");
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("resuming b: 2 of 5 statements are done"), "{}", finished.stderr);
    assert_eq!(database.rows("SELECT what FROM public.ran"), ["one", "two", "three", "four"]);
    assert_eq!(database.rows("SELECT statements, rows FROM runner.revision WHERE revision = 'b'"), ["5|4"]);
    assert_nothing_partly(&database);
}

#[test]
fn an_invalid_index_is_dropped_before_the_next_attempt() {
    let (database, project) = project();
    project.ok(&["upgrade", "a"]);
    none(
        &project,
        "b",
        "a",
        "INSERT INTO public.t VALUES (11, 1);\nCREATE UNIQUE INDEX CONCURRENTLY t_a ON public.t (a);\n",
        "DROP INDEX CONCURRENTLY IF EXISTS public.t_a;",
    );
    let said = project.fails(5, &["upgrade", "head"]);
    assert!(said.contains("statement 2 of 2 was rejected by PostgreSQL (23505)"), "{said}");
    assert!(
        said.contains("the invalid index public.t_a, which an attempt that failed has left, is dropped"),
        "{said}"
    );
    assert_eq!(is_valid(&database, "t_a"), "absent");
    // One that another tool left, or a runner that was killed.
    database.rows("UPDATE public.t SET a = 1 WHERE id = 11");
    let failed =
        crate::support::execute(&database.url, "CREATE UNIQUE INDEX CONCURRENTLY t_a ON public.t (a)");
    assert!(failed.is_err());
    assert_eq!(is_valid(&database, "t_a"), "false");
    database.rows("UPDATE public.t SET a = 11 WHERE id = 11");
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("the invalid index public.t_a"), "{}", finished.stderr);
    assert_eq!(is_valid(&database, "t_a"), "true");
    assert_eq!(database.value("SELECT count(*) FROM public.t"), "11");
}

#[test]
fn a_runner_that_is_killed_while_it_builds_an_index_leaves_nothing_for_good() {
    let (database, project) = project();
    project.write("runner.toml", "[session]\nlock_timeout = \"60s\"\n");
    project.ok(&["upgrade", "a"]);
    let upgrade = "INSERT INTO public.ran VALUES ('one');\nCREATE INDEX CONCURRENTLY t_a ON public.t (a);\n";
    none(&project, "b", "a", upgrade, "DROP INDEX CONCURRENTLY public.t_a;");
    let writer = Blocker::new(&database, "UPDATE public.t SET a = 0 WHERE id = 1");
    let mut child = start(&project, &["upgrade", "head"]);
    wait_until_waiting(&database, "CREATE INDEX CONCURRENTLY");
    child.kill().expect("is killed");
    child.wait().expect("ends");
    // The server sees that its client is gone, and gives up.
    database.wait_for(
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' \
         AND datname = current_database()",
    );
    assert_eq!(is_valid(&database, "t_a"), "false");
    assert!(project.ok(&["status"]).contains("`b` is partly applied: 1 of 2 statements"));
    drop(writer);
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("the invalid index public.t_a"), "{}", finished.stderr);
    assert_eq!(is_valid(&database, "t_a"), "true");
    assert_eq!(database.value("SELECT count(*) FROM public.ran"), "1");
    assert_nothing_partly(&database);
}

#[test]
fn an_index_that_was_finished_without_its_record_is_not_built_again() {
    let (database, project) = project();
    project.ok(&["upgrade", "a"]);
    none(
        &project,
        "b",
        "a",
        "CREATE INDEX CONCURRENTLY t_a ON public.t (a);\nDROP INDEX CONCURRENTLY public.t_b;\nSELECT 1/0;",
        "SELECT 1;",
    );
    database.rows("CREATE INDEX t_b ON public.t (a)");
    project.fails(5, &["upgrade", "head"]);
    let number = "SELECT 'public.t_a'::regclass::oid";
    let before = database.value(number);
    // As if the runner had been killed after the second statement, and then
    // after the first one.
    database.rows("UPDATE runner.statement SET done_at = NULL WHERE number = 2");
    project.fails(5, &["upgrade", "head"]);
    database
        .rows("DELETE FROM runner.statement WHERE number = 2; UPDATE runner.statement SET done_at = NULL");
    database.rows("CREATE INDEX t_b ON public.t (a)");
    project.fails(5, &["upgrade", "head"]);
    assert_eq!(database.value(number), before);
    assert!(!database.has("t_b"));
}

#[test]
fn an_index_that_was_there_before_is_not_taken_for_ones_own() {
    let (database, project) = project();
    project.ok(&["upgrade", "a"]);
    database.rows("CREATE INDEX t_a ON public.t (id)");
    none(&project, "b", "a", "CREATE INDEX CONCURRENTLY t_a ON public.t (a);", "SELECT 1;");
    for _ in 0..2 {
        let said = project.fails(5, &["upgrade", "head"]);
        assert!(said.contains("(42P07)") && said.contains("none of 1 statement is done"), "{said}");
    }
    database.rows("DROP INDEX public.t_a");
    project.ok(&["upgrade", "head"]);
}

#[test]
fn a_statement_that_was_done_may_not_be_edited() {
    let (database, project) = project();
    let upgrade =
        "INSERT INTO public.ran VALUES ('one');\n\nINSERT INTO public.ran VALUES ('two');\nSELECT 1/0;\n";
    none(&project, "b", "a", upgrade, "SELECT 1;");
    project.fails(5, &["upgrade", "head"]);
    let edited = upgrade.replace("'two'", "'zwei'").replace("1/0", "1");
    none(&project, "b", "a", &edited, "SELECT 1;");
    let said = project.fails(1, &["upgrade", "head"]);
    let expected =
        "statement 2 of 3 was edited after it was done; it was: INSERT INTO public.ran VALUES ('two')";
    assert!(said.contains(expected), "{said}");
    assert!(said.contains("migrations/b/upgrade.sql:3:1"), "{said}");
    assert!(said.contains("runner stamp"), "{said}");
    // The whole revision cannot become an ordinary one either.
    project.sql("b", "a", upgrade, "SELECT 1;");
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("no longer says `transaction = \"none\"`"), "{said}");
    assert_eq!(database.value("SELECT count(*) FROM public.ran"), "2");
    // Comments may.
    let edited = upgrade.replace("1/0", "1").replace("\n\n", "\n-- the second\n");
    none(&project, "b", "a", &edited, "SELECT 1;");
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT count(*) FROM public.ran"), "2");
}

#[test]
fn what_is_in_part_keeps_others_waiting_and_a_stamp_forgets_it() {
    let (database, project) = project();
    none(
        &project,
        "b",
        "a",
        "INSERT INTO public.ran VALUES ('one');\nSELECT 1/0;\n",
        "SELECT 1; SELECT 1/0;",
    );
    project.fails(5, &["upgrade", "head"]);
    let said = project.fails(1, &["downgrade", "base"]);
    assert!(
        said.contains("`b` is partly applied: 1 of 2 statements, and downgrade of `a` has to wait"),
        "{said}"
    );
    assert!(said.contains("runner upgrade b") && said.contains("runner stamp"), "{said}");
    assert!(database.has("t"));
    // Back by hand.
    database.rows("DELETE FROM public.ran");
    let said = project.run(&["stamp", "a"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("forgot"), "{}", said.stderr);
    assert_nothing_partly(&database);
    none(&project, "b", "a", "INSERT INTO public.ran VALUES ('anew');\n", "SELECT 1; SELECT 1/0;");
    project.sql("c", "b", "SELECT 1;", "SELECT 1;");
    project.ok(&["upgrade", "b"]);
    // The way down, in part.
    project.fails(5, &["downgrade", "a"]);
    assert!(project.ok(&["status"]).contains("`b` is partly taken back: 1 of 2 statements"));
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("`b` is partly taken back") && said.contains("runner stamp b"), "{said}");
    assert_eq!(project.run(&["current", "--check-heads"]).code, 3);
    project.ok(&["stamp", "b"]);
    project.ok(&["upgrade", "head"]);
    assert_nothing_partly(&database);
}

#[test]
fn it_is_for_sql_only() {
    let (database, project) = project();
    project.component("b", "a", &probe(), "transaction = \"none\"\n");
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("migrations/b/migration.toml:5:1"), "{said}");
    assert!(said.contains("`transaction = \"none\"` is for kind `sql`"), "{said}");
    assert!(!database.has("t"));
}

#[test]
fn an_ordinary_revision_is_told_where_such_statements_belong() {
    for statement in [
        "CREATE INDEX CONCURRENTLY i ON public.t (a)",
        "DROP INDEX CONCURRENTLY public.t_pkey",
        "REINDEX TABLE CONCURRENTLY public.t",
        "REINDEX (CONCURRENTLY) INDEX public.t_pkey",
        "REINDEX SCHEMA public",
        "VACUUM public.t",
        "VACUUM FULL",
        "CLUSTER",
        "ALTER TABLE public.t DETACH PARTITION public.p CONCURRENTLY",
    ] {
        let (database, project) = project();
        project.sql("b", "a", &format!("SELECT 1;\n{statement};\n"), "SELECT 1;");
        let said = project.fails(1, &["upgrade", "head"]);
        assert!(said.contains("`transaction = \"none\"`"), "{statement}: {said}");
        assert!(said.contains("migrations/b/upgrade.sql:2:1"), "{statement}: {said}");
        assert!(!database.has("t"), "{statement}");
    }
}

#[test]
fn what_fits_nowhere_or_would_be_lost_is_refused_before_anything_runs() {
    for (statement, why) in [
        ("CREATE INDEX CONCURRENTLY ON public.t (a)", "needs a name"),
        ("CREATE DATABASE other", "whole server"),
        ("CREATE TABLESPACE x LOCATION '/tmp/x'", "whole server"),
        ("ALTER SYSTEM SET work_mem = '1GB'", "whole server"),
        ("REINDEX DATABASE postgres", "whole server"),
        ("BEGIN", "leave it out"),
        ("SET LOCAL lock_timeout = '1s'", "SET without LOCAL"),
        ("SET TRANSACTION READ ONLY", "transaction of its own"),
        ("LOCK TABLE public.t", "transaction of its own"),
        ("CREATE TEMP TABLE x (a int)", "another session"),
        ("DROP INDEX CONCURRENTLY public.i, public.j", "one at a time"),
    ] {
        let (database, project) = project();
        none(&project, "b", "a", &format!("SELECT 1;\n{statement};\n"), "SELECT 1;");
        let said = project.fails(1, &["upgrade", "head"]);
        assert!(said.contains(why), "{statement}: {said}");
        assert!(said.contains("migrations/b/upgrade.sql:2:1"), "{statement}: {said}");
        assert!(!database.has("t"), "{statement}");
    }
}

#[test]
fn grants_hold_as_everywhere() {
    let (database, project) = project();
    project.ok(&["upgrade", "head"]);
    let upgrade = "SET lock_timeout = '2s';\nCREATE INDEX CONCURRENTLY t_a ON t (a);\nVACUUM (ANALYZE) t;\n\
                   REINDEX INDEX CONCURRENTLY t_a;\nINSERT INTO ran VALUES ('one');\n";
    let downgrade = "DROP INDEX CONCURRENTLY t_a;\n";
    none_with(&project, "b", "a", upgrade, downgrade, "[capabilities]\nddl = [\"public.t\"]\n");
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("does not grant `set_local`"), "{said}");
    let grants = |ddl: &str| format!("[capabilities]\nset_local = true\nddl = [{ddl}]\n");
    none_with(&project, "b", "a", upgrade, downgrade, &grants("\"public.ran\""));
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("`ddl` on `public.t`"), "{said}");
    let all = grants("\"public.t\", \"public.t_a\"") + "write = [\"public.ran\"]\ndrop = [\"public.t_a\"]\n";
    none_with(&project, "b", "a", upgrade, downgrade, &all);
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(is_valid(&database, "t_a"), "true");
    let finished = project.run(&["downgrade", "a"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    // A trigger's effects are seen too.
    database.rows(
        "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN DELETE FROM public.t; RETURN NULL; END'; \
         CREATE TRIGGER f AFTER INSERT ON public.ran FOR EACH STATEMENT EXECUTE FUNCTION public.f()",
    );
    let said = project.fails(5, &["upgrade", "head"]);
    assert!(said.contains("it did what its manifest does not grant"), "{said}");
    assert!(said.contains("4 of 5 statements are done and stay"), "{said}");
    assert_eq!(database.value("SELECT count(*) FROM public.t"), "10");
}

#[test]
fn one_transaction_for_all_cannot_be() {
    let (database, project) = project();
    none(&project, "b", "a", "VACUUM public.t;", "VACUUM public.t;");
    let said = project.fails(1, &["upgrade", "head", "--single-transaction"]);
    assert!(said.contains("`b` cannot run in a transaction"), "{said}");
    assert!(!database.has("t"));
    project.ok(&["upgrade", "head"]);
    let said = project.fails(1, &["downgrade", "base", "--single-transaction"]);
    assert!(said.contains("`b` cannot run in a transaction"), "{said}");
    assert!(database.has("t"));
}

#[test]
fn settings_hold_for_the_rest_of_the_script_also_where_it_is_resumed() {
    let (database, project) = project();
    let upgrade = |last: &str| {
        format!(
            "CREATE SCHEMA app;\nSET search_path = app, public;\nSET lock_timeout = '7s';\n\
             CREATE TABLE x AS SELECT current_setting('lock_timeout') AS l;\nSELECT {last};\n\
             CREATE INDEX CONCURRENTLY x_l ON x (l);\n\
             CREATE TABLE y AS SELECT current_setting('lock_timeout') AS l;\n"
        )
    };
    none(&project, "b", "a", &upgrade("1/0"), "DROP SCHEMA app CASCADE;");
    project.fails(5, &["upgrade", "head"]);
    none(&project, "b", "a", &upgrade("1"), "DROP SCHEMA app CASCADE;");
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(database.rows("SELECT l FROM app.x UNION ALL SELECT l FROM app.y"), ["7s", "7s"]);
    assert_eq!(is_valid(&database, "app.x_l"), "true");
}

#[test]
fn a_role_that_is_taken_on_does_not_write_the_ledger() {
    let (database, project) = project();
    let role = format!("owner_{}", database.name);
    database
        .rows(&format!("CREATE ROLE {role}; GRANT {role} TO owner; GRANT CREATE ON SCHEMA public TO {role}"));
    let upgrade = format!(
        "SET ROLE {role};\nCREATE TABLE public.x (a int);\nCREATE INDEX CONCURRENTLY x_a ON public.x (a);\nSELECT 1/0;\n"
    );
    none(&project, "b", "a", &upgrade, "");
    project.fails(5, &["upgrade", "head"]);
    assert_eq!(database.value("SELECT outcome FROM runner.journal WHERE revision = 'b'"), "failed");
    none(&project, "b", "a", &upgrade.replace("1/0", "1"), "");
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(database.value("SELECT tableowner FROM pg_tables WHERE tablename = 'x'"), role);
    assert_eq!(database.value("SELECT applied_by FROM runner.revision WHERE revision = 'b'"), "owner");
}

#[test]
fn waiting_runners_do_not_keep_an_index_from_being_built() {
    let (database, project) = project();
    project.write("runner.toml", "[session]\nlock_timeout = \"60s\"\n");
    project.ok(&["upgrade", "head"]);
    none(&project, "b", "a", "CREATE INDEX CONCURRENTLY t_a ON public.t (a);", "SELECT 1;");
    let writer = Blocker::new(&database, "UPDATE public.t SET a = 0 WHERE id = 1");
    let first = start(&project, &["upgrade", "head"]);
    wait_until_waiting(&database, "CREATE INDEX CONCURRENTLY");
    let waiting: Vec<Child> = (0..3).map(|_| start(&project, &["upgrade", "head"])).collect();
    database.wait_for(
        "SELECT count(*) >= 4 FROM pg_stat_activity WHERE application_name LIKE 'runner%' \
         AND datname = current_database()",
    );
    drop(writer);
    for child in std::iter::once(first).chain(waiting) {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(is_valid(&database, "t_a"), "true");
    assert_eq!(database.value("SELECT count(*) FROM runner.journal WHERE revision = 'b'"), "1");
}

#[test]
fn a_lock_that_is_waited_for_too_long_is_tried_again() {
    let (database, project) = project();
    project.write("runner.toml", "[session]\nlock_timeout = \"300ms\"\nretries = 20\n");
    project.ok(&["upgrade", "head"]);
    let upgrade = "INSERT INTO public.ran VALUES ('one');\nCREATE INDEX CONCURRENTLY t_a ON public.t (a);\n";
    none(&project, "b", "a", upgrade, "SELECT 1;");
    let writer = Blocker::new(&database, "UPDATE public.t SET a = 0 WHERE id = 1");
    let child = start(&project, &["upgrade", "head", "--json"]);
    database.wait_for("SELECT count(*) > 0 FROM runner.statement WHERE number = 2");
    wait_until_waiting(&database, "%INDEX CONCURRENTLY");
    database.wait_for(
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE '%INDEX CONCURRENTLY%' \
         AND wait_event_type = 'Lock' AND datname = current_database()",
    );
    drop(writer);
    let output = child.wait_with_output().expect("ends");
    let events = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{events}{}", String::from_utf8_lossy(&output.stderr));
    assert!(events.contains("\"event\":\"step-retried\""), "{events}");
    assert!(events.contains("\"event\":\"step-resumed\""), "{events}");
    let finished = "\"event\":\"statement-finished\"";
    assert_eq!(events.matches(finished).count(), 2, "{events}");
    assert_eq!(is_valid(&database, "t_a"), "true");
    assert_eq!(database.value("SELECT count(*) FROM public.ran"), "1");
}

#[test]
fn an_interruption_cancels_the_statement_and_keeps_what_is_done() {
    let (database, project) = project();
    project.write("runner.toml", "[session]\nlock_timeout = \"60s\"\n");
    project.ok(&["upgrade", "head"]);
    let upgrade = "INSERT INTO public.ran VALUES ('one');\nCREATE INDEX CONCURRENTLY t_a ON public.t (a);\n";
    none(&project, "b", "a", upgrade, "SELECT 1;");
    let writer = Blocker::new(&database, "UPDATE public.t SET a = 0 WHERE id = 1");
    let child = start(&project, &["upgrade", "head"]);
    wait_until_waiting(&database, "CREATE INDEX CONCURRENTLY");
    let began = std::time::Instant::now();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("Of `b`, 1 of 2 statements are done and stay."), "{said}");
    drop(writer);
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(database.value("SELECT count(*) FROM public.ran"), "1");
    assert_eq!(is_valid(&database, "t_a"), "true");
}

#[test]
fn a_detachment_that_was_interrupted_is_finished() {
    let (database, project) = project();
    project.write("runner.toml", "[session]\nlock_timeout = \"60s\"\n");
    let tables = "CREATE TABLE public.p (id int) PARTITION BY RANGE (id);\n\
                  CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (1) TO (2);\n";
    project.sql("b", "a", tables, "DROP TABLE public.p;");
    project.ok(&["upgrade", "head"]);
    none(&project, "c", "b", "ALTER TABLE public.p DETACH PARTITION public.p1 CONCURRENTLY;", "SELECT 1;");
    let reader = Blocker::new(&database, "SELECT count(*) FROM public.p");
    let mut child = start(&project, &["upgrade", "head"]);
    wait_until_waiting(&database, "ALTER TABLE public.p DETACH");
    child.kill().expect("is killed");
    child.wait().expect("ends");
    database.wait_for("SELECT bool_or(inhdetachpending) FROM pg_inherits");
    drop(reader);
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(
        database.value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.p'::regclass"),
        "0"
    );
}

#[test]
fn a_script_for_psql_leaves_the_same() {
    let database = [Database::new(), Database::new()];
    let project = Project::without_database();
    project.sql("a", "", "CREATE TABLE public.t (id int, a int);", "DROP TABLE public.t;");
    let upgrade = "SET lock_timeout = '3s';\nINSERT INTO public.t VALUES (1, 1), (2, 2);\n\
                   CREATE INDEX CONCURRENTLY t_a ON public.t (a);\nVACUUM public.t;\n\
                   CREATE TABLE public.x AS SELECT current_setting('lock_timeout') AS l;\n";
    let downgrade = "DROP TABLE public.x;\nDROP INDEX CONCURRENTLY public.t_a;\n";
    none(&project, "b", "a", upgrade, downgrade);
    let ledger = "SELECT revision, statements, rows, encode(source_digest, 'hex'), manifest, params FROM runner.revision \
                  ORDER BY revision";
    let [real, scripted] = &database;
    let same = |run: &[&str], range: &[&str]| {
        project.ok(&[run, &["--database", &real.url]].concat());
        let script = project.ok(&[range, &["--sql"]].concat());
        scripted.psql(&script).unwrap_or_else(|error| panic!("{error}\n{script}"));
        assert_eq!(scripted.dump(), real.dump());
        assert_eq!(scripted.rows(ledger), real.rows(ledger));
        assert_nothing_partly(scripted);
        script
    };
    let script = same(&["upgrade", "head"], &["upgrade", "head"]);
    assert_eq!(scripted.value("SELECT l FROM public.x"), "3s");
    same(&["downgrade", "a"], &["downgrade", "b:a"]);
    // Where it stops, the program goes on.
    let range = project.ok(&["upgrade", "a:b", "--sql"]);
    let stops = range.replace("VACUUM public.t;", "VACUUM public.t; SELECT 1/0;");
    assert_ne!(stops, range);
    let said = scripted.psql(&stops).expect_err("it stops");
    assert!(said.contains("division by zero"), "{said}");
    let again = scripted.psql(&range).expect_err("it was begun");
    assert!(again.contains("it was begun already; go on with `runner`"), "{again}");
    project.ok(&["upgrade", "head", "--database", &scripted.url]);
    assert_eq!(scripted.value("SELECT count(*) FROM public.t"), "4");
    drop(script);
}

#[test]
fn an_older_ledger_is_read_and_brought_up_to_date() {
    let (database, project) = project();
    project.ok(&["upgrade", "head"]);
    // As a runner of the third version left it.
    database.rows("DROP TABLE runner.statement; UPDATE runner.ledger SET version = 3");
    let reader = format!("reader_{}", database.name);
    database.rows(&format!("CREATE ROLE {reader} LOGIN; GRANT USAGE ON SCHEMA runner TO {reader}"));
    database.rows(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA runner TO {reader}, PUBLIC"));
    assert_eq!(project.ok(&["current"]), "a (head)\n");
    assert_eq!(project.run(&["upgrade", "head"]).code, 0);
    assert_eq!(database.value("SELECT version FROM runner.ledger"), "3", "nothing to do writes nothing");
    none(&project, "b", "a", "VACUUM public.t;", "SELECT 1;");
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT version FROM runner.ledger"), "4");
    assert_nothing_partly(&database);
    // Who could read it can still do so.
    let url = database.url.replace("//owner@", &format!("//{reader}@"));
    assert_eq!(project.ok(&["current", "--database", &url]), "b (head)\n");
}

#[test]
fn a_login_of_its_own_cannot_have_it() {
    let (database, project) = project();
    let owner = format!("app_{}", database.name);
    database.rows(&format!("CREATE ROLE {owner}"));
    project.write("runner.toml", format!("[sandbox]\nisolation = \"role\"\nowner = \"{owner}\"\n"));
    none(&project, "b", "a", "VACUUM public.t;", "SELECT 1;");
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("revision `b` has `transaction = \"none\"`"), "{said}");
    assert!(!database.has("t"));
}
