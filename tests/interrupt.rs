//! Ctrl-C and SIGTERM: within two seconds, whatever the run is at, the step is
//! rolled back, the lock is released, and what was applied is said.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;
use crate::support::{Blocker, Database, Project, filters, holder, probe};

/// How long it may take from the signal to the end of the process.
const LIMIT: Duration = Duration::from_secs(2);

fn project(tables: &[&str]) -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(tables);
    (database, project)
}

/// Adds a component as revision `b` that computes for as long as it is let.
fn endless(project: &Project) {
    let params = "[params]\nkind = \"steps\"\ntable = \"public.t_a\"\n\
        steps = \"must INSERT INTO public.t_a VALUES (1)\\ncompute 1000000000000\"\n\
        [capabilities]\nread = [\"public.t_a\"]\nwrite = [\"public.t_a\"]\n";
    project.component("b", "a", probe(), params);
}

fn start(project: &Project, args: &[&str]) -> Child {
    let mut command = project.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
}

fn signal(name: &str, process: impl ToString) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status();
    assert!(sent.expect("kill runs").success(), "{name}");
}

/// Sends the signal and returns what the program says; it must end in time, with
/// the signal's own exit code.
#[track_caller]
fn told(mut child: Child, name: &str) -> String {
    let began = Instant::now();
    signal(name, child.id());
    let status = child.wait().expect("ends");
    let took = began.elapsed();
    let mut said = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("UTF-8");
    assert_eq!(status.code(), Some(if name == "INT" { 130 } else { 143 }), "{said}");
    assert!(took < LIMIT, "it took {took:?}: {said}");
    said
}

/// The lock is free, and nobody of ours is connected any more, a moment later.
fn is_let_go(database: &Database) {
    database.wait_for(
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name LIKE 'runner%'",
    );
}

const IN_STATEMENT: &str = "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(62)%' \
    AND pid <> pg_backend_pid() AND datname = current_database() AND state = 'active'";
const COMPUTING: &str = "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'idle in transaction' \
    AND query LIKE '%INSERT INTO public.t_a VALUES%' AND datname = current_database()";

#[test]
fn in_a_statement() {
    let (database, project) = project(&["a"]);
    project.sql("b", "a", "CREATE TABLE public.t_b (id int);\nSELECT pg_sleep(62);\n", "");
    project.sql("c", "b", "SELECT 1;", "");
    let child = start(&project, &["upgrade", "head"]);
    database.wait_for(IN_STATEMENT);
    let said = told(child, "TERM");
    insta::with_settings!({ filters => filters() }, {
        insta::assert_snapshot!(said, @"
        3 revisions to upgrade.
        Isolation: policy; migrations run in the runner's own session.
          applied  a message of a ([time], 1 statement, 0 rows)
        Error: told to stop (SIGTERM)
        Applied: 1 revision (a). Not tried: 1 revision (c). The step of `b` was rolled back.
        Hint: Run the same command again to go on from there.
        ");
    });
    is_let_go(&database);
    assert!(database.has("t_a") && !database.has("t_b"));
    assert_eq!(database.value("SELECT count(*) FROM runner.journal WHERE outcome = 'failed'"), "1");
}

#[test]
fn while_the_component_computes() {
    let (database, project) = project(&["a"]);
    endless(&project);
    for name in ["TERM", "INT"] {
        let child = start(&project, &["upgrade", "head"]);
        database.wait_for(COMPUTING);
        let said = told(child, name);
        assert!(said.contains("The step of `b` was rolled back."), "{said}");
        is_let_go(&database);
        assert_eq!(database.value("SELECT count(*) FROM public.t_a"), "0");
    }
}

#[test]
fn while_it_waits_for_the_lock() {
    let (database, project) = project(&["a"]);
    let _blocker = holder(&database);
    let child = start(&project, &["upgrade", "head"]);
    database.wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND application_name LIKE 'runner%' AND datname = current_database()");
    let said = told(child, "TERM");
    assert!(said.contains("Error: told to stop (SIGTERM)\nNothing was changed."), "{said}");
    is_let_go(&database);
}

#[test]
fn in_the_pause_between_two_attempts() {
    let (database, project) = project(&["a"]);
    project.ok(&["upgrade", "head"]);
    project.sql("b", "a", "ALTER TABLE public.t_a ADD COLUMN x int;", "");
    project.write("runner.toml", "[session]\nlock_timeout = \"20ms\"\nretries = 100\n");
    let _blocker = Blocker::new(&database, "SELECT count(*) FROM public.t_a");
    let mut child = start(&project, &["upgrade", "head", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    // From the eighth attempt on a pause lasts three seconds at least.
    assert!(lines.any(|line| line.contains("\"attempt\":8")), "it retries");
    std::thread::sleep(Duration::from_millis(100));
    let said = told(child, "INT");
    assert!(lines.any(|line| line.contains("The step of `b` was rolled back.")), "{said}");
    is_let_go(&database);
}

/// The server's process is stopped, so that it takes no request to cancel and
/// cannot be ended.
#[test]
fn while_the_server_does_not_answer() {
    let (database, project) = project(&["a"]);
    project.sql("b", "a", "CREATE TABLE public.t_b (id int);\nSELECT pg_sleep(62);\n", "");
    let child = start(&project, &["upgrade", "head"]);
    database.wait_for(IN_STATEMENT);
    let process = database.value(&IN_STATEMENT.replace("count(*) > 0", "pid"));
    signal("STOP", &process);
    let said = told(child, "TERM");
    signal("CONT", &process);
    assert!(said.contains("Applied: 1 revision (a). The step of `b` was rolled back."), "{said}");
    is_let_go(&database);
    assert!(!database.has("t_b"));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (database, project) = project(&["a"]);
    project.sql("b", "a", "SELECT pg_sleep(62);\n", "");
    let child = start(&project, &["upgrade", "head"]);
    database.wait_for(IN_STATEMENT);
    let process = database.value(&IN_STATEMENT.replace("count(*) > 0", "pid"));
    signal("STOP", &process);
    signal("INT", child.id());
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    let said = told(child, "INT");
    let took = began.elapsed();
    signal("CONT", &process);
    assert!(took < Duration::from_millis(700), "it took {took:?}: {said}");
    is_let_go(&database);
}

#[test]
fn between_steps_and_anywhere_else_what_it_says_is_so() {
    let (database, project) = project(&[]);
    let ids: Vec<String> = (0..400).map(|number| format!("r{number:03}")).collect();
    project.tables(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let mut reached = 0;
    for more in [1, 20, 40, 40, 50] {
        let child = start(&project, &["upgrade", "head"]);
        // Of this run: a signal before its plan is made would say that nothing was
        // changed, which is so.
        let applied = format!(
            "SELECT to_regclass('runner.revision') IS NOT NULL AND (SELECT count(*) FROM pg_class \
             WHERE relname LIKE 't\\_r%' AND relkind = 'r') >= {}",
            reached + more
        );
        database.wait_for(&applied);
        let before: usize = database.value("SELECT count(*) FROM runner.revision").parse().expect("a number");
        let said = told(child, "TERM");
        is_let_go(&database);
        let after: usize = database.value("SELECT count(*) FROM runner.revision").parse().expect("a number");
        let tables =
            database.value("SELECT count(*) FROM pg_class WHERE relname LIKE 't\\_r%' AND relkind = 'r'");
        assert_eq!(tables, after.to_string());
        assert!(after >= before, "{said}");
        let newest = database.value("SELECT max(revision) FROM runner.revision");
        assert_eq!(project.ok(&["current"]), format!("{newest}\n"));
        assert!(
            said.contains(&format!("Not tried: {} revisions", 400 - after - 1))
                || said.contains(&format!("Not tried: {} revisions", 400 - after)),
            "{after}: {said}"
        );
        reached = after;
    }
    project.ok(&["upgrade", "head"]);
}

/// A crate whose compilation takes longer than anybody waits.
#[test]
fn while_a_crate_is_built() {
    let (_database, project) = project(&[]);
    let dir = "migrations/b";
    project.write(&format!("{dir}/migration.toml"), crate::support::manifest("b", "", "rust", ""));
    project.write(
        &format!("{dir}/Cargo.toml"),
        "[package]\nname = \"slow\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n",
    );
    project.write(&format!("{dir}/src/lib.rs"), "");
    project.write(
        &format!("{dir}/build.rs"),
        "fn main() { std::fs::write(\"begun\", \"\").unwrap(); std::thread::sleep(std::time::Duration::from_secs(20)); }",
    );
    // A plugin that is not pinned yet is looked at before.
    project.write("runner.toml", "[plugins]\nprobe = { path = \"probe.wasm\" }\n");
    project.write("probe.wasm", probe());
    for args in [&["upgrade", "head"][..], &["build"]] {
        let child = start(&project, args);
        let began = Instant::now();
        let begun = project.path(&format!("{dir}/begun"));
        while !begun.exists() {
            assert!(began.elapsed() < Duration::from_secs(120), "the build does not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
        let said = told(child, "TERM");
        assert!(said.contains("Error: told to stop (SIGTERM)\nNothing was changed."), "{args:?}: {said}");
        std::fs::remove_file(begun).expect("removes");
    }
}

#[test]
fn with_a_login_of_its_own_for_migrations() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, .. } = &sandbox;
    project.tables(&["a"]);
    project.sql("b", "a", "CREATE TABLE public.t_b (id int);\nSELECT pg_sleep(62);\n", "");
    let child = start(project, &["upgrade", "head"]);
    database.wait_for(IN_STATEMENT);
    let said = told(child, "TERM");
    assert!(said.contains("Applied: 1 revision (a). The step of `b` was rolled back."), "{said}");
    is_let_go(database);
    assert!(!database.has("t_b"));
    std::fs::remove_dir_all(project.path("migrations/b")).expect("removes");
    endless(project);
    let child = start(project, &["upgrade", "head"]);
    database.wait_for(COMPUTING);
    let said = told(child, "INT");
    assert!(said.contains("The step of `b` was rolled back."), "{said}");
    is_let_go(database);
    assert_eq!(sandbox.leftovers(), [""; 0]);
    assert_eq!(database.value("SELECT count(*) FROM public.t_a"), "0");
}

/// Nobody listens at the port.
#[test]
fn while_it_waits_for_a_server() {
    let project = Project::at(format!("postgresql://me@127.0.0.1:{}/app", crate::support::free_port()));
    project.tables(&["a"]);
    for args in [&["wait"] as &[&str], &["upgrade", "head", "--wait", "60s"]] {
        let mut child = start(&project, args);
        let mut said =
            BufReader::new(child.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
        assert!(said.any(|line| line.contains("127.0.0.1")), "it says what it waits for");
        let began = Instant::now();
        signal("TERM", child.id());
        assert_eq!(child.wait().expect("ends").code(), Some(143));
        assert!(began.elapsed() < LIMIT, "it took {:?}", began.elapsed());
        assert!(said.any(|line| line.contains("told to stop (SIGTERM)")));
    }
}

/// A command that only reads has nothing to roll back.
#[test]
fn a_command_that_reads_ends_at_once() {
    let (database, project) = project(&["a"]);
    project.ok(&["upgrade", "head"]);
    let _blocker = Blocker::new(&database, "LOCK TABLE runner.revision");
    let child = start(&project, &["current"]);
    database.wait_for(
        "SELECT count(*) > 0 FROM pg_locks JOIN pg_database d ON d.oid = database \
         WHERE NOT granted AND datname = current_database()",
    );
    let said = told(child, "TERM");
    assert!(said.contains("told to stop (SIGTERM)"), "{said}");
}
