//! What is refused when a writer is opened, and who may open one.

use super::{Bulk, change};
use crate::sandbox::Sandbox;
use crate::support::Database;

const T: &str = "CREATE TABLE t (id int PRIMARY KEY, name text, a int, b int NOT NULL DEFAULT 1, \
        g int GENERATED ALWAYS AS (a * 2) STORED, i int GENERATED ALWAYS AS IDENTITY, UNIQUE (b, a)); \
    CREATE UNIQUE INDEX ON t (name) WHERE a > 0; CREATE VIEW v AS SELECT * FROM t; \
    INSERT INTO t (id, name) VALUES (1, 'a');";

#[test]
fn what_is_wrong_is_named() {
    let database = Database::new();
    database.rows(T);
    let read = "SELECT id, name FROM public.t";
    for (key, columns, expected) in [
        (
            "name",
            &["a"][..],
            "(name) is not a key of public.t: no unique index has exactly these columns (its keys: (id), (b, a))",
        ),
        ("a", &["name"], "(a) is not a key of public.t"),
        ("nix", &["name"], "column nix of public.t cannot be written: the table has no such column"),
        ("", &["nix"], "column nix of public.t cannot be written: the table has no such column"),
        ("", &["ctid"], "it is a system column"),
        ("", &["g"], "the server computes it"),
        ("", &["i"], "it is GENERATED ALWAYS AS IDENTITY"),
        ("", &["a", "a"], "it is named twice"),
        ("", &["id"], "it belongs to the key, which a change by key cannot change"),
        ("", &[], "there is nothing to write"),
    ] {
        change("update", columns, read).with("key", key).fails(&database, expected);
    }
    let view = change("update", &["name"], read)
        .with("table", "public.v")
        .granting("read = [\"public.*\"]\nwrite = [\"public.*\"]");
    view.fails(&database, "public.v is a view");
    let none = view.with("table", "public.nix");
    none.fails(&database, "relation \"public.nix\" does not exist");
}

#[test]
fn what_is_not_granted_is_named() {
    let database = Database::new();
    database.rows(T);
    for open in ["update", "upsert", "delete"] {
        let bulk = change(open, &["name"], "SELECT id, 'x' FROM public.t").granting("read = [\"public.t\"]");
        let said = bulk.fails(&database, "the manifest does not grant `write` on `public.t`");
        assert!(said.contains("write = [\"public.t\"]"), "{said}");
    }
    let describe = Bulk::default().with("open", "describe").with("table", "public.t");
    describe.granting("read = [\"other.*\"]").fails(&database, "the manifest grants nothing on `public.t`");
}

#[test]
fn a_table_is_described() {
    let database = Database::new();
    database.rows(&format!("{T} ANALYZE t"));
    let said = Bulk::default()
        .with("open", "describe")
        .with("table", "T")
        .granting("write = [\"public.t\"]")
        .ok(&database);
    for line in [
        "public t key (id) rows Some(1)",
        "id int4 -1 false false",
        "name text -1 true false",
        "g int4 -1 true true",
        "b int4 -1 false false",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn a_suggestion_names_what_was_used() {
    let database = Database::new();
    database.rows(T);
    let bulk = change("update", &["name"], "SELECT id, name FROM public.t");
    let project = bulk.granting("").project(&database);
    let table = project.ok(&["suggest", "b"]);
    assert_eq!(table, "[capabilities]\nread = [\"public.t\"]\nwrite = [\"public.t\"]\n");
    let bulk = change("upsert", &["name"], "").with("options", "lock-out-writers");
    bulk.granting("").revision(&project);
    let table = project.ok(&["suggest", "b"]);
    assert_eq!(table, "[capabilities]\nwrite = [\"public.t\"]\nlock = [\"public.t\"]\n");
}

#[test]
fn a_script_cannot_hold_it() {
    let database = Database::new();
    let project = change("update", &["name"], "").project(&database);
    let said = project.fails(1, &["upgrade", "head", "--sql"]);
    assert!(said.contains("it depends on what a table is and holds, which only a server knows"), "{said}");
}

#[test]
fn a_login_of_its_own_makes_the_same_changes() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, owner, .. } = &sandbox;
    // What `--revoke-public` takes and gives, by an administrator.
    database.rows(&format!("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC", database.name));
    let said = project.ok(&["sandbox", "status"]);
    assert!(said.contains("may not make temporary tables: changes of rows in bulk fail"), "{said}");
    database.rows(&format!("GRANT TEMPORARY ON DATABASE {} TO {owner}", database.name));
    assert!(!project.ok(&["sandbox", "status"]).contains("temporary tables"));
    database.rows(&format!(
        "SET ROLE {owner}; CREATE TABLE app.t (id int PRIMARY KEY, name text); \
         INSERT INTO app.t SELECT g, 'a' FROM generate_series(1, 5) g"
    ));
    let grants = "read = [\"app.*\"]\nwrite = [\"app.t\"]";
    project.ok(&["upgrade", "head"]);
    for (id, parent, open, read) in [
        ("x1", "a", "update", "SELECT id, 'b' FROM app.t"),
        ("x2", "x1", "upsert", "SELECT g, 'c' FROM generate_series(5, 7) g"),
        ("x3", "x2", "delete", "SELECT 1"),
    ] {
        let columns: &[&str] = if open == "delete" { &[] } else { &["name"] };
        let bulk = change(open, columns, read).with("table", "app.t").granting(grants);
        let params: Vec<_> = bulk.params.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
        let more = format!("[params]\n{}\n[capabilities]\n{}\n", params.join("\n"), bulk.grants);
        project.component(id, parent, crate::support::bulk(), &more);
        project.ok(&["upgrade", "head"]);
    }
    assert_eq!(database.rows("SELECT * FROM app.t ORDER BY id"), ["2|b", "3|b", "4|b", "5|c", "6|c", "7|c"]);
}
