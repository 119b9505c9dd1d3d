//! The templates of projects, each from `init` to `upgrade`.

use std::path::Path;

use super::read;
use crate::support::{Database, Project};

/// Fills in a revision that creates a table and returns its folder.
fn fill(project: &Project, dir: &str, table: &str) {
    let dir = Path::new(dir.trim_end());
    std::fs::write(
        project.path("").join(dir).join("upgrade.sql"),
        format!("CREATE TABLE {table} (id int);\n"),
    )
    .expect("writes");
    std::fs::write(project.path("").join(dir).join("downgrade.sql"), format!("DROP TABLE {table};\n"))
        .expect("writes");
}

/// Makes a project from a template and returns what runs the program in it.
fn initialised<'a>(project: &'a Project, template: &str) -> impl Fn(&[&str]) -> String + 'a {
    project.ok(&["init", "shop", "--template", template]);
    |args| project.ok(&[args, &["--config", "shop/runner.toml"]].concat())
}

/// Lets all guests of all tests be built in one folder.
fn share_guests(project: &Project) {
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/guests");
    let dir = "dir = \"migrations\"\n";
    let config = read(project, "shop/runner.toml");
    project.write("shop/runner.toml", config.replace(dir, &format!("{dir}target_dir = {target:?}\n")));
}

#[test]
fn projects_of_the_templates_generic_and_dated_work() {
    for template in ["generic", "dated"] {
        let database = Database::new();
        let project = Project::new(&database);
        let run = initialised(&project, template);
        fill(&project, &run(&["revision", "-m", "one"]), "one");
        fill(&project, &run(&["revision", "-m", "two"]), "two");
        run(&["upgrade", "head"]);
        assert!(database.has("one") && database.has("two"), "{template}");
        run(&["downgrade", "base"]);
        assert!(!database.has("one"), "{template}");
        let said = project.fails(1, &["init", "shop", "-t", template]);
        assert!(said.contains("shop/runner.toml exists already"), "{said}");
    }
}

#[test]
fn a_project_of_the_template_rust_works() {
    let database = Database::owned();
    let project = Project::new(&database);
    let run = initialised(&project, "rust");
    let workspace = read(&project, "shop/migrations/Cargo.toml");
    assert!(workspace.contains("plugin-sdk = {"), "{workspace}");
    fill(&project, &run(&["revision", "-m", "one"]), "one");
    run(&["revision", "-m", "count", "--kind", "rust"]);
    assert_eq!(read(&project, "shop/migrations/Cargo.toml"), workspace, "the one that there is serves");
    share_guests(&project);
    run(&["upgrade", "head"]);
    assert!(database.has("one"));
}

#[test]
fn crates_are_built_in_dated_folders_too() {
    let project = Project::without_database();
    let run = initialised(&project, "dated");
    run(&["revision", "-m", "one"]);
    run(&["revision", "-m", "count", "--kind", "rust"]);
    share_guests(&project);
    assert!(run(&["build"]).starts_with("built "));
}

#[test]
fn a_project_of_the_template_packages_works() {
    let database = Database::new();
    let project = Project::new(&database);
    let run = initialised(&project, "packages");
    let at = |package: &str| format!("shop/migrations/{package}");
    let core = run(&["revision", "-m", "one", "--head", "base", "--version-path", &at("core")]);
    fill(&project, &core, "one");
    let app = ["revision", "-m", "two", "--head", "base", "--depends-on", "core:head"];
    fill(&project, &run(&[&app[..], &["--version-path", &at("app")]].concat()), "two");
    let next = run(&["revision", "-m", "three", "--head", "core:head"]);
    assert!(next.starts_with("shop/migrations/core/"), "{next}");
    run(&["upgrade", "heads"]);
    assert!(database.has("one") && database.has("two"));
    assert!(run(&["heads"]).contains("app:"));
}

#[test]
fn a_project_of_the_template_multidb_works() {
    let databases = [Database::new(), Database::new()];
    let project = Project::without_database();
    let run = initialised(&project, "multidb");
    for (database, name) in databases.iter().zip(["engine1", "engine2"]) {
        fill(&project, &run(&["--name", name, "revision", "-m", name]), name);
        run(&["--name", name, "upgrade", "head", "--database", &database.url]);
    }
    assert!(databases[0].has("engine1") && !databases[0].has("engine2"));
    assert!(databases[1].has("engine2") && !databases[1].has("engine1"));
}

#[test]
fn a_template_of_projects_that_does_not_exist_is_refused() {
    let project = Project::without_database();
    let said = project.fails(2, &["init", "shop", "--template", "genric"]);
    assert!(said.contains("possible values: generic, rust, dated, packages, multidb"), "{said}");
    assert!(said.contains("a similar value exists: 'generic'"), "{said}");
    assert!(!project.path("shop").exists());
}
