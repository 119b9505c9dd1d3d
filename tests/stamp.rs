//! `stamp`: the ledger says where the database is, and nothing runs.

use crate::support::{Database, Project, probe};

const APPLIED: &str = "SELECT revision FROM runner.revision ORDER BY revision";
const JOURNAL: &str =
    "SELECT direction, revision, outcome, coalesce(tag, '-'), statements FROM runner.journal ORDER BY id";

fn project() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b", "c"]);
    (database, project)
}

#[test]
fn a_stamped_revision_can_be_taken_back() {
    let (database, project) = project();
    database.rows("CREATE TABLE public.t_a (id int); CREATE TABLE public.t_b (id int);");
    let finished = project.run(&["stamp", "b", "--tag", "ticket 7"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(
        finished.stderr.contains("2 rows added and 0 rows removed, nothing was run"),
        "{}",
        finished.stderr
    );
    assert_eq!(project.ok(&["current"]), "b\n");
    assert_eq!(database.rows(JOURNAL), ["upgrade|a|stamped|ticket 7|0", "upgrade|b|stamped|ticket 7|0"]);
    project.ok(&["verify"]);
    project.ok(&["upgrade", "head"]);
    assert!(database.has("t_c"));
    project.ok(&["downgrade", "base", "--tag", "back"]);
    assert!(!database.has("t_a") && !database.has("t_b"));
    let journal = database.rows(JOURNAL);
    assert_eq!(journal.last().map(String::as_str), Some("downgrade|a|done|back|1"));
}

#[test]
fn stamping_back_removes_rows_and_leaves_the_tables() {
    let (database, project) = project();
    project.ok(&["upgrade", "head"]);
    project.ok(&["stamp", "a"]);
    assert_eq!(database.rows(APPLIED), ["a"]);
    assert!(database.has("t_c"));
    let journal = database.rows(JOURNAL);
    assert_eq!(journal[3..], ["downgrade|c|stamped|-|0", "downgrade|b|stamped|-|0"]);
    project.ok(&["stamp", "base"]);
    assert_eq!(project.ok(&["current"]), "");
}

#[test]
fn saying_what_the_ledger_says_takes_no_lock_and_writes_nothing() {
    let (database, project) = project();
    assert!(project.run(&["stamp", "base"]).stderr.contains("Nothing to do"));
    assert_eq!(database.value("SELECT to_regnamespace('runner') IS NULL"), "t");
    project.ok(&["upgrade", "head"]);
    let before = database.rows(JOURNAL);
    assert!(project.run(&["stamp", "head"]).stderr.contains("Nothing to do: the ledger says c"));
    assert_eq!(database.rows(JOURNAL), before);
}

#[test]
fn a_purge_takes_rows_that_nobody_knows_and_puts_edits_right() {
    let (database, project) = project();
    project.ok(&["upgrade", "head"]);
    std::fs::remove_dir_all(project.path("migrations/c")).expect("removes");
    project.sql("b", "a", "SELECT 'edited';", "SELECT 1;");
    project.fails(4, &["upgrade", "head"]);
    project.ok(&["stamp", "--purge", "b"]);
    assert_eq!(database.rows(APPLIED), ["a", "b"]);
    assert_eq!(project.ok(&["current"]), "b (head)\n");
    project.ok(&["upgrade", "head"]);
    project.ok(&["downgrade", "-1"]);
    assert!(database.has("t_b"), "the edited downgrade is what was recorded");
}

#[test]
fn dependencies_come_along_and_dependents_go() {
    let (database, project) = project();
    project.sql("x", "", "SELECT 1;", "SELECT 1;");
    project.write(
        "migrations/y/migration.toml",
        crate::support::manifest("y", "x", "sql", "depends_on = [\"b\"]\n"),
    );
    project.write("migrations/y/upgrade.sql", "SELECT 1;");
    project.ok(&["stamp", "y"]);
    assert_eq!(database.rows(APPLIED), ["a", "b", "x", "y"]);
    project.ok(&["stamp", "a"]);
    assert_eq!(database.rows(APPLIED), ["a", "x"]);
}

#[test]
fn code_that_is_not_built_is_named() {
    let (_database, project) = project();
    project.component(
        "d",
        "c",
        probe(),
        "[params]\nkind = \"nothing\"\ntable = \"t\"\n[capabilities]\nwrite = [\"t\"]\n",
    );
    project.ok(&["stamp", "head"]);
    project.ok(&["stamp", "c"]);
    std::fs::remove_file(project.path(".runner/components/d.wasm")).expect("removes");
    let said = project.fails(1, &["stamp", "head", "--no-build"]);
    assert!(said.contains("revision `d`") && said.contains("is not built"), "{said}");
    assert!(said.contains("Run `runner build`."), "{said}");
    assert_eq!(project.ok(&["current"]), "c\n");
}

#[test]
fn a_revision_without_code_is_not_taken_back() {
    let (database, project) = project();
    project.ok(&["stamp", "a"]);
    database.rows("UPDATE runner.revision SET component_digest = NULL");
    assert!(project.ok(&["show", "a"]).contains("Component:"));
    project.ok(&["verify"]);
    let said = project.fails(1, &["downgrade", "base"]);
    assert!(said.contains("has no component that could take it back"), "{said}");
    project.ok(&["stamp", "base"]);
    assert_eq!(project.ok(&["current"]), "");
}

#[test]
fn a_version_1_ledger_is_read_as_it_is_and_upgrades_itself() {
    let (database, project) = project();
    project.ok(&["upgrade", "b"]);
    // Back to what the first release made.
    database.rows(
        "DROP TABLE runner.ticket, runner.statement; \
         ALTER TABLE runner.journal DROP COLUMN isolation, DROP COLUMN tag, ALTER COLUMN component_digest SET NOT NULL, \
            DROP CONSTRAINT journal_outcome_check, \
            ADD CONSTRAINT journal_outcome_check CHECK (outcome IN ('done', 'failed')); \
         ALTER TABLE runner.revision ALTER COLUMN component_digest SET NOT NULL; \
         UPDATE runner.ledger SET version = 1",
    );
    assert_eq!(project.ok(&["current"]), "b\n");
    project.ok(&["verify"]);
    assert_eq!(database.value("SELECT version FROM runner.ledger"), "1");
    project.ok(&["stamp", "c"]);
    assert_eq!(database.value("SELECT version FROM runner.ledger"), "4");
    assert_eq!(database.rows(JOURNAL)[2..], ["upgrade|c|stamped|-|0"]);
}
