//! Sessions of an application in the way of a step: who they are is said, the
//! step is run again, and what comes of it in the end.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::Mutex;

use serde_json::Value;

use crate::support::{Act, Blocker, Database, Moment, Project, Relay, filters};

/// A project whose revision `b` needs all of the table `t_a`.
fn project(config: &str) -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    project.ok(&["upgrade", "head"]);
    project.sql("b", "a", "ALTER TABLE public.t_a ADD COLUMN x int;", "");
    project.write("runner.toml", config);
    (database, project)
}

fn start(project: &Project) -> (Child, impl Iterator<Item = Value>) {
    let mut child = project
        .command(&["upgrade", "head", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    (child, lines.map(|line| serde_json::from_str(&line.expect("UTF-8")).expect("JSON")))
}

#[track_caller]
fn succeeds(child: Child) {
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The first event of this name.
fn first(events: &mut impl Iterator<Item = Value>, name: &str) -> Value {
    events.find(|event| event["event"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn who_is_in_the_way_is_said_and_the_step_succeeds_when_they_have_gone() {
    let (database, project) = project("[session]\nlock_timeout = \"400ms\"\n");
    let blocker = Blocker::new(&database, "SELECT count(*) FROM public.t_a");
    let (child, mut events) = start(&project);
    let blocked = first(&mut events, "blocked");
    assert_eq!(blocked["revision"], "b");
    let by = &blocked["by"][0];
    assert_eq!(by["process"].to_string(), blocker.process, "{blocked}");
    assert_eq!(by["application_name"], "an application");
    assert_eq!(by["state"], "idle in transaction");
    assert!(by["state_since"].as_str().is_some_and(|since| since.ends_with('Z')), "{by}");
    assert!(!blocked.to_string().contains("SELECT"), "what it runs may be secret: {blocked}");
    let retried = first(&mut events, "step-retried");
    assert_eq!((&retried["sqlstate"], &retried["attempt"]), (&"55P03".into(), &2.into()), "{retried}");
    assert_eq!(retried["attempts"], 6);
    assert_eq!(retried["blocked_by"][0]["process"], by["process"]);
    drop(blocker);
    assert_eq!(first(&mut events, "finished")["steps"][0], "b");
    succeeds(child);
    assert_eq!(database.value("SELECT count(*) FROM runner.journal WHERE revision = 'b'"), "1");
}

#[test]
fn a_step_that_is_blocked_for_good_names_who_blocks_it_and_what_to_do() {
    let (database, project) = project("[session]\nlock_timeout = \"400ms\"\nretries = 1\n");
    let blocker = Blocker::new(&database, "SELECT count(*) FROM public.t_a");
    let said = project.fails(5, &["upgrade", "head"]).replace(&blocker.process, "[process]");
    insta::with_settings!({ filters => filters() }, {
        insta::assert_snapshot!(said, @"
        1 revision to upgrade.
        Isolation: policy; migrations run in the runner's own session.
          waiting  b: blocked by process [process] (an application, user owner, from 127.0.0.1, idle in transaction since [when])
          retrying b: canceling statement due to lock timeout (55P03); attempt 2 of 2 in [time]
          waiting  b: blocked by process [process] (an application, user owner, from 127.0.0.1, idle in transaction since [when])
        Error: upgrade of `b` failed
        Caused by:
        1: statement 1 of 1 was rejected by PostgreSQL (55P03)
        2: canceling statement due to lock timeout
        3: it waited for process [process] (an application, user owner, from 127.0.0.1, idle in transaction since [when])
        Applied: 0 revisions. Not tried: 0 revisions. This step was rolled back.
        Hint: The step was rolled back, so that nobody waits behind it. Look in pg_stat_activity for the session that holds the table, try again when it is done, or raise `session.lock_timeout` in runner.toml.
        Hint: Have whoever is in the way end their transaction, or end their session: SELECT pg_terminate_backend([process]);
        ");
    });
    assert_eq!(project.ok(&["current"]), "a\n");
}

/// Whoever waits longer than a second is told of it, whatever the time-out.
#[test]
fn long_waits_are_told_while_they_last() {
    let (database, project) = project("[session]\nlock_timeout = \"0s\"\n");
    let blocker = Blocker::new(&database, "SELECT count(*) FROM public.t_a");
    let (child, mut events) = start(&project);
    assert_eq!(first(&mut events, "blocked")["by"][0]["process"].to_string(), blocker.process);
    drop(blocker);
    succeeds(child);
}

/// A transaction that was prepared has no session: nobody finds it in
/// `pg_stat_activity`.
#[test]
fn a_prepared_transaction_in_the_way_is_told_from_a_session() {
    let (database, project) = project("[session]\nlock_timeout = \"300ms\"\nretries = 0\n");
    let name = format!("of_{}", database.name);
    database.rows(&format!("BEGIN; LOCK TABLE public.t_a; PREPARE TRANSACTION '{name}'"));
    let said = project.fails(5, &["upgrade", "head"]);
    assert!(said.contains("it waited for a prepared transaction (see pg_prepared_xacts)"), "{said}");
    database.rows(&format!("ROLLBACK PREPARED '{name}'"));
    project.ok(&["upgrade", "head"]);
}

#[test]
fn a_deadlock_with_an_application_runs_the_step_again() {
    let (database, project) = project("[session]\nlock_timeout = \"0s\"\n");
    database.rows("CREATE TABLE public.other (id int)");
    let script = "ALTER TABLE public.t_a ADD COLUMN x int;\nALTER TABLE public.other ADD COLUMN x int;\n";
    project.sql("b", "a", script, "");
    // Whoever waits for `deadlock_timeout` looks for a deadlock, once: the runner
    // after three seconds, and the application after the end of the test.
    let as_superuser = Database {
        name: database.name.clone(),
        url: database.superuser_url.clone(),
        superuser_url: database.superuser_url.clone(),
    };
    as_superuser.rows(&format!("ALTER DATABASE {} SET deadlock_timeout = '3s'", database.name));
    let mut application =
        Blocker::new(&as_superuser, "SET deadlock_timeout = '60s'; LOCK TABLE public.other");
    let (child, mut events) = start(&project);
    database.wait_for(
        "SELECT count(*) > 0 FROM pg_locks JOIN pg_database d ON d.oid = database \
         WHERE NOT granted AND datname = current_database()",
    );
    application.goes_on("LOCK TABLE public.t_a; COMMIT");
    let retried = first(&mut events, "step-retried");
    assert_eq!(retried["sqlstate"], "40P01", "{retried}");
    assert!(retried["reason"].as_str().is_some_and(|reason| reason.contains("deadlock")), "{retried}");
    drop(application);
    assert_eq!(first(&mut events, "finished")["steps"][0], "b");
    succeeds(child);
}

/// The application commits between the last statement of the step and its
/// COMMIT, which the server then refuses.
#[test]
fn a_serialisation_failure_at_commit_itself_runs_the_step_again() {
    let (database, project) = project("");
    database.rows(&format!(
        "CREATE TABLE public.sums (n bigint); \
         ALTER DATABASE {} SET default_transaction_isolation = serializable",
        database.name
    ));
    project.sql("b", "a", "INSERT INTO public.sums SELECT count(*) FROM public.t_a;", "");
    let application = Mutex::new(Blocker::new(&database, "SELECT count(*) FROM public.sums"));
    let direct = Database { name: String::new(), url: database.url.clone(), superuser_url: String::new() };
    let relay = Relay::start(
        Moment::of("COMMIT; SELECT pg_catalog.pg_xact_status"),
        Act::First(Box::new(move || {
            application.lock().expect("no panic").goes_on("INSERT INTO public.t_a VALUES (1); COMMIT");
            direct.wait_for("SELECT count(*) = 1 FROM public.t_a");
        })),
    );
    let mut command = project.command(&["upgrade", "head", "--json"]);
    let output = command.env("DATABASE_URL", relay.url(&database.url)).output().expect("runs");
    let events = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{events}{}", String::from_utf8_lossy(&output.stderr));
    assert!(relay.has_acted());
    assert!(events.contains("\"sqlstate\":\"40001\""), "{events}");
    assert_eq!(
        database.value("SELECT n FROM public.sums"),
        "1",
        "the second attempt saw the application's row"
    );
}
