//! What a project's files and its surroundings can be beyond what is usual, and
//! that nothing runs, is lost or is agreed to by it.

use std::fs;
use std::process::Stdio;

use crate::plugin_pins::{add_probe, layout, publish_as, refused, revision, without_server};
use crate::support::{Database, Project, probe};

#[test]
fn a_crate_in_the_place_of_a_component_is_not_built() {
    let project = without_server();
    add_probe(&project);
    revision(&project, "a", "", "probe", "");
    fs::remove_dir_all(project.path(".data")).expect("the store is gone");
    fs::remove_file(project.path("probe.wasm")).expect("removes");
    project.write(
        "probe.wasm/Cargo.toml",
        "[package]\nname = \"probe\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = \
         [\"cdylib\"]\n\n[workspace]\n",
    );
    project.write("probe.wasm/src/lib.rs", "");
    let script = format!("fn main() {{ std::fs::write({:?}, \"\").unwrap(); }}", project.path("it-ran"));
    project.write("probe.wasm/build.rs", script);
    for args in [&["upgrade", "head"][..], &["plugin", "show", "probe"], &["build"]] {
        let said = refused(&project, args);
        assert!(said.contains("is pinned by the digest of its component sha256:"), "{args:?}: {said}");
        assert!(!project.path("it-ran").exists(), "{args:?}");
    }
}

#[test]
fn a_store_that_cannot_be_written_does_not_stop_what_is_verified() {
    let database = Database::new();
    let project = Project::new(&database);
    layout(&project, &["0.1.0"]);
    project.ok(&["plugin", "add", "probe", "--layout", "vendor"]);
    revision(&project, "a", "", "probe", "");
    // A file, which not even root makes a folder of.
    fs::remove_dir_all(project.path(".data")).expect("the store is gone");
    project.write(".data", "");
    project.ok(&["upgrade", "head"]);
}

#[test]
fn a_version_before_a_release_is_taken_where_there_is_nothing_else() {
    let project = Project::without_database();
    // The component calls itself 0.1.0, so that it is told which one was taken.
    publish_as(&project, "0.3.0-rc.1", probe().to_vec());
    let said = refused(&project, &["plugin", "add", "probe", "--layout", "vendor"]);
    assert!(said.contains("is announced as version 0.3.0-rc.1 of `probe`"), "{said}");
    layout(&project, &["0.1.0", "0.2.0"]);
    assert_eq!(project.ok(&["plugin", "add", "probe", "--layout", "vendor"]), "added probe 0.2.0\n");
    assert!(project.ok(&["plugin", "list", "--latest"]).ends_with("newest 0.2.0\n"));
    let settings = |version: &str| {
        project.write(
            "runner.toml",
            format!("[plugins]\nprobe = {{ version = {version:?}, layout = \"vendor\" }}\n"),
        );
    };
    settings("*");
    assert_eq!(project.ok(&["plugin", "update"]), "fresh   probe 0.2.0\n");
    settings("0.3.0-rc.0");
    let said = refused(&project, &["plugin", "update"]);
    assert!(said.contains("is announced as version 0.3.0-rc.1 of `probe`"), "{said}");
}

#[test]
fn what_revisions_ask_for_is_what_is_added() {
    let project = Project::without_database();
    layout(&project, &["0.1.0", "0.2.0"]);
    revision(&project, "a", "", "probe@0.1", "");
    let added = || project.ok(&["plugin", "add", "probe", "--layout", "vendor"]);
    assert_eq!(added(), "added probe 0.1.0\n");
    // The store has both, and is asked where a version is given.
    fs::remove_dir_all(project.path("migrations/a")).expect("removes");
    project.ok(&["plugin", "remove", "probe"]);
    project.ok(&["plugin", "add", "probe", "--layout", "vendor", "--version", "=0.2.0"]);
    project.ok(&["plugin", "remove", "probe"]);
    revision(&project, "a", "", "probe@0.1", "");
    project.write("runner.toml", "");
    let in_store = project.ok(&["plugin", "add", "probe", "--layout", "vendor", "--version", ">=0.1"]);
    assert_eq!(in_store, "added probe 0.1.0\n");
    project.write("runner.toml", "");
    revision(&project, "a", "", "probe@0.3", "");
    let said = refused(&project, &["plugin", "add", "probe", "--layout", "vendor"]);
    assert!(said.contains("`a` requires `probe@^0.3`"), "{said}");
    assert!(said.contains("layout:vendor has 0.1.0, 0.2.0"), "{said}");
}

#[test]
fn another_source_does_not_get_more_without_a_yes() {
    let project = Project::without_database();
    add_probe(&project);
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    let asked = lock.lines().find(|line| line.starts_with("capabilities")).expect("capabilities");
    assert_ne!(asked, "capabilities = []", "the probe asks for something");
    project.write("runner.lock", lock.replace(asked, "capabilities = []"));
    project.write("other.wasm", probe());
    project.write("runner.toml", "[plugins]\nprobe = { path = \"other.wasm\" }\n");
    for args in [&["plugin", "update"][..], &["build"]] {
        let said = refused(&project, args);
        assert!(said.contains("plugin `probe` 0.1.0 asks for more than before"), "{args:?}: {said}");
    }
    project.ok(&["plugin", "update", "--accept-capabilities"]);
    let accepted = fs::read_to_string(project.path("runner.lock")).expect("reads");
    assert_eq!(accepted, lock.replace("path:probe.wasm", "path:other.wasm"));
}

#[test]
fn the_way_out_of_a_damaged_lock_works() {
    let project = Project::without_database();
    add_probe(&project);
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    let digest = lock.lines().find(|line| line.starts_with("digest")).expect("a digest");
    for damaged in
        [lock.replace(digest, ""), lock.replace(digest, "digest = 3"), format!("{lock}\n[[plugin]]")]
    {
        project.write("runner.lock", damaged);
        let said = refused(&project, &["plugin", "update"]);
        assert!(said.contains("delete the block, and run `runner plugin update NAME`"), "{said}");
    }
    project.write("runner.lock", &lock[..lock.find("[[plugin]]").expect("a block")]);
    project.ok(&["plugin", "update", "probe"]);
    assert_eq!(fs::read_to_string(project.path("runner.lock")).expect("reads"), lock);
}

#[test]
fn what_is_added_at_the_same_time_is_all_there() {
    let project = Project::without_database();
    let sections: Vec<String> = (0..6).map(|place| format!("s{place}")).collect();
    let settings = |section: &String| format!("[named.{section}.session]\nretries = 1\n\n");
    project.write("runner.toml", sections.iter().map(settings).collect::<String>());
    let adding = sections.iter().map(|section| {
        let path = format!("{section}.wasm");
        project.write(&path, probe());
        let mut command = project.command(&["--name", section, "plugin", "add", "probe", "--path", &path]);
        command.stdout(Stdio::null()).spawn().expect("starts")
    });
    for mut added in adding.collect::<Vec<_>>() {
        assert!(added.wait().expect("ends").success());
    }
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    for section in &sections {
        assert!(lock.contains(&format!("source = \"path:{section}.wasm\"")), "{section}: {lock}");
        let listed = project.ok(&["--name", section, "plugin", "list"]);
        assert!(listed.ends_with(&format!("path:{section}.wasm\n")), "{listed}");
    }
}

#[test]
fn what_is_published_at_the_same_time_is_all_there() {
    let project = Project::without_database();
    let versions: Vec<String> = (1..9).map(|minor| format!("0.{minor}.0")).collect();
    std::thread::scope(|scope| {
        for version in &versions {
            scope.spawn(|| layout(&project, &[version]));
        }
    });
    let shown = project.ok(&["plugin", "show", "probe", "--layout", "vendor"]);
    assert!(shown.contains(&versions.join(", ")), "{shown}");
}

#[test]
fn a_named_section_gives_a_plugin_another_kind_of_source() {
    let project = Project::without_database();
    layout(&project, &["0.1.0"]);
    project.ok(&["plugin", "add", "probe", "--layout", "vendor"]);
    let settings = fs::read_to_string(project.path("runner.toml")).expect("reads");
    let section = "[named.local.plugins]\nprobe = { path = \"probe.wasm\" }\n";
    project.write("runner.toml", format!("{settings}\n{section}"));
    project.write("probe.wasm", probe());
    project.ok(&["--name", "local", "plugin", "update"]);
    let listed = project.ok(&["--name", "local", "plugin", "list"]);
    assert!(listed.contains(" *  ") && listed.ends_with("path:probe.wasm\n"), "{listed}");
    assert!(project.ok(&["plugin", "list"]).ends_with("layout:vendor\n"));
}
