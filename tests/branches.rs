//! Branches, labels, packages and the commands that show them.

use crate::support::{Database, Project, filters, manifest};

macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        let value = $value;
        insta::with_settings!({ filters => filters() }, { insta::assert_snapshot!(value, @$expected) });
    };
}

/// Adds a revision that makes a table, with more lines of manifest.
fn add(project: &Project, dir: &str, id: &str, parents: &str, more: &str) {
    project.write(&format!("{dir}/{id}/migration.toml"), manifest(id, parents, "sql", more));
    project.write(&format!("{dir}/{id}/upgrade.sql"), format!("CREATE TABLE t_{id} ();"));
    project.write(&format!("{dir}/{id}/downgrade.sql"), format!("DROP TABLE t_{id};"));
}

/// A base with two branches, one of which depends on a third with a base of its
/// own.
fn branches(project: &Project) {
    add(project, "migrations", "a001", "", "");
    add(project, "migrations", "b001", "a001", "labels = [\"billing\"]\n");
    add(project, "migrations", "b002", "b001", "depends_on = [\"geo\"]\n");
    add(project, "migrations", "c001", "a001", "labels = [\"search\"]\n");
    add(project, "migrations", "g001", "", "labels = [\"geo\"]\n");
}

#[test]
fn branches_are_listed_in_alembics_words() {
    let project = Project::without_database();
    branches(&project);
    snapshot!(project.ok(&["history"]), @r"
    a001 -> c001 (search) (head), message of c001
    b001 (depends on g001) -> b002 (billing) (head), message of b002
    <base> -> g001 (geo) (head), message of g001
    a001 -> b001 (billing), message of b001
    <base> -> a001 (branchpoint), message of a001
    ");
    snapshot!(project.ok(&["history", "-r", "b001:billing@head"]), @r"
    b001 (depends on g001) -> b002 (billing) (head), message of b002
    <base> -> g001 (geo) (head), message of g001
    a001 -> b001 (billing), message of b001
    ");
    snapshot!(project.ok(&["history", "-r-1:search@head"]), @r"
    a001 -> c001 (search) (head), message of c001
    <base> -> a001 (branchpoint), message of a001
    ");
    snapshot!(project.ok(&["branches"]), @r"
    a001 (branchpoint), message of a001
        -> b001 (billing), message of b001
        -> c001 (search) (head), message of c001
    ");
    snapshot!(project.ok(&["heads"]), @r"
    b002 (billing) (head)
    c001 (search) (head)
    g001 (geo) (head)
    ");
    snapshot!(project.ok(&["heads", "--resolve-dependencies"]), @r"
    b002 (billing) (head)
    c001 (search) (head)
    ");
    snapshot!(project.ok(&["show", "billing@head"]), @r"
    Revision:     b002
    Message:      message of b002
    Parents:      b001
    Depends on:   g001
    Kind:         sql
    Path:         migrations/b002
    May:          whatever the login may do: its SQL declares no [capabilities]
    ");
    snapshot!(project.ok(&["history", "-v", "-r", "b002:b002"]), @r"
    Rev: b002 (billing) (head)
    Parent: b001
    Depends on: g001
    Path: migrations/b002
    Kind: sql

        message of b002
    ");
}

#[test]
fn a_branch_is_upgraded_and_downgraded_by_its_label() {
    let database = Database::new();
    let project = Project::new(&database);
    branches(&project);
    project.ok(&["upgrade", "billing@head"]);
    assert!(database.has("t_b002") && database.has("t_g001") && !database.has("t_c001"));
    snapshot!(project.ok(&["current"]), @r"
    b002 (billing) (head)
    g001 (geo) (head)
    ");
    snapshot!(project.ok(&["history", "-i"]), @r"
    a001 -> c001 (search) (head), message of c001
    b001 (depends on g001) -> b002 (billing) (head) (current), message of b002
    <base> -> g001 (geo) (head) (current), message of g001
    a001 -> b001 (billing), message of b001
    <base> -> a001 (branchpoint), message of a001
    ");
    snapshot!(project.ok(&["history", "-r", "current:"]), @r"
    a001 -> c001 (search) (head), message of c001
    b001 (depends on g001) -> b002 (billing) (head), message of b002
    ");
    project.ok(&["upgrade", "search@+1"]);
    snapshot!(project.fails(1, &["downgrade", "-1"]), @r"
    Error: `-1` is ambiguous: the database is at 2 heads: `b002`, `c001`
    Hint: Say which branch is meant: `LABEL@-1`, or `b002@-1`.
    ");
    project.ok(&["downgrade", "billing@-1"]);
    assert!(!database.has("t_b002") && database.has("t_b001") && database.has("t_g001"));
    project.ok(&["upgrade", "heads"]);
    project.ok(&["downgrade", "base"]);
    assert!(!database.has("t_a001") && !database.has("t_g001"));
}

#[test]
fn several_heads_are_named_with_what_to_do() {
    let database = Database::new();
    let project = Project::new(&database);
    branches(&project);
    snapshot!(project.fails(1, &["upgrade", "head"]), @r"
    Error: there are 3 heads: `b002`, `c001`, `g001`
    Hint: Go to all of them with `heads`, to one with `LABEL@head` or its id, as in `g001`; or join them: `runner merge heads -m MESSAGE`.
    ");
    snapshot!(project.fails(2, &["upgrade", "bil!@head"]), @r"
    Error: `bil!@head` is not a target: an id holds letters, digits, `_` and `.` only
      bil!@head
         ^
    ");
    snapshot!(project.fails(1, &["upgrade", "nowhere@head"]), @r"
    Error: there is no branch `nowhere`: it is neither a label nor the id of a revision
    Hint: Run `runner branches` to see the branches and their labels.
    ");
    snapshot!(project.fails(1, &["history", "-r", "c001:b002"]), @r"
    Error: revision `c001` is not before `b002`
    Hint: Run `runner history` to see the revisions.
    ");
    snapshot!(project.fails(2, &["upgrade", "shop:head"]), @r"
    Error: `shop:head` is a range, and only `--sql` takes one: `shop` is no package of this project
    Hint: Where the database is, it knows itself: name the target alone, or add `--sql` for a script.
    ");
    snapshot!(project.fails(1, &["show", "shop:head"]), @r"
    Error: there is no package `shop`
    Hint: Packages are named in `migrations.dirs` in runner.toml.
    ");
}

#[test]
fn packages_have_ids_of_their_own() {
    let database = Database::new();
    let project = Project::new(&database);
    project.write(
        "runner.toml",
        "[migrations]\ndirs = [\"migrations\", { path = \"shop\", package = \"shop\", recursive = true }]\n",
    );
    add(&project, "migrations", "a001", "", "");
    add(&project, "shop/2024", "a002", "", "");
    add(&project, "shop/2025", "b002", "a002", "depends_on = [\"a001\"]\n");
    snapshot!(project.ok(&["history"]), @r"
    shop:a002 (depends on a001) -> shop:b002 (head), message of b002
    <base> -> shop:a002, message of a002
    <base> -> a001 (head), message of a001
    ");
    project.ok(&["upgrade", "shop:head"]);
    snapshot!(project.ok(&["current"]), @r"
    a001 (head)
    shop:b002 (head)
    ");
    snapshot!(project.ok(&["history", "-r", "shop:a002:shop:b002"]), @r"
    shop:a002 (depends on a001) -> shop:b002 (head), message of b002
    <base> -> shop:a002, message of a002
    <base> -> a001 (head), message of a001
    ");
    project.ok(&["downgrade", "shop:base"]);
    snapshot!(project.ok(&["current"]), @"a001 (head)");
    project.ok(&["upgrade", "b002"]);
    snapshot!(project.ok(&["show", "shop:a"]), @r"
    Revision:     shop:a002
    Message:      message of a002
    Parents:      <base>
    Kind:         sql
    Path:         shop/2024/a002
    May:          whatever the login may do: its SQL declares no [capabilities]
    Applied:      [when] by owner (tester@[host])
    Took:         [time], 1 statement, 0 rows
    Isolation:    unrestricted
    Component:    [digest]
    Sources:      [digest]
    ");
}

#[test]
fn status_and_check_heads_have_exit_codes_for_pipelines() {
    let database = Database::new();
    let project = Project::new(&database);
    branches(&project);
    project.ok(&["upgrade", "billing@head"]);
    snapshot!(project.ok(&["status"]), @r"
    applied  a001  [when]  message of a001
    applied  b001  [when]  message of b001
    applied  g001  [when]  message of g001
    applied  b002  [when]  message of b002
    pending  c001  -                     message of c001
    ");
    assert_eq!(project.run(&["status", "--exit-code"]).code, 3);
    snapshot!(project.fails(3, &["current", "--check-heads"]), @r"
    Error: the database is not at the heads of the project: not applied: `c001`
    Hint: Run `runner upgrade heads`.
    ");
    project.ok(&["upgrade", "heads"]);
    project.ok(&["current", "--check-heads"]);
    project.ok(&["status", "--exit-code"]);
    project.write("migrations/c001/upgrade.sql", "SELECT 1;");
    std::fs::remove_dir_all(project.path("migrations/b002")).expect("removes");
    snapshot!(project.run(&["status", "--exit-code"]).stdout, @r"
    applied  a001  [when]  message of a001
    applied  b001  [when]  message of b001
    applied  g001  [when]  message of g001
    missing  b002  [when]  message of b002
    changed  c001  [when]  message of c001
    ");
    assert_eq!(project.run(&["status", "--exit-code"]).code, 4);
    snapshot!(project.fails(4, &["current", "--check-heads"]), @r"
    Error: the database is not at the heads of the project: `b002` is applied and not on disk; `c001` was edited after it was applied
    Hint: Run `runner status` to see each revision.
    ");
}

#[test]
fn an_edited_revision_goes_down_with_the_edges_that_it_was_applied_with() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b", "c"]);
    project.ok(&["upgrade", "head"]);
    // Edited so that it no longer follows `b`.
    project.sql("c", "a", "SELECT 1;", "SELECT 2;");
    snapshot!(project.ok(&["plan", "-2"]), @r"
    downgrade c message of c (then at b)
    downgrade b message of b (then at a)
    ");
    project.ok(&["downgrade", "-1"]);
    assert!(!database.has("t_c") && database.has("t_b"));
}

#[test]
fn a_plan_is_shown_without_running_it() {
    let database = Database::new();
    let project = Project::new(&database);
    branches(&project);
    snapshot!(project.ok(&["plan", "heads"]), @r"
    upgrade a001 message of a001 (then at a001)
    upgrade b001 message of b001 (then at b001)
    upgrade g001 message of g001 (then at b001, g001)
    upgrade b002 message of b002 (then at b002, g001)
    upgrade c001 message of c001 (then at b002, c001, g001)
    ");
    assert!(!database.has("runner.ledger"));
    project.ok(&["upgrade", "billing"]);
    snapshot!(project.ok(&["plan", "base"]), @r"
    downgrade b001 message of b001 (then at a001)
    downgrade a001 message of a001 (then at base)
    ");

    let offline = Project::without_database();
    branches(&offline);
    snapshot!(offline.ok(&["plan", "billing@head", "--from", "b001"]), @r"
    upgrade g001 message of g001 (then at b001, g001)
    upgrade b002 message of b002 (then at b002, g001)
    ");
    snapshot!(offline.ok(&["plan", "a001", "--downgrade", "--from", "billing@head,search@head"]), @r"
    downgrade c001 message of c001 (then at b002, g001)
    downgrade b002 message of b002 (then at b001, g001)
    downgrade b001 message of b001 (then at a001, g001)
    ");
    snapshot!(offline.ok(&["plan", "heads", "--from", "heads", "--json"]), @r#"{"version":1,"direction":"upgrade","heads":["b002","c001","g001"],"steps":[]}"#);
    snapshot!(offline.fails(1, &["plan", "+1"]), @r"
    Error: no database is configured
    Hint: Pass `--database URL`, set DATABASE_URL or PGHOST and the like, or set `database.url` in runner.toml.
    Hint: To try things out without a server, pass `--database embedded:PATH`.
    ");
}

#[test]
fn redo_applies_what_is_on_disk_now() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b", "c"]);
    project.ok(&["upgrade", "head"]);
    project.sql("c", "b", "CREATE TABLE t_better ();", "DROP TABLE t_better;");
    project.ok(&["redo"]);
    assert!(database.has("t_better") && !database.has("t_c"));
    project.ok(&["redo", "a"]);
    assert_eq!(project.ok(&["current"]), "c (head)\n");
    // What cannot be applied again is not taken back.
    project.sql("c", "b", "CREATE TABEL t_worse ();", "");
    snapshot!(project.fails(1, &["redo"]), @r#"
    Error: revision `c` cannot be run; nothing was changed
    Caused by:
    1: syntax error at or near "TABEL"
       migrations/c/upgrade.sql:1:8
       LINE 1: CREATE TABEL t_worse ();
                      ^
    "#);
    assert!(database.has("t_better"));
}

#[test]
fn redo_goes_up_in_one_transaction_if_asked() {
    let database = Database::new();
    let project = Project::new(&database);
    branches(&project);
    project.ok(&["upgrade", "heads"]);
    // Fails only on the way up again.
    project.write("migrations/g001/upgrade.sql", "CREATE TABLE t_g001 (); SELECT 1/0;");
    project.fails(5, &["redo", "base", "--single-transaction"]);
    assert_eq!(project.ok(&["current"]), "", "all of the way up is rolled back");
    project.write("migrations/g001/upgrade.sql", "CREATE TABLE t_g001 ();");
    project.ok(&["upgrade", "heads"]);
    // An edit elsewhere would stop the way up: nothing is taken back.
    project.write("migrations/a001/upgrade.sql", "SELECT 1;");
    project.fails(4, &["redo", "search@-1"]);
    assert!(database.has("t_c001"));
}

#[test]
fn a_named_section_has_its_own_folder_and_ledger() {
    let database = Database::new();
    let project = Project::new(&database);
    project.write(
        "runner.toml",
        "[named.billing.migrations]\ndir = \"billing\"\n[named.billing.ledger]\nschema = \"runner_billing\"\n",
    );
    add(&project, "migrations", "a001", "", "");
    add(&project, "billing", "b001", "", "");
    project.ok(&["-n", "billing", "upgrade", "head"]);
    assert!(database.has("t_b001") && !database.has("t_a001"));
    assert_eq!(project.ok(&["current"]), "");
    assert_eq!(project.ok(&["current", "--name", "billing"]), "b001 (head)\n");
    snapshot!(project.fails(1, &["-n", "biling", "current"]), @r"
    Error: runner.toml has no section `[named.biling]`
    Hint: It has: billing.
    ");
}

#[test]
fn structural_errors_are_reported_together() {
    let project = Project::without_database();
    add(&project, "migrations", "a001", "nowhere", "");
    add(&project, "migrations", "b001", "c001", "");
    add(&project, "migrations", "c001", "b001", "depends_on = [\"b001\", \"nothing\"]\n");
    snapshot!(project.fails(1, &["history"]), @r"
    Error: the revisions do not fit together
    Caused by:
    1: revision `a001` names unknown parent `nowhere` (migrations/a001)
    2: revision `c001` depends on `b001`, which is its parent already (migrations/c001)
    3: revision `c001` depends on unknown revision or label `nothing` (migrations/c001)
    4: revisions form a cycle: `b001` → `c001` → `b001`
    Hint: Put it right in the manifests (`migration.toml`) that are named above.
    ");
}
