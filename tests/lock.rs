//! The lock: who holds it is said, how long to wait is chosen, and what another
//! runner did meanwhile is seen.

use std::process::Stdio;
use std::time::Instant;

use crate::support::{Blocker, Database, Project, filters, holder};

fn project(tables: &[&str]) -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(tables);
    (database, project)
}

#[test]
fn who_holds_the_lock_is_named_while_waiting_and_in_the_end() {
    let (database, project) = project(&["a"]);
    let blocker = holder(&database);
    let said = project.fails(6, &["upgrade", "head", "--lock-wait", "1s"]);
    let said = said.replace(&blocker.process, "[process]");
    insta::with_settings!({ filters => filters() }, {
        insta::assert_snapshot!(said, @"
        Waiting for another runner, for at most [time]: process [process] (an application, user owner, from 127.0.0.1), connected since [when].
        Error: another runner holds the lock and did not release it within 1s: process [process] (an application, user owner, from 127.0.0.1), connected since [when]
        Hint: Wait for the other runner, or wait longer: `--lock-wait 15m`, or `session.lock_wait` in runner.toml. If it hangs, end it: SELECT pg_terminate_backend([process]);
        ");
    });
    assert!(!database.has("t_a"));
    project.fails(6, &["stamp", "head", "--lock-wait", "0s"]);
    project.fails(6, &["ensure-version", "--lock-wait", "0s"]);
    drop(blocker);
    project.ok(&["upgrade", "head", "--lock-wait", "0s"]);
    let _blocker = holder(&database);
    project.fails(6, &["redo", "--lock-wait", "0s"]);
    project.fails(6, &["downgrade", "base", "--lock-wait", "0s"]);
    assert!(database.has("t_a"));
}

#[test]
fn a_wait_that_is_no_time_is_refused() {
    let (_database, project) = project(&["a"]);
    let said = project.fails(2, &["upgrade", "head", "--lock-wait", "soon"]);
    assert!(said.contains("a time is written as in 5m, 90s or 500ms"), "{said}");
    let said = project.fails(2, &["upgrade", "head", "--lock-wait=-5s"]);
    assert!(said.contains("it is negative"), "{said}");
    project.fails(2, &["upgrade", "head", "--sql", "--lock-wait", "5s"]);
}

/// Long waits are told again, with what is left of them.
#[test]
fn a_wait_is_told_again_after_ten_seconds() {
    let (database, project) = project(&["a"]);
    let blocker = holder(&database);
    let began = Instant::now();
    let finished = project.run(&["upgrade", "head", "--lock-wait", "11s", "--json"]);
    assert_eq!(finished.code, 6, "{}", finished.stderr);
    assert!(began.elapsed().as_secs() >= 11);
    let told: Vec<serde_json::Value> = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|event: &serde_json::Value| event["event"] == "waiting-for-lock")
        .collect();
    assert_eq!(told.len(), 2, "{}", finished.stdout);
    assert_eq!(told[0]["holder"]["process"].to_string(), blocker.process);
    assert_eq!(told[0]["holder"]["application_name"], "an application");
    assert_eq!(told[0]["holder"]["user"], "owner");
    assert_eq!(told[0]["holder"]["client"], "127.0.0.1");
    assert_eq!(told[0]["holder"]["state"], "idle in transaction");
    assert!(told[0]["left_ms"].as_u64() > Some(10_000), "{}", told[0]);
    assert!(told[1]["left_ms"].as_u64() < Some(1_500), "{}", told[1]);
    assert!(told[1]["waited_ms"].as_u64() >= Some(10_000), "{}", told[1]);
}

#[test]
fn a_loser_says_that_another_runner_has_done_the_work() {
    let (database, project) = project(&["a"]);
    project.sql("b", "a", "CREATE TABLE public.t_b (id int);\nSELECT pg_sleep(2);\n", "");
    let start = || project.command(&["upgrade", "head"]).stderr(Stdio::piped()).spawn().expect("starts");
    let winner = start();
    database.wait_for("SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND granted");
    let loser = start();
    let finished = [winner, loser].map(|child| child.wait_with_output().expect("ends"));
    let said = finished.each_ref().map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(finished.iter().all(|output| output.status.code() == Some(0)), "{said:?}");
    assert!(said[1].contains("Waiting for another runner, for at most"), "{}", said[1]);
    assert!(said[1].contains("(runner 0.1.0, user owner, from 127.0.0.1), connected since"), "{}", said[1]);
    assert!(said[1].contains(" meanwhile.\nNothing to do: the database is at b"), "{}", said[1]);
    assert_eq!(database.value("SELECT count(*) FROM runner.journal"), "2");
}

/// A runner that waits inside a statement has a snapshot, and CREATE INDEX
/// CONCURRENTLY waits for it.
#[test]
fn an_index_is_built_concurrently_while_runners_wait() {
    let (database, project) = project(&["a"]);
    project.ok(&["upgrade", "head"]);
    project.sql("b", "a", "SELECT 1;", "");
    // As a runner does: held on the session, outside any transaction.
    let key = runner::db::AdvisoryLock::for_schema("runner").key();
    let blocker = Blocker::new(&database, &format!("COMMIT; SELECT pg_advisory_lock({key})"));
    let start = |_| project.command(&["upgrade", "head"]).stderr(Stdio::null()).spawn().expect("starts");
    let mut waiting: Vec<_> = (0..5).map(start).collect();
    let waiters = "SELECT count(*) = 5 FROM pg_stat_activity WHERE application_name LIKE 'runner%' \
        AND datname = current_database() AND query LIKE '%advisory%'";
    database.wait_for(waiters);
    let began = Instant::now();
    database.rows("CREATE INDEX CONCURRENTLY i ON public.t_a (id)");
    assert!(began.elapsed().as_secs() < 20, "it waited for the runners");
    drop(blocker);
    for child in &mut waiting {
        assert!(child.wait().expect("ends").success());
    }
}

#[test]
fn what_only_reads_takes_no_lock_and_neither_does_what_is_done_already() {
    let (database, project) = project(&["a"]);
    project.ok(&["upgrade", "head"]);
    let _blocker = holder(&database);
    for args in [
        &["upgrade", "head", "--lock-wait", "0s"] as &[&str],
        &["downgrade", "a", "--lock-wait", "0s"],
        &["stamp", "head", "--lock-wait", "0s"],
        &["ensure-version", "--lock-wait", "0s"],
        &["status"],
        &["current"],
        &["heads"],
        &["history"],
        &["show", "a"],
        &["plan", "head"],
        &["verify"],
    ] {
        let finished = project.run(args);
        assert_eq!(finished.code, 0, "{args:?}: {}", finished.stderr);
    }
}

/// A session of somebody else's that the login may not see much of.
#[test]
fn a_holder_is_named_as_far_as_the_server_tells() {
    let (database, project) = project(&["a"]);
    let as_superuser = Database {
        name: database.name.clone(),
        url: database.superuser_url.clone(),
        superuser_url: database.superuser_url.clone(),
    };
    let key = runner::db::AdvisoryLock::for_schema("runner").key();
    let blocker = Blocker::new(&as_superuser, &format!("SELECT pg_advisory_xact_lock({key})"));
    let said = project.fails(6, &["upgrade", "head", "--lock-wait", "0s"]);
    let named = format!("process {} (an application, user postgres)\n", blocker.process);
    assert!(said.contains(&named), "{said}");
}
