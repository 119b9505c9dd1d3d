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
fn a_plan_and_an_upgrade_load_each_component_once() {
    const REVISIONS: usize = 50;
    let database = Database::new();
    let project = Project::new(&database);
    write_plugins(&project, REVISIONS);
    // All of the plan is prepared before the first step, which finds no table.
    for (command, code) in [("plan", 0), ("upgrade", 5)] {
        let mut run = project.command(&[command, "head", "--log-format", "json"]);
        let finished = Finished::of(run.env("RUNNER_LOG", "runner=debug"));
        assert_eq!(finished.code, code, "{}", finished.stderr);
        let loads = loads(&finished.stderr);
        assert_eq!(loads.len(), PLUGINS, "{command}: {}", finished.stderr);
        assert!(loads.values().all(|times| *times == 1), "{command}: {loads:?}");
    }
}

/// How often each component was loaded, by its digest.
fn loads(log: &str) -> BTreeMap<String, usize> {
    let mut loads = BTreeMap::new();
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect(line);
        if record["fields"]["message"] == "a component is loaded" {
            *loads.entry(record["fields"]["digest"].to_string()).or_default() += 1;
        }
    }
    loads
}
