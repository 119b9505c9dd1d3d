//! `runner suggest`: what a revision needs, found out by running it.

use crate::support::{Database, Project, probe};

const TABLES: &str = "CREATE SCHEMA app; CREATE TABLE app.users (id int PRIMARY KEY, name text); \
    CREATE TABLE app.parent (id int PRIMARY KEY); \
    CREATE TABLE app.child (id int REFERENCES app.parent ON DELETE CASCADE); \
    INSERT INTO app.parent VALUES (1); INSERT INTO app.child VALUES (1)";

fn project() -> (Database, Project) {
    let database = Database::new();
    database.rows(TABLES);
    let project = Project::new(&database);
    project.tables(&["a"]);
    (database, project)
}

#[test]
fn what_was_used_is_enough_and_nothing_is_left() {
    let (database, project) = project();
    project.sql(
        "b",
        "a",
        "CREATE TABLE app.n (id int); INSERT INTO app.n SELECT id FROM app.users; DELETE FROM app.parent;",
        "DROP TABLE app.n;",
    );
    let table = project.ok(&["suggest", "b"]);
    assert_eq!(
        table,
        "[capabilities]\nread = [\"app.users\"]\nwrite = [\"app.parent\", \"app.child\"]\nddl = [\"app.n\"]\ndrop = [\"app.n\"]\n",
        "the cascade too"
    );
    assert!(!database.has("app.n") && !database.has("runner.revision"));
    assert_eq!(database.value("SELECT count(*) FROM app.child"), "1");
    project.ok(&["suggest", "b", "--write"]);
    let manifest = std::fs::read_to_string(project.path("migrations/b/migration.toml")).expect("reads");
    assert!(manifest.ends_with(&table), "{manifest}");
    project.ok(&["upgrade", "head"]);
    project.ok(&["downgrade", "a"]);
    // What is not there is not written: the cascade needs its rows again.
    database.rows("INSERT INTO app.parent VALUES (1); INSERT INTO app.child VALUES (1)");
    let said = project.run(&["suggest", "b"]);
    assert!(said.stderr.contains("This is what its migration.toml says."), "{}", said.stderr);
}

#[test]
fn a_downgrade_that_fails_does_not_hide_what_the_upgrade_needs() {
    let (database, project) = project();
    project.sql("b", "a", "CREATE TABLE app.n (id int);", "DROP TABLE app.elsewhere;");
    let said = project.run(&["suggest", "b"]);
    assert_eq!(said.stdout, "[capabilities]\nddl = [\"app.n\"]\n", "{}", said.stderr);
    assert!(said.stderr.contains("The downgrade failed, and is not in the table"), "{}", said.stderr);
    assert!(said.stderr.contains("\"elsewhere\" does not exist"), "{}", said.stderr);
    assert!(!database.has("app.n"));
}

#[test]
fn an_applied_revision_is_not_tried() {
    let (_database, project) = project();
    project.ok(&["upgrade", "head"]);
    let said = project.fails(1, &["suggest", "head"]);
    assert!(said.contains("nothing is pending up to `head`"), "{said}");
}

#[test]
fn what_no_grant_allows_is_refused_here_too() {
    let (database, project) = project();
    project.sql("b", "a", "DO $$ BEGIN EXECUTE 'DROP TABLE app.users'; END $$;", "");
    let said = project.fails(1, &["suggest", "b"]);
    assert!(said.contains("DO is not permitted in a migration"), "{said}");
    assert!(database.has("app.users"));
}

#[test]
fn code_is_not_tried_as_a_superuser() {
    let database = Database::of_superuser();
    let project = Project::new(&database);
    project.component("b", "", probe(), "\n[params]\nkind = \"nothing\"\n");
    let said = project.fails(1, &["suggest", "b"]);
    assert!(said.contains("superuser"), "{said}");
}

#[test]
fn names_that_need_quotes_are_granted_as_they_are_suggested() {
    let (database, project) = project();
    database.rows("CREATE TABLE app.\"Cust omer\" (id int); CREATE TABLE app.\"b*\" (id int)");
    let upgrade = "INSERT INTO app.\"Cust omer\" VALUES (1); INSERT INTO app.\"b*\" VALUES (1);";
    project.sql("b", "a", upgrade, "");
    project.ok(&["suggest", "b", "--write"]);
    let manifest = std::fs::read_to_string(project.path("migrations/b/migration.toml")).expect("reads");
    assert!(manifest.contains(r#"'app."Cust omer"'"#) && manifest.contains(r#"'app."b*"'"#), "{manifest}");
    project.ok(&["upgrade", "head"]);
}
