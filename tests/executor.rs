//! The life of a step, on a real server.

use std::process::{Command, Stdio};

use crate::support::{Blocker, Database, Project, holder};

fn project(tables: &[&str]) -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(tables);
    (database, project)
}

#[test]
fn a_step_that_fails_leaves_nothing_and_the_steps_before_it_stay() {
    let (database, project) = project(&["a", "b"]);
    project.sql("c", "b", "CREATE TABLE public.t_c (id int);\nSELECT 1/0;\n", "");
    project.sql("d", "c", "SELECT 1;", "");
    let said = project.fails(5, &["upgrade", "head"]);
    assert!(said.contains("upgrade of `c` failed"), "{said}");
    assert!(said.contains("statement 2 of 2 was rejected by PostgreSQL (22012)"), "{said}");
    assert!(
        said.contains("Applied: 2 revisions. Not tried: 1 revision. This step was rolled back."),
        "{said}"
    );
    assert!(database.has("t_b") && !database.has("t_c"));
    assert_eq!(project.ok(&["current"]), "b\n");
    let journal = database.rows("SELECT revision, outcome, sqlstate FROM runner.journal ORDER BY id");
    assert_eq!(journal, ["a|done|", "b|done|", "c|failed|22012"]);
}

#[test]
fn a_single_transaction_is_all_or_nothing() {
    let (database, project) = project(&["a", "b"]);
    project.sql("c", "b", "SELECT 1/0;", "");
    let said = project.fails(5, &["upgrade", "head", "--single-transaction"]);
    assert!(said.contains("  ran      a "), "{said}");
    assert!(said.contains("Applied: 0 revisions. Not tried: 0 revisions."), "{said}");
    assert!(said.contains("This step was rolled back, and 2 steps before it."), "{said}");
    assert!(!database.has("t_a"));
    project.sql("c", "b", "SELECT 1;", "SELECT 2;");
    project.ok(&["upgrade", "head", "--single-transaction"]);
    let transactions = database.value("SELECT count(DISTINCT xmin::text) FROM runner.revision");
    assert_eq!(transactions, "1");
    project.ok(&["downgrade", "base", "--single-transaction"]);
    assert!(!database.has("t_a"));
}

#[test]
fn deferred_constraints_fail_the_step_before_its_ledger_row() {
    let (database, project) = project(&["a"]);
    let sql = "CREATE TABLE public.child (id int REFERENCES public.t_a DEFERRABLE INITIALLY DEFERRED);\n\
               INSERT INTO public.child VALUES (7);";
    project.sql("b", "a", sql, "");
    let said = project.fails(5, &["upgrade", "head"]);
    assert!(said.contains("violates foreign key constraint"), "{said}");
    assert!(!database.has("child"));
    assert_eq!(project.ok(&["current"]), "a\n");
}

#[test]
fn a_script_that_would_end_the_transaction_stops_the_run_before_its_first_step() {
    for statement in ["COMMIT", "ROLLBACK; BEGIN", "END", "PREPARE TRANSACTION 'x'", "SAVEPOINT s"] {
        let (database, project) = project(&["a"]);
        project.sql("b", "a", &format!("CREATE TABLE public.t_b (id int);\n{statement};\n"), "");
        let said = project.fails(1, &["upgrade", "head"]);
        assert!(said.contains("is not permitted in a migration"), "{statement}: {said}");
        assert!(!database.has("t_a"), "{statement}");
    }
}

#[test]
fn a_downgrade_without_a_statement_takes_nothing_back() {
    let (database, project) = project(&["a"]);
    project.sql("b", "a", "CREATE TABLE public.t_b (id int);", "-- nothing yet\n");
    project.ok(&["upgrade", "head"]);
    let said = project.fails(5, &["downgrade", "-1"]);
    assert!(said.contains("cannot be taken back"), "{said}");
    assert!(database.has("t_b"));
    assert_eq!(project.ok(&["current"]), "b (head)\n");
}

#[test]
fn what_a_step_does_to_the_session_ends_with_it() {
    let (database, project) = project(&["a"]);
    let sql = "SET search_path = pg_catalog; SET lock_timeout = 0; SET standard_conforming_strings = off;";
    project.sql("b", "a", sql, "");
    let sql = "CREATE TABLE probe AS SELECT current_setting('lock_timeout') AS l, \
               current_setting('standard_conforming_strings') AS s, current_setting('search_path') AS p;";
    project.sql("c", "b", sql, "");
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.rows("SELECT * FROM public.probe"), ["5s|on|\"public\""]);
}

#[test]
fn a_step_may_take_on_a_role_and_the_ledger_is_written_as_the_runner() {
    let (database, project) = project(&["a"]);
    let role = format!("owner_{}", database.name);
    database
        .rows(&format!("CREATE ROLE {role}; GRANT {role} TO owner; GRANT CREATE ON SCHEMA public TO {role}"));
    project.sql("b", "a", &format!("SET ROLE {role}; CREATE TABLE public.t_b (id int);"), "");
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT tableowner FROM pg_tables WHERE tablename = 't_b'"), role);
    assert_eq!(database.value("SELECT applied_by FROM runner.revision WHERE revision = 'b'"), "owner");
}

#[test]
fn a_role_that_cannot_read_the_ledger_is_no_obstacle_for_the_step_after_it() {
    let (database, project) = project(&["a"]);
    let role = format!("owner_{}", database.name);
    database
        .rows(&format!("CREATE ROLE {role}; GRANT {role} TO owner; GRANT CREATE ON SCHEMA public TO {role}"));
    // What is sent of a merge is another statement than of a single parent.
    project.sql("b", "a", &format!("SET ROLE {role}; CREATE TABLE public.t_b (id int);"), "");
    project.sql("c", "b", &format!("SET ROLE {role}; CREATE TABLE public.t_c (id int);"), "");
    project.sql("d", "b", &format!("SET ROLE {role}; CREATE TABLE public.t_d (id int);"), "");
    project.ok(&["merge", "heads", "--rev-id", "e"]);
    project.sql("f", "e", "CREATE TABLE public.t_f (id int);", "");
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT count(*) FROM runner.revision WHERE applied_by = 'owner'"), "6");
}

#[test]
fn a_step_whose_row_is_kept_out_of_the_ledger_is_rolled_back() {
    let (database, project) = project(&["a"]);
    project.ok(&["upgrade", "head"]);
    database.rows(
        "CREATE FUNCTION public.keep_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER keep_out BEFORE INSERT ON runner.revision FOR EACH ROW EXECUTE FUNCTION public.keep_out()",
    );
    // Not the last one: the next step's beginning is sent with its end.
    project.sql("b", "a", "CREATE TABLE public.t_b (id int);", "");
    project.sql("c", "b", "CREATE TABLE public.t_c (id int);", "");
    let failed = project.run(&["upgrade", "head"]);
    assert_eq!(failed.code, 5, "{failed:?}");
    assert!(!database.has("t_b") && !database.has("t_c"));
    database.rows("DROP TRIGGER keep_out ON runner.revision");
    project.ok(&["upgrade", "head"]);
    assert!(database.has("t_b") && database.has("t_c"));
}

#[test]
fn nothing_to_do_takes_no_lock_and_writes_nothing() {
    let (database, project) = project(&["a"]);
    project.ok(&["upgrade", "head"]);
    // Somebody else holds the lock for the whole time.
    let holder = holder(&database);
    let before = database.rows("SELECT count(*) FROM runner.journal");
    project.ok(&["upgrade", "head"]);
    project.ok(&["current"]);
    project.ok(&["history"]);
    project.ok(&["verify"]);
    assert_eq!(database.rows("SELECT count(*) FROM runner.journal"), before);
    drop(holder);
}

#[test]
fn reading_an_empty_database_does_not_make_the_ledger() {
    let (database, project) = project(&["a"]);
    assert_eq!(project.ok(&["current"]), "");
    project.ok(&["verify"]);
    assert_eq!(database.value("SELECT to_regnamespace('runner') IS NULL"), "t");
}

#[test]
fn a_runner_that_waited_finds_the_work_done() {
    let (database, project) = project(&["a", "b"]);
    let holder = holder(&database);
    let waiting = project.command(&["upgrade", "head"]).stderr(Stdio::piped()).spawn().expect("starts");
    database.wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'runner%' AND datname = current_database()");
    drop(holder);
    let output = waiting.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(database.has("t_b"));
}

#[test]
fn a_lock_that_is_held_too_long_is_an_error_of_its_own() {
    let (database, project) = project(&["a"]);
    project.write("runner.toml", "[session]\nlock_wait = \"200ms\"\n");
    let _holder = holder(&database);
    let said = project.fails(6, &["upgrade", "head"]);
    assert!(said.contains("another runner holds the lock"), "{said}");
    assert!(!database.has("t_a"));
}

#[test]
fn eight_runners_at_once_apply_each_step_once() {
    let (database, project) = project(&["a", "b", "c", "d"]);
    let start = |_| project.command(&["upgrade", "head"]).stderr(Stdio::piped()).spawn().expect("starts");
    let running: Vec<_> = (0..8).map(start).collect();
    for child in running {
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let journal = database.rows("SELECT revision, count(*) FROM runner.journal GROUP BY 1 ORDER BY 1");
    assert_eq!(journal, ["a|1", "b|1", "c|1", "d|1"]);
}

#[test]
fn a_step_that_meets_another_session_is_run_again() {
    let (database, project) = project(&["a"]);
    project.ok(&["upgrade", "head"]);
    project.sql("b", "a", "ALTER TABLE public.t_a ADD COLUMN x int;", "");
    project.write("runner.toml", "[session]\nlock_timeout = \"100ms\"\n");
    let blocker = Blocker::new(&database, "LOCK TABLE public.t_a IN ACCESS SHARE MODE");
    let child =
        project.command(&["upgrade", "head", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("starts");
    let waiting = |number| {
        format!(
            "SELECT count(*) {number} FROM pg_locks JOIN pg_database d ON d.oid = database \
             WHERE NOT granted AND datname = current_database()"
        )
    };
    // The first attempt is over when its lock time-out has passed.
    database.wait_for(&waiting("> 0"));
    database.wait_for(&waiting("= 0"));
    drop(blocker);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let events = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(events.contains("\"event\":\"step-retried\""), "{events}");
    assert_eq!(project.ok(&["current"]), "b (head)\n");
}

#[test]
fn a_connection_that_is_killed_in_the_middle_leaves_the_last_boundary() {
    let (database, project) = project(&["a"]);
    project.sql("b", "a", "CREATE TABLE public.t_b (id int);\nSELECT pg_sleep(60);\n", "");
    let child = project.command(&["upgrade", "head"]).stderr(Stdio::piped()).spawn().expect("starts");
    let sleeping = "FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid() \
                    AND datname = current_database() AND state = 'active'";
    database.wait_for(&format!("SELECT count(*) > 0 {sleeping}"));
    database.rows(&format!("SELECT pg_terminate_backend(pid) {sleeping}"));
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("terminating connection"), "{said}");
    assert!(database.has("t_a") && !database.has("t_b"));
    project.sql("b", "a", "CREATE TABLE public.t_b (id int);\n", "");
    project.ok(&["upgrade", "head"]);
    assert!(database.has("t_b"));
}

#[test]
fn a_runner_that_is_told_to_stop_cancels_its_statement() {
    let (database, project) = project(&["a"]);
    project.sql("b", "a", "CREATE TABLE public.t_b (id int);\nSELECT pg_sleep(61);\n", "");
    for signal in ["INT", "TERM"] {
        let child = project.command(&["upgrade", "head"]).stderr(Stdio::piped()).spawn().expect("starts");
        let sleeping = "FROM pg_stat_activity WHERE query LIKE '%pg_sleep(61)%' AND pid <> pg_backend_pid() \
                        AND datname = current_database() AND state = 'active'";
        database.wait_for(&format!("SELECT count(*) > 0 {sleeping}"));
        let pid = child.id().to_string();
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &pid]).status().expect("kill runs").success()
        );
        let output = child.wait_with_output().expect("ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(if signal == "INT" { 130 } else { 143 }), "{said}");
        assert!(said.contains("The step of `b` was rolled back."), "{said}");
        assert_eq!(database.value(&format!("SELECT count(*) {sleeping}")), "0");
        assert!(!database.has("t_b"));
    }
    assert_eq!(project.ok(&["current"]), "a\n");
}

#[test]
fn a_downgrade_needs_neither_the_folder_nor_the_script() {
    let (database, project) = project(&["a", "b"]);
    project.ok(&["upgrade", "head"]);
    std::fs::remove_dir_all(project.path("migrations/b")).expect("removes");
    assert_eq!(project.ok(&["current"]), "b (missing on disk)\n");
    assert_eq!(project.ok(&["history"]), "<base> -> a (head), message of a\n");
    let said = project.fails(4, &["upgrade", "head"]);
    assert!(said.contains("`b` is applied and not on disk"), "{said}");
    project.ok(&["downgrade", "-1"]);
    assert!(!database.has("t_b"));
    project.ok(&["downgrade", "base"]);
    assert!(!database.has("t_a"));
}

#[test]
fn an_edited_applied_revision_stops_the_upgrade_and_is_taken_back_as_it_was() {
    let (database, project) = project(&["a", "b"]);
    project.ok(&["upgrade", "head"]);
    project.sql("b", "a", "CREATE TABLE public.t_other (id int);\n", "DROP TABLE public.t_other;\n");
    project.sql("c", "b", "SELECT 1;", "");
    let said = project.fails(4, &["upgrade", "head"]);
    assert!(said.contains("`b` was edited after it was applied"), "{said}");
    assert!(project.run(&["verify"]).stdout.contains("changed  b"));
    project.ok(&["downgrade", "a"]);
    assert!(!database.has("t_b"), "the recorded downgrade ran, not the edited one");
    project.ok(&["upgrade", "head"]);
    assert!(database.has("t_other"));
}

#[test]
fn line_endings_are_no_edit() {
    let (_database, project) = project(&["a"]);
    project.ok(&["upgrade", "head"]);
    let path = project.path("migrations/a/upgrade.sql");
    let text = std::fs::read_to_string(&path).expect("reads").replace('\n', "\r\n");
    std::fs::write(path, text).expect("writes");
    project.ok(&["upgrade", "head"]);
}

#[test]
fn a_revision_without_a_downgrade_is_irreversible() {
    let (database, project) = project(&["a"]);
    std::fs::remove_file(project.path("migrations/a/downgrade.sql")).expect("removes");
    project.ok(&["upgrade", "head"]);
    let said = project.fails(5, &["downgrade", "base"]);
    assert!(said.contains("cannot be taken back"), "{said}");
    assert!(database.has("t_a"));
}
