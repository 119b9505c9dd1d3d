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
