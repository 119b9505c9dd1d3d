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
    snapshot!(project.ok(&["--help"]), @"");
    snapshot!(project.ok(&["upgrade", "--help"]), @"");
    snapshot!(project.ok(&["downgrade", "--help"]), @"");
    snapshot!(project.ok(&["revision", "--help"]), @"");
}

#[test]
fn history_and_heads() {
    let (_database, project) = project();
    snapshot!(project.ok(&["history"]), @"");
    snapshot!(project.ok(&["history", "-v"]), @"");
    snapshot!(project.ok(&["history", "--json"]), @"");
    snapshot!(project.ok(&["heads"]), @"");
    snapshot!(project.ok(&["heads", "-v"]), @"");
    snapshot!(project.ok(&["heads", "--json"]), @"");
}

#[test]
fn current() {
    let (_database, project) = project();
    snapshot!(project.ok(&["current"]), @"");
    snapshot!(project.ok(&["current", "-v"]), @"");
    snapshot!(project.ok(&["current", "--json"]), @"");
}

#[test]
fn show() {
    let (_database, project) = project();
    snapshot!(project.ok(&["show", "b"]), @"");
    snapshot!(project.ok(&["show", "head"]), @"");
    let json: serde_json::Value = serde_json::from_str(&project.ok(&["show", "b", "--json"])).expect("JSON");
    assert_eq!(json["manifest"]["revision"], "b");
    assert_eq!(json["applied"]["statements"], 1);
    std::fs::remove_dir_all(project.path("migrations/b")).expect("removes");
    std::fs::remove_dir_all(project.path("migrations/c")).expect("removes");
    assert!(project.ok(&["show", "b"]).contains("missing on disk"));
}

#[test]
fn upgrade_and_downgrade() {
    let (_database, project) = project();
    snapshot!(project.run(&["upgrade", "+1"]).stderr, @"");
    snapshot!(project.run(&["upgrade", "head"]).stderr, @"");
    snapshot!(project.run(&["downgrade", "-1", "--json"]).stdout, @"");
    snapshot!(project.run(&["downgrade", "base"]).stderr, @"");
    snapshot!(project.run(&["downgrade", "base"]).stderr, @"");
    assert_eq!(project.run(&["upgrade", "head", "--quiet"]).stderr, "");
}

#[test]
fn verify() {
    let (database, project) = project();
    let verified = |project: &Project| {
        let finished = project.run(&["verify"]);
        format!("exit code {}\n{}{}", finished.code, finished.stdout, finished.stderr)
    };
    snapshot!(verified(&project), @"");
    project.sql("a", "", "SELECT 1;", "");
    std::fs::remove_dir_all(project.path("migrations/c")).expect("removes");
    std::fs::remove_dir_all(project.path("migrations/b")).expect("removes");
    database.rows("UPDATE runner.component SET zstd = '\\x00'");
    snapshot!(verified(&project), @"");
}

#[test]
fn a_new_project_from_nothing() {
    let database = Database::new();
    let project = Project::new(&database);
    let made = project.ok(&["init", "shop"]);
    assert!(made.contains("made shop/runner.toml"), "{made}");
    let config = ["--config", "shop/runner.toml"];
    let run = |args: &[&str]| project.ok(&[args, &config].concat());
    let first = run(&["revision", "-m", "create orders"]);
    assert!(first.trim_end().ends_with("_create_orders"), "{first}");
    std::fs::write(
        project.path(&format!("{}/upgrade.sql", first.trim_end())),
        "CREATE TABLE orders (id int);\n",
    )
    .expect("writes");
    let second = run(&["revision", "-m", "add an index"]);
    run(&["upgrade", "head"]);
    assert!(database.has("orders"));
    let id = second.trim_end().split('_').nth(2).expect("date, time, id").to_owned();
    assert_eq!(run(&["current"]), format!("{id} (head)\n"));
    let said = project.fails(1, &["init", "shop"]);
    assert!(said.contains("shop/runner.toml exists already"), "{said}");
}

#[test]
fn a_crate_is_made_built_and_run() {
    let database = Database::new();
    let project = Project::new(&database);
    // Guests of all tests share what they are built from.
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/guests");
    project.write("runner.toml", format!("[migrations]\ntarget_dir = {target:?}\n"));
    let dir = project.ok(&["revision", "-m", "count to one", "--kind", "rust"]);
    let built = project.ok(&["build"]);
    assert!(built.starts_with("built "), "{built}");
    assert!(project.ok(&["build"]).starts_with("fresh "), "nothing changed");
    project.ok(&["upgrade", "head"]);
    project.fails(5, &["downgrade", "base"]);
    let source = project.path(dir.trim_end()).join("src/lib.rs");
    let text = std::fs::read_to_string(&source).expect("reads");
    std::fs::write(&source, text.replace("SELECT 1", "SELECT 2")).expect("writes");
    let said = project.fails(4, &["upgrade", "head"]);
    assert!(said.contains("was edited after it was applied"), "{said}");
    std::fs::write(&source, "does not compile").expect("writes");
    let finished = project.run(&["build"]);
    assert_eq!(finished.code, 1);
    assert!(finished.stderr.contains("did not compile"), "{}", finished.stderr);
}
