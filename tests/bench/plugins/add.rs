//! Adding a plugin that the local store has: the whole program, from its start to its
//! end.

use std::time::Duration;

use super::measure::{median, shown, time};
use super::support::Project;

const PLUGIN: &str = "repair-text";
const CRATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/repair-text");
/// How often it is added.
const ROUNDS: usize = 21;
/// What it may take.
const LIMIT: Duration = Duration::from_millis(50);

/// Measures it, and prints a line.
pub fn run() {
    let project = Project::without_database();
    project.ok(&["plugin", "publish", CRATE, "--layout", "layout"]);
    let add = ["plugin", "add", PLUGIN, "--layout", "layout", "--version", "1"];
    project.ok(&add);
    // What is not there cannot be asked.
    std::fs::remove_dir_all(project.path("layout")).expect("it is there");
    let once = |_| {
        project.ok(&["plugin", "remove", PLUGIN]);
        time(|| drop(project.ok(&add)))
    };
    let took = median((0..ROUNDS).map(once).collect());
    let lock = std::fs::read_to_string(project.path("runner.lock")).expect("it was written");
    assert!(lock.contains(PLUGIN), "{lock}");
    let verdict = if took <= LIMIT { "ok" } else { "OVER" };
    let what = format!("`plugin add {PLUGIN}`, which the store has");
    println!("{what:<66} {:>10} (at most {}) {verdict}", shown(took), shown(LIMIT));
}
