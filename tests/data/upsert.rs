use super::{change, same_as};
use crate::support::Database;

const T: &str = "CREATE TABLE t (id int PRIMARY KEY, name text, n int DEFAULT 5); \
    INSERT INTO t SELECT g, 'name ' || g, g FROM generate_series(1, 10) g;";

const READ: &str = "SELECT g, 'new ' || g FROM generate_series(6, 15) g";

#[test]
fn an_upsert_is_what_sql_makes_of_it() {
    let insert =
        "INSERT INTO e (id, name) SELECT g, 'new ' || g FROM generate_series(6, 15) g ON CONFLICT (id)";
    let said = same_as(
        T,
        &change("upsert", &["name"], READ),
        &format!("{insert} DO UPDATE SET name = EXCLUDED.name"),
    );
    assert!(said.contains("written 10 inserted 5 updated 5 deleted 0 unchanged 0 missing 0"), "{said}");
    let keep = change("upsert", &["name"], READ).with("options", "keep-existing");
    let said = same_as(T, &keep, &format!("{insert} DO NOTHING"));
    assert!(said.contains("written 10 inserted 5 updated 0 deleted 0 unchanged 5 missing 0"), "{said}");
    let same = "SELECT id, CASE WHEN id < 4 THEN name ELSE 'x' END FROM public.t UNION ALL SELECT 11, 'y'";
    let skip = change("upsert", &["name"], same).with("options", "skip-unchanged");
    let said = same_as(T, &skip, "UPDATE e SET name = 'x' WHERE id > 3; INSERT INTO e VALUES (11, 'y')");
    assert!(said.contains("written 11 inserted 1 updated 7 deleted 0 unchanged 3 missing 0"), "{said}");
    let keys =
        change("upsert", &[], "SELECT g FROM generate_series(9, 12) g").with("options", "keep-existing");
    same_as(T, &keys, "INSERT INTO e (id) VALUES (11), (12)");
}

#[test]
fn rows_go_to_their_partitions() {
    let database = Database::new();
    database.rows(
        "CREATE TABLE t (id int PRIMARY KEY, name text) PARTITION BY RANGE (id); \
         CREATE TABLE t1 (name text, id int NOT NULL); ALTER TABLE t ATTACH PARTITION t1 FOR VALUES FROM (0) TO (8); \
         CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (8) TO (100); \
         INSERT INTO t SELECT g, 'name ' || g FROM generate_series(1, 10) g",
    );
    let said = change("upsert", &["name"], READ).ok(&database);
    assert!(said.contains("written 10 inserted 5 updated 5"), "{said}");
    assert_eq!(
        database.value("SELECT count(*) || ' ' || count(*) FILTER (WHERE name LIKE 'new%') FROM t"),
        "15 10"
    );
}

#[test]
fn a_key_twice_is_named_whatever_becomes_of_rows_that_are_there() {
    let twice = "SELECT v.id, v.name FROM (VALUES (5, 'a'), (20, 'b'), (5, 'c')) AS v (id, name)";
    for options in ["", "keep-existing", "skip-unchanged"] {
        let database = Database::new();
        database.rows(T);
        let bulk = change("upsert", &["name"], twice).with("options", options);
        bulk.fails(&database, "two rows that were written for public.t have the key (id) = (5)");
    }
}

#[test]
fn an_identity_that_is_always_generated_can_be_the_key() {
    let setup = "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); \
        INSERT INTO t (name) VALUES ('a'), ('b');";
    let read = "SELECT v.id, v.name FROM (VALUES (2, 'x'), (9, 'y')) AS v (id, name)";
    let sql = "UPDATE e SET name = 'x' WHERE id = 2; INSERT INTO e OVERRIDING SYSTEM VALUE VALUES (9, 'y')";
    same_as(setup, &change("upsert", &["name"], read), sql);
}

#[test]
fn a_key_that_can_be_deferred_is_refused() {
    let database = Database::new();
    database.rows("CREATE TABLE t (id int UNIQUE DEFERRABLE, name text); INSERT INTO t VALUES (1, 'a')");
    let bulk = change("upsert", &["name"], "SELECT id, 'x' FROM public.t").with("key", "id");
    bulk.fails(&database, "belongs to a constraint that can be deferred");
    bulk.with("open", "update").ok(&database);
    assert_eq!(database.value("SELECT name FROM t"), "x");
}
