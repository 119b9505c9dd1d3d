//! The pages of the catalogue: the manifest that each shows first is one that can be
//! copied.

use std::path::{Path, PathBuf};

use crate::support::Project;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The folders of the catalogue's plugins, by name.
fn plugins() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(Path::new(ROOT).join("plugins")).expect("a folder").flatten();
    let mut folders: Vec<_> =
        folders.map(|entry| entry.path()).filter(|dir| dir.join("cases").is_dir()).collect();
    folders.sort();
    folders
}

/// The first block of TOML on a page.
fn manifest(page: &str) -> &str {
    let (_, rest) = page.split_once("```toml\n").expect("a manifest");
    rest.split_once("\n```").expect("its end").0
}

#[test]
fn the_manifest_of_each_page_gives_what_the_plugin_needs() {
    let root = Path::new(ROOT).canonicalize().expect("the repository");
    let project = Project::without_database();
    let mut settings = format!("[migrations]\ntarget_dir = {:?}\n[plugins]\n", root.join("target/guests"));
    let mut parents = String::new();
    for dir in plugins() {
        let name = dir.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        settings += &format!("{name} = {{ path = {:?} }}\n", root.join("plugins").join(name));
        let page = std::fs::read_to_string(dir.join("README.md")).expect("a page");
        let shown = manifest(&page).trim_start_matches(&format!("plugin = {name:?}\n"));
        let id = name.replace('-', "_");
        let text = format!(
            "revision = {id:?}\nparents = [{parents}]\nmessage = \"as the page shows\"\nplugin = {name:?}\n\n{shown}\n"
        );
        project.write(&format!("migrations/{name}/migration.toml"), text);
        parents = format!("{id:?}");
    }
    project.write("runner.toml", settings);
    project.ok(&["build"]);
    let plan = project.ok(&["plan", "head", "--from", "base"]);
    let steps = plan.lines().filter(|line| line.starts_with("upgrade ")).count();
    assert_eq!(steps, plugins().len(), "{plan}");
}
