//! The ledger, on a real server.

use crate::support::{Database, Project};

fn applied() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b"]);
    project.ok(&["upgrade", "head"]);
    (database, project)
}

#[test]
fn the_journal_is_only_ever_appended_to() {
    let (database, _project) = applied();
    for statement in
        ["UPDATE runner.journal SET actor = 'x'", "DELETE FROM runner.journal", "TRUNCATE runner.journal"]
    {
        let attempt = format!(
            "DO $do$ BEGIN {statement}; RAISE 'it went through'; \
             EXCEPTION WHEN raise_exception THEN IF SQLERRM = 'it went through' THEN RAISE; END IF; END $do$"
        );
        database.rows(&attempt);
    }
    assert_eq!(database.value("SELECT count(*) FROM runner.journal"), "2");
}

#[test]
fn every_run_is_told_by_the_journal() {
    let (database, project) = applied();
    project.ok(&["downgrade", "-1"]);
    project.ok(&["upgrade", "head"]);
    let journal = database
        .rows("SELECT direction, revision, outcome, actor LIKE 'tester@%' FROM runner.journal ORDER BY id");
    assert_eq!(journal, ["upgrade|a|done|t", "upgrade|b|done|t", "downgrade|b|done|t", "upgrade|b|done|t"]);
    assert_eq!(database.value("SELECT count(DISTINCT run) FROM runner.journal"), "3");
}

#[test]
fn a_component_is_kept_once() {
    let (database, _project) = applied();
    assert_eq!(database.value("SELECT count(*) FROM runner.component"), "1");
    let sound =
        "SELECT bool_and(octet_length(digest) = 32 AND size > octet_length(zstd)) FROM runner.component";
    assert_eq!(database.value(sound), "t");
}

#[test]
fn a_row_tells_who_and_from_what() {
    let (database, _project) = applied();
    let row = "SELECT parents, labels, message, applied_by, actor LIKE 'tester@%', statements, manifest->>'kind', \
               params->>'upgrade' FROM runner.revision WHERE revision = 'b'";
    let expected = "{a}|{}|message of b|owner|t|1|sql|CREATE TABLE public.t_b (id int PRIMARY KEY);\n";
    assert_eq!(database.rows(row), [expected]);
}

#[test]
fn two_ledgers_live_side_by_side() {
    let (database, project) = applied();
    let other = Project::new(&database);
    other.write("runner.toml", "[ledger]\nschema = \"Other \\\"Ledger\"\n");
    other.sql("x", "", "CREATE TABLE public.t_x (id int);", "DROP TABLE public.t_x;");
    other.ok(&["upgrade", "head"]);
    assert_eq!(project.ok(&["current"]), "b (head)\n");
    assert_eq!(other.ok(&["current"]), "x (head)\n");
}
