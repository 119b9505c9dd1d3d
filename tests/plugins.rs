//! Every case of every plugin in `plugins/`, as `runner plugin test` runs them.

use std::path::Path;
use std::process::Command;

use crate::support::{Database, Finished, Project};

const PLUGINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins");

fn test(project: &Project, database: &Database, dir: &Path) -> Finished {
    let mut command: Command = project.command(&["plugin", "test"]);
    Finished::of(command.arg(dir).args(["--database", &database.url]))
}

#[test]
fn every_plugin_does_what_its_cases_say() {
    let (database, project) = (Database::new(), Project::without_database());
    let mut failures = Vec::new();
    for entry in std::fs::read_dir(PLUGINS).expect("a folder").flatten() {
        let dir = entry.path();
        // What plugins share is no plugin; `plugins/sql` is a part of the runner.
        let manifest = std::fs::read_to_string(dir.join("Cargo.toml")).unwrap_or_default();
        if !manifest.contains("\"cdylib\"") || dir.ends_with("sql") {
            continue;
        }
        assert!(dir.join("cases").is_dir(), "{} has no cases", dir.display());
        let finished = test(&project, &database, &dir);
        if finished.code != 0 {
            failures.push(format!("{}: {}{}", dir.display(), finished.stdout, finished.stderr));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
