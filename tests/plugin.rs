//! `runner plugin`: from an empty folder to a downgrade without any source.

use std::path::{Path, PathBuf};

use crate::support::{Database, Project};

/// The name of the plugin that is made.
const NAME: &str = "add-note";

/// A project with the crate of a new plugin, built in a folder that all tests
/// share: its dependencies are compiled once.
fn with_plugin() -> Project {
    let project = Project::without_database();
    project.ok(&["plugin", "new", NAME]);
    share_target(&project.path(NAME));
    project
}

/// Lets a crate be compiled where all tests compile theirs.
fn share_target(dir: &Path) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-target");
    std::fs::create_dir_all(&target).expect("a folder");
    std::fs::create_dir_all(dir.join(".runner")).expect("a folder");
    std::os::unix::fs::symlink(target, dir.join(".runner/target")).expect("a link");
}

/// A layout with the new plugin, as version 0.1.0.
fn published() -> (Project, PathBuf) {
    let maker = with_plugin();
    let layout = maker.path("layout");
    maker.ok(&["plugin", "publish", NAME, "--layout", "layout"]);
    (maker, layout)
}

/// Adds the plugin of a layout to a project.
fn add(project: &Project, layout: &Path) -> String {
    project.ok(&["plugin", "add", NAME, "--layout", layout.to_str().expect("UTF-8")])
}

/// Makes a revision that the plugin runs on `public.t_a`, with all that it asks for.
fn revision(project: &Project, id: &str, parent: &str) {
    project.write(
        &format!("migrations/{id}/migration.toml"),
        format!(
            "revision = {id:?}\nparents = [{parent:?}]\nmessage = \"add a note\"\nplugin = {NAME:?}\n\n[params]\n\
             table = \"public.t_a\"\n\n[capabilities]\nddl = [\"public.t_a\"]\ndrop = [\"public.t_a\"]\n"
        ),
    );
}

#[test]
fn a_plugin_is_made_tested_published_added_run_and_taken_back() {
    let database = Database::new();
    let maker = with_plugin();
    let tested = maker.ok(&["plugin", "test", NAME, "--database", &database.url]);
    assert_eq!(tested, "passed adds_a_column: a column is added to a table with rows\n");
    let native = std::process::Command::new("cargo")
        .args(["test", "--quiet", "--offline", "--manifest-path"])
        .arg(maker.path(NAME).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-native"))
        .output()
        .expect("cargo runs");
    assert!(native.status.success(), "{}", String::from_utf8_lossy(&native.stderr));
    maker.ok(&["plugin", "publish", NAME, "--layout", "layout"]);

    let project = Project::new(&database);
    project.tables(&["a"]);
    add(&project, &maker.path("layout"));
    let written = project.ok(&["revision", "-m", "add a note", "--plugin", NAME]);
    let manifest = project.path(written.trim()).join("migration.toml");
    let text = std::fs::read_to_string(&manifest).expect("reads");
    assert!(text.contains("# table =   # string; has to be set"), "{text}");
    let missing = project.fails(1, &["upgrade", "head"]);
    assert!(missing.contains("\"table\" is a required property"), "{missing}");
    assert!(missing.contains("migration.toml:"), "{missing}");
    assert!(!database.has("runner.ledger"), "the database is not touched");
    let text = text.replace("# table =   # string; has to be set", "table = \"public.t_a\"");
    let text = text.replace("# ddl = [\"${table}\"]", "ddl = [\"public.t_a\"]");
    std::fs::write(&manifest, text.replace("# drop = [\"${table}\"]", "drop = [\"public.t_a\"]"))
        .expect("writes");
    project.ok(&["plan"]);
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT count(note) FROM t_a"), "0");
    project.ok(&["verify"]);
    let why = project.ok(&["plugin", "why", NAME]);
    assert!(why.contains("applied with 0.1.0, "), "{why}");

    drop(maker);
    for gone in [".data", ".runner", "runner.lock"] {
        let path = project.path(gone);
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
    project.ok(&["downgrade", "-1"]);
    assert_eq!(
        database.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 't_a'"),
        "1"
    );
}
