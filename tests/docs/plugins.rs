//! docs/plugins.md: what the page says is done, and the catalogue in it is whole.

use std::path::Path;

use super::page;
use crate::support::Registry;

const PAGE: &str = include_str!("../../docs/plugins.md");

/// Where the pages of the catalogue are for readers of the book.
const CATALOGUE: &str = "https://github.com/runner-migrations/runner/blob/main/plugins";

#[test]
fn what_the_page_says_is_so() {
    let commands = page::commands(PAGE);
    assert!(commands.len() > 25, "only {} commands were found", commands.len());
    let registry = Registry::start();
    page::run("docs/plugins.md", &commands, &[("REGISTRY", &registry.address())]);
}

#[test]
fn every_plugin_of_the_catalogue_is_on_the_page() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    let mut listed = 0;
    for entry in std::fs::read_dir(plugins).expect("a folder").flatten() {
        if entry.path().join("cases").is_dir() {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(entry.path().join("README.md").is_file(), "{name} has no page");
            assert!(PAGE.contains(&format!("| [{name}]({CATALOGUE}/{name}/README.md) |")), "{name}");
            listed += 1;
        }
    }
    assert!(listed > 10, "only {listed} plugins were found");
}
