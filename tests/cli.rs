//! What the commands answer, as snapshots.

use crate::support::{Database, Project, filters};

macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        let value = $value;
        insta::with_settings!({ filters => filters() }, { insta::assert_snapshot!(value, @$expected) });
    };
}

/// Three revisions of which two are applied.
fn project() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b"]);
    project.ok(&["upgrade", "head"]);
    project.tables(&["a", "b", "c"]);
    (database, project)
}

#[test]
fn help() {
    let project = Project::without_database();
    snapshot!(project.ok(&["--help"]), @r"
    PostgreSQL migrations as sandboxed WebAssembly components

    Usage: runner [OPTIONS] <COMMAND>

    Commands:
