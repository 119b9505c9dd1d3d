//! Revisions that depend on versions of another package.

use crate::support::{Database, Project, manifest};

/// Two folders: the project's own revisions, and those of the package `billing`.
fn project(database: Option<&Database>) -> Project {
    let project = database.map_or_else(Project::without_database, Project::new);
    let dirs = "[migrations]\ndirs = [\"migrations\", { path = \"billing\", package = \"billing\" }]\n";
    project.write("runner.toml", dirs);
    billing(&project, "one", "", "since = \"1.0.0\"\n");
    billing(&project, "two", "one", "since = \"1.2.0\"\n");
    billing(&project, "three", "two", "since = \"2.0.0\"\n");
    project
}

fn billing(project: &Project, id: &str, parents: &str, more: &str) {
    add(project, "billing", id, parents, more);
}

fn own(project: &Project, id: &str, parents: &str, more: &str) {
    add(project, "migrations", id, parents, more);
}

/// A revision that makes a table; `more` is added to its manifest.
fn add(project: &Project, dir: &str, id: &str, parents: &str, more: &str) {
    project.write(&format!("{dir}/{id}/migration.toml"), manifest(id, parents, "sql", more));
    project.write(&format!("{dir}/{id}/upgrade.sql"), format!("CREATE TABLE t_{id} ();"));
    project.write(&format!("{dir}/{id}/downgrade.sql"), format!("DROP TABLE t_{id};"));
}

/// The revisions of a plan, in its order.
fn planned(project: &Project, target: &str) -> String {
    let plan = project.ok(&["plan", target, "--from", "base"]);
    let revision = |line: &str| line.split(' ').nth(1).unwrap_or_default().to_owned();
    let steps = plan.lines().filter(|line| line.starts_with("upgrade "));
    steps.map(revision).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_range_decides_what_comes_before_and_what_after() {
    let database = Database::new();
    let project = project(Some(&database));
    own(&project, "a", "", "depends_on = [\"billing@^1.1\"]\n");
    assert_eq!(planned(&project, "a"), "billing:one billing:two a");
    assert_eq!(planned(&project, "heads"), "billing:one billing:two a billing:three");
    project.ok(&["upgrade", "heads"]);
    let recorded = "SELECT array_to_string(depends_on, ' ') FROM runner.revision WHERE revision = ";
    assert_eq!(database.value(&format!("{recorded}'a'")), "billing:two", "the ledger has whole ids");
    assert_eq!(database.value(&format!("{recorded}'billing:three'")), "a");
    assert_eq!(project.run(&["check"]).code, 0);
    let shown = project.ok(&["show", "billing:three"]);
    assert!(shown.contains("Since:        2.0.0"), "{shown}");
    // 2.0.0 came after `a`, so it goes before.
    project.ok(&["downgrade", "base"]);
    assert!(!database.has("t_a") && !database.has("t_one"));
}

#[test]
fn what_is_applied_stays_as_it_is_when_the_package_grows() {
    let database = Database::new();
    let project = project(Some(&database));
    own(&project, "a", "", "depends_on = [\"billing@>=1\"]\n");
    project.ok(&["upgrade", "heads"]);
    billing(&project, "four", "three", "since = \"2.1.0\"\n");
    assert_eq!(project.run(&["check"]).code, 3, "one is pending, and nothing drifted");
    project.ok(&["upgrade", "heads"]);
    own(&project, "b", "a", "depends_on = [\"billing@>=2.1\"]\n");
    project.ok(&["upgrade", "heads"]);
    assert!(database.has("t_b"));
    project.ok(&["downgrade", "base"]);
    assert!(!database.has("t_one"));
}

#[test]
fn a_database_that_is_past_the_range_is_refused() {
    let database = Database::new();
    let project = project(Some(&database));
    project.ok(&["upgrade", "heads"]);
    own(&project, "a", "", "depends_on = [\"billing@1\"]\n");
    for args in [["upgrade", "heads"], ["plan", "heads"]] {
        let said = project.fails(1, &args);
        let expected = "`a` requires `billing@^1` (migrations/a/migration.toml:5:15), and the database has version \
                        2.0.0 of that package: `billing:three` is applied";
        assert!(said.contains(expected), "{said}");
    }
    assert!(!database.has("t_a"));
    own(&project, "a", "", "depends_on = [\"billing@>=1\"]\n");
    project.ok(&["upgrade", "heads"]);
    assert!(database.has("t_a"));
}

#[test]
fn what_does_not_fit_is_explained() {
    let project = project(None);
    own(&project, "a", "", "depends_on = [\"billing@3\"]\n");
    own(&project, "b", "a", "depends_on = [\"biling@1\"]\n");
    let said = project.fails(1, &["plan", "heads", "--from", "base"]);
    for expected in [
        "revision `a` requires `billing@^3` (migrations/a/migration.toml:5:15), and that package has the versions \
         1.0.0, 1.2.0, 2.0.0",
        "revision `b` requires `biling@^1` (migrations/b/migration.toml:5:15), and no revision is of that package; \
         did you mean `billing`?",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    own(&project, "a", "", "depends_on = [\"billing@2\"]\n");
    own(&project, "b", "a", "depends_on = [\"billing@<2\"]\n");
    let said = project.fails(1, &["heads"]);
    for expected in [
        "the versions of package `billing` that are required exclude each other",
        "`a` requires `billing@^2` (migrations/a/migration.toml:5:15): it comes after `billing:three` (version 2.0.0)",
        "`b` requires `billing@<2` (migrations/b/migration.toml:5:15): it comes before `billing:three` (version 2.0.0)",
        "`b` comes after `a` (migrations/b)",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    own(&project, "b", "a", "depends_on = [\"billing@two\"]\n");
    let said = project.fails(1, &["heads"]);
    assert!(said.contains("migrations/b/migration.toml:5:15: `billing@two` asks for no versions"), "{said}");
}

#[test]
fn new_revisions_and_bundles_take_ranges() {
    let database = Database::new();
    let project = project(Some(&database));
    let asks = ["--head", "base", "--version-path", "migrations", "--depends-on"];
    let new = [&["revision", "-m", "bills", "--rev-id", "a"][..], &asks].concat();
    let made = project.ok(&[&new[..], &["billing@>=1.2, <2"]].concat());
    let text =
        std::fs::read_to_string(project.path(made.lines().next().expect("a folder")).join("migration.toml"));
    assert!(text.expect("reads").contains("\"billing@>=1.2, <2\""));
    let none = project.fails(1, &[&["revision", "-m", "m"][..], &asks, &["billing@4"]].concat());
    assert!(none.contains("requires `billing@^4`"), "{none}");
    assert_eq!(planned(&project, "heads"), "billing:one billing:two a billing:three");
    project.ok(&["bundle", "a", "-o", "a.tar"]);
    project.ok(&["upgrade", "heads", "--bundle", "a.tar"]);
    assert!(database.has("t_two") && !database.has("t_three"), "only what `a` needs");
    project.ok(&["upgrade", "heads"]);
    assert!(database.has("t_three"));
}
