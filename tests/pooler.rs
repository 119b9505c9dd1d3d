//! Behind a connection pool: one in transaction mode is found out before
//! anything is changed, and one in session mode works.

use crate::support::{Blocker, Database, Pool, Project, filters, probe};

fn behind(pool: &Pool, tables: &[&str]) -> (Database, Project) {
    let database = Database::new();
    let project = Project::at(pool.url(&database.url));
    project.tables(tables);
    (database, project)
}

/// Fails with the pool's mode, changes nothing, and leaves no lock behind.
#[track_caller]
fn refused(database: &Database, project: &Project) -> String {
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("a connection pool that shares sessions between its clients"), "{said}");
    assert!(said.contains("Nothing was changed."), "{said}");
    assert_eq!(database.value("SELECT to_regnamespace('runner') IS NULL"), "t");
    assert!(!database.has("t_a"));
    let locks = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database \
        WHERE locktype = 'advisory' AND datname = current_database()";
    assert_eq!(database.value(locks), "0");
    said
}

#[test]
fn transaction_mode_is_found_out_before_anything_is_changed() {
    let pool = Pool::start("transaction", "");
    let (database, project) = behind(&pool, &["a"]);
    let mut filters = filters();
    filters.push((r"process \d+", "process [process]"));
    insta::with_settings!({ filters => filters }, {
        insta::assert_snapshot!(refused(&database, &project), @"
        Error: a connection pool that shares sessions between its clients is in between: server process [process] served two of our connections at the same time
        Nothing was changed.
        Hint: The runner's lock, settings and temporary tables belong to one server session for the whole run. Such a pool (`pool_mode = transaction` of pgbouncer) gives each transaction another one, so that two runners could both have the lock. Connect to the server itself (often on port 5432), or to a pool in session mode.
        ");
    });
    // What reads is right there too.
    assert_eq!(project.ok(&["current"]), "");
}

#[test]
fn a_pool_of_one_session_is_found_out() {
    let pool = Pool::start("transaction", "default_pool_size = 1");
    let (database, project) = behind(&pool, &["a"]);
    refused(&database, &project);
}

#[test]
fn a_pool_that_takes_its_sessions_in_turn_is_found_out() {
    let pool = Pool::start("transaction", "server_round_robin = 1");
    let (database, project) = behind(&pool, &["a"]);
    // Several sessions that are free.
    let through =
        Database { name: String::new(), url: pool.url(&database.url), superuser_url: String::new() };
    let sessions: Vec<_> = (0..4).map(|_| Blocker::new(&through, "SELECT 1")).collect();
    drop(sessions);
    refused(&database, &project);
}

#[test]
fn statement_mode_is_found_out() {
    let pool = Pool::start("statement", "");
    let (database, project) = behind(&pool, &["a"]);
    let said = refused(&database, &project);
    assert!(said.contains("it refuses transactions") || said.contains("server process"), "{said}");
}

#[test]
fn nothing_to_do_is_nothing_to_refuse() {
    let pool = Pool::start("transaction", "");
    let (database, project) = behind(&pool, &["a"]);
    let direct = project.command(&["upgrade", "head"]).env("DATABASE_URL", &database.url).output();
    assert!(direct.expect("runs").status.success());
    project.ok(&["upgrade", "head"]);
    assert_eq!(project.ok(&["current"]), "a (head)\n");
}

/// A whole way up and down with scripts and a component, on sessions that are
/// handed on from run to run.
#[test]
fn session_mode_works() {
    let pool = Pool::start("session", "server_reset_query = DISCARD ALL");
    let (database, project) = behind(&pool, &["a", "b"]);
    let params = "[params]\nkind = \"steps\"\ntable = \"public.t_b\"\n\
        steps = \"\"\"\nmust INSERT INTO public.t_b VALUES (7)\nopen SELECT id FROM public.t_b\nread 0 1\nclose 0\"\"\"\n\
        [capabilities]\nread = [\"public.t_b\"]\nwrite = [\"public.t_b\"]\n";
    project.component("c", "b", probe(), params);
    project.sql("d", "c", "CREATE TABLE public.t_d (id int);", "DROP TABLE public.t_d;");
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT id FROM public.t_b"), "7");
    project.ok(&["downgrade", "c"]);
    project.ok(&["upgrade", "head"]);
    assert_eq!(project.ok(&["current"]), "d (head)\n");
    assert_eq!(database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
}

/// There is no second session to compare ours with: the run goes on, and says
/// so.
#[test]
fn session_mode_works_with_one_session() {
    let pool = Pool::start("session", "default_pool_size = 1");
    let (database, project) = behind(&pool, &["a"]);
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("it gave no second connection"), "{}", finished.stderr);
    assert!(database.has("t_a"));
}
