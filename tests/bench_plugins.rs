//! The benchmark of the plugins over few rows: each leaves what the SQL or the native
//! Rust leaves that does the same, and its downgrade what there was. What they take is
//! nobody's business here.

use std::collections::BTreeMap;

use crate::bench_data::{data, measure};
use crate::support::{self, Database, Finished, Project};

#[path = "bench/plugins/mod.rs"]
#[expect(dead_code, reason = "nothing is timed here")]
mod plugins;

use plugins::plan::{PLUGINS, write_plugins};
use plugins::{Options, figures};

#[test]
fn every_plugin_does_what_sql_or_native_rust_does() {
    let figures = figures(&Options { rows: 3_000, rounds: 1, only: None }, |_| {});
    // All of the catalogue, and both ways of all but one.
    assert_eq!(figures, 11 + 10);
}

#[test]
fn an_upgrade_loads_each_of_its_components_once() {
    const REVISIONS: usize = 50;
    let database = Database::new();
    let project = Project::new(&database);
    write_plugins(&project, REVISIONS);
    let mut command = project.command(&["upgrade", "head", "--log-format", "json"]);
    let finished = Finished::of(command.env("RUNNER_LOG", "runner=debug"));
    // All of the plan is prepared before the first step, which finds no table.
    assert_eq!(finished.code, 5, "{}", finished.stderr);
    let mut loads: BTreeMap<String, usize> = BTreeMap::new();
    for line in finished.stderr.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect(line);
        if record["fields"]["message"] == "a component is loaded" {
            *loads.entry(record["fields"]["digest"].to_string()).or_default() += 1;
        }
    }
    assert_eq!(loads.len(), PLUGINS, "{}", finished.stderr);
    assert!(loads.values().all(|times| *times == 1), "{loads:?}");
}
