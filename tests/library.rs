//! The library as another program uses it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use runner::db::Location;
use runner::graph::Target;
use runner::revision::Direction;
use runner::run::{Event, Migrator, Options, RunError, Standing};

use crate::support::{Database, Project};

/// Waits for an answer of the library.
fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

fn migrator(project: &Project, database: &Database) -> Migrator {
    let file: &Path = &project.path("runner.toml");
    let loaded = runner::source::Project::load(file).expect("a project");
    let location = Location::parse(&database.url).expect("a location");
    Migrator::open(loaded, location).expect("a host")
}

#[test]
fn an_application_can_refuse_to_start_on_another_schema() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b"]);
    let migrator = migrator(&project, &database);

    let refused = wait(migrator.check_current()).expect_err("nothing is applied");
    insta::assert_snapshot!(refused, @"the database is not at the heads of the project: not applied: `a`, `b`");
    assert!(!database.has("runner.ledger"), "asking writes nothing");

    let summary = wait(migrator.go(Direction::Upgrade, &Target::heads(), Options::default())).expect("runs");
    assert_eq!(summary.steps.len(), 2);
    wait(migrator.check_current()).expect("is current");

    project.sql("b", "a", "SELECT 1;", "SELECT 2;");
    let refused = wait(migrator.check_current()).expect_err("was edited");
    assert!(matches!(&refused, RunError::NotCurrent(found) if found.drift.len() == 1), "{refused}");
}

#[test]
fn a_program_hears_what_happens_and_asks_where_the_revisions_stand() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b", "c"]);
    let finished: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&finished);
    let migrator =
        migrator(&project, &database).as_actor("deployment 42").reporting_to(Arc::new(move |event| {
            if let Event::StepFinished { revision, .. } = event {
                heard.lock().expect("not poisoned").push(revision.to_string());
            }
        }));
    let target = "+2".parse().expect("a target");
    wait(migrator.go(Direction::Upgrade, &target, Options::default())).expect("runs");
    assert_eq!(*finished.lock().expect("not poisoned"), ["a", "b"]);

    let status = wait(migrator.status()).expect("answers");
    assert_eq!((status.count(Standing::Applied), status.count(Standing::Pending)), (2, 1));
    let a = "a".to_owned().try_into().expect("an id");
    let recorded = wait(migrator.recorded(&a)).expect("answers").expect("is applied");
    assert_eq!(recorded.actor, "deployment 42");
}
