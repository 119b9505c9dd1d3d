//! Fifty runners at once on an empty database, where not even the ledger is.

use super::runner::Runner;
use crate::support::{Database, Project};

/// As many as a large deployment starts at once.
const CROWD: usize = 50;

/// The step in whose middle the holder of the lock is killed.
const LONG: &str = "r3";

/// Six steps in a line. The long one is there for as long as somebody needs to
/// find the process that runs it.
fn project(database: &Database, long: &str) -> Project {
    let project = Project::new(database);
    let ids = ["r1", "r2", LONG, "r4", "r5", "r6"];
    project.tables(&ids);
    let upgrade = format!("CREATE TABLE public.t_{LONG} (id int PRIMARY KEY);\n{long}");
    project.sql(LONG, "r2", &upgrade, &format!("DROP TABLE public.t_{LONG};\n"));
    // The component is compiled once, and not by fifty at a time.
    project.ok(&["verify"]);
    project
}

fn each_step_ran_once(database: &Database) {
    let journal =
        database.rows("SELECT revision, outcome, count(*) FROM runner.journal GROUP BY 1, 2 ORDER BY 1");
    let expected: Vec<String> = (1..=6).map(|number| format!("r{number}|done|1")).collect();
    assert_eq!(journal, expected);
    assert_eq!(database.value("SELECT count(*) FROM runner.revision"), "6");
    assert_eq!(database.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "6");
}

#[test]
fn fifty_at_once_apply_each_step_once() {
    let database = Database::new();
    let project = project(&database, "");
    let mut crowd: Vec<Runner> = (0..CROWD).map(|number| Runner::start(&project, number)).collect();
    for runner in &mut crowd {
        let status = runner.wait();
        assert!(status.success(), "{status}: {}", runner.said());
    }
    each_step_ran_once(&database);
}

#[test]
fn fifty_at_once_apply_each_step_once_though_one_is_killed_in_the_middle() {
    let database = Database::new();
    let project = project(&database, "SELECT pg_sleep(3);\n");
    let mut crowd: Vec<Runner> = (0..CROWD).map(|number| Runner::start(&project, number)).collect();
    // Whose session is in the middle of the long step, after two that are done.
    let holder = "SELECT client_port FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%' AND state = 'active' LIMIT 1";
    let port = loop {
        if let Some(port) = database.rows(holder).first() {
            break port.parse().expect("a port is a number");
        }
        assert!(crowd.iter_mut().any(|runner| !runner.has_ended()), "nobody ran the long step");
    };
    let killed = crowd.iter().position(|runner| runner.has_port(port)).expect("it is one of ours");
    assert_eq!(database.value("SELECT count(*) FROM runner.revision"), "2");
    crowd.remove(killed).kill();
    for runner in &mut crowd {
        let status = runner.wait();
        assert!(status.success(), "{status}: {}", runner.said());
    }
    // The one that was killed wrote nothing: its transaction was rolled back.
    each_step_ran_once(&database);
}
