//! A whole table rewritten through a component; `rewrite` has the rest.

use super::{change, same_as};
use crate::support::Database;

const T: &str = "CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, n int DEFAULT 5); \
    CREATE INDEX ON t (name); \
    INSERT INTO t SELECT g, 'name ' || g, g FROM generate_series(1, 20000) g;";

const GRANTS: &str = "read = [\"public.*\"]\nwrite = [\"public.t\"]\ntruncate = [\"public.t\"]";

#[test]
fn a_rewrite_is_what_sql_makes_of_it() {
    let read = "SELECT id, upper(name) FROM public.t WHERE id > 100";
    let said = same_as(
        T,
        &change("rewrite", &["id", "name"], read).granting(GRANTS),
        "DELETE FROM e WHERE id <= 100; UPDATE e SET name = upper(name), n = 5",
    );
    assert!(said.contains("written 19900 inserted 19900 updated 0 deleted 20000"), "{said}");
    let none = change("rewrite", &[], "SELECT * FROM public.t WHERE false").granting(GRANTS);
    assert!(same_as(T, &none, "DELETE FROM e").contains("written 0 inserted 0 updated 0 deleted 20000"));
}

#[test]
fn a_table_that_is_being_read_is_not_locked_too_late() {
    let database = Database::new();
    database.rows(T);
    let rewrite = change("rewrite", &["id", "name"], "SELECT id, name FROM public.t").granting(GRANTS);
    let expected = "public.t is being read already";
    rewrite.clone().with("course", "reader-first").fails(&database, expected);
    let grants = "read = [\"public.*\"]\nwrite = [\"public.t\"]\nlock = [\"public.t\"]";
    let update = change("update", &["name"], "SELECT id, name FROM public.t").granting(grants);
    let update = update.with("options", "lock-out-writers").with("course", "reader-first");
    update.fails(&database, expected);
    // Another table may be read before.
    database.rows("CREATE TABLE other AS SELECT 1 AS id, 'new' AS name");
    update.with("read", "SELECT id, name FROM public.other").fails(&database, "was not finished");
}

#[test]
fn the_table_is_found_by_its_very_name() {
    let database = Database::new();
    let names = ["a  b", "a b", "R & D", "x = y", "tab\tin"];
    for name in names {
        database.rows(&format!(
            "CREATE TABLE public.\"{name}\" (id int); INSERT INTO public.\"{name}\" VALUES (0)"
        ));
    }
    for (at, name) in (1..).zip(names) {
        let read = format!("SELECT {at}");
        let bulk = change("rewrite", &["id"], &read).with("table", format!("public.\"{name}\""));
        let grants = "read = [\"public.*\"]\nwrite = [\"public.*\"]\ntruncate = [\"public.*\"]";
        bulk.granting(grants).ok(&database);
    }
    for (at, name) in (1..).zip(names) {
        assert_eq!(database.value(&format!("SELECT id FROM public.\"{name}\"")), at.to_string(), "{name}");
    }
}

#[test]
fn what_it_needs_is_named_and_suggested() {
    let database = Database::new();
    database.rows(T);
    let bulk = change("rewrite", &["id", "name"], "SELECT id, name FROM public.t");
    bulk.fails(&database, "the manifest does not grant `truncate` on `public.t`");
    let table = bulk.granting("").project(&database).ok(&["suggest", "b"]);
    let all = "[capabilities]\nread = [\"public.t\"]\nwrite = [\"public.t\"]\ntruncate = [\"public.t\"]\n";
    assert_eq!(table, all);
}

#[test]
fn what_fails_leaves_the_table_as_it_was() {
    let database = Database::new();
    database.rows(T);
    let null = "SELECT id, NULLIF(name, 'name 700') FROM public.t";
    let null = change("rewrite", &["id", "name"], null).granting(GRANTS);
    null.fails(&database, "null value in column \"name\" of relation \"t\" violates not-null constraint");
    let twice = "SELECT id, name FROM public.t UNION ALL SELECT 700, 'again'";
    let twice = change("rewrite", &["id", "name"], twice).granting(GRANTS);
    twice.fails(&database, "(id)=(700) is duplicated");
    database.rows("CREATE TABLE child (id int REFERENCES t)");
    twice.fails(&database, "a foreign key does not hold while they are gone");
}
