use super::{Bulk, change, contents, same_as, while_waiting};
use crate::support::Database;
use crate::types::{OWN_TYPES, TYPES};

const T: &str = "CREATE TABLE t (id int PRIMARY KEY, name text, n numeric); \
    INSERT INTO t SELECT g, 'name ' || g, g FROM generate_series(1, 20) g;";

#[test]
fn an_update_is_what_sql_makes_of_it() {
    let said = same_as(
        T,
        &change("update", &["name", "n"], "SELECT id, upper(name), n * 2 FROM public.t WHERE id <= 15"),
        "UPDATE e SET name = upper(name), n = n * 2 WHERE id <= 15",
    );
    assert!(said.contains("written 15 inserted 0 updated 15 deleted 0 unchanged 0 missing 0"), "{said}");
    assert!(said.contains("columns id:int4 name:text n:numeric"), "{said}");
}

#[test]
fn nothing_and_one_row() {
    let none = change("update", &["name"], "SELECT id, name FROM public.t WHERE id < 0");
    assert!(same_as(T, &none, "SELECT 1").contains("written 0 inserted 0 updated 0"));
    let one = change("update", &["name"], "SELECT id, NULL::text FROM public.t WHERE id = 7");
    assert!(
        same_as(T, &one, "UPDATE e SET name = NULL WHERE id = 7").contains("written 1 inserted 0 updated 1")
    );
}

/// A table with a column of every type, and one whose values the server takes as
/// text only.
fn every_type(database: &Database) {
    database.rows(OWN_TYPES);
    let columns: Vec<_> = TYPES.iter().enumerate().map(|(at, (name, _))| format!("c{at} {name}")).collect();
    for table in ["source", "t"] {
        database.rows(&format!(
            "CREATE TABLE {table} (id int PRIMARY KEY, {}, access aclitem, accesses aclitem[])",
            columns.join(", ")
        ));
    }
    let most = TYPES.iter().map(|(_, texts)| texts.len()).max().unwrap_or(0);
    for row in 0..=most {
        let value = |(_, texts): &(&str, &[&str])| {
            texts.get(row).map_or("NULL".into(), |text| runner::db::quote_literal(text))
        };
        let values: Vec<_> = TYPES.iter().map(value).collect();
        let access = "'postgres=r/postgres', '{postgres=r/postgres}'";
        database.rows(&format!("INSERT INTO source VALUES ({row}, {}, {access})", values.join(", ")));
        database.rows(&format!("INSERT INTO t (id) VALUES ({row})"));
    }
}

fn of_every_type(open: &str) -> Bulk {
    let names: Vec<String> = (0..TYPES.len()).map(|at| format!("c{at}")).collect();
    let mut columns: Vec<&str> = names.iter().map(String::as_str).collect();
    columns.extend(["access", "accesses"]);
    let read = format!("SELECT id, {}, access::text, accesses::text FROM public.source", names.join(", "));
    change(open, &columns, &read)
}

#[test]
fn every_type_is_updated_to_the_same_value() {
    for view in ["bytes", "rows"] {
        let database = Database::new();
        every_type(&database);
        let bulk = of_every_type("update").with("view", view);
        let said = bulk.ok(&database);
        assert!(said.contains("access:text accesses:text"), "{said}");
        assert_eq!(contents(&database, "t"), contents(&database, "source"), "{view}");
        // The same values once more, of types without an equality too.
        let again = bulk.with("options", "skip-unchanged");
        let said = again.ok(&database);
        assert!(said.contains("updated 0 deleted 0 unchanged 10 missing 0"), "{said}");
    }
}

#[test]
fn every_type_is_inserted_as_the_same_value() {
    let database = Database::new();
    every_type(&database);
    database.rows("DELETE FROM t WHERE id > 3");
    let said = of_every_type("upsert").ok(&database);
    assert!(said.contains("inserted 6 updated 4"), "{said}");
    assert_eq!(contents(&database, "t"), contents(&database, "source"));
}

#[test]
fn equal_values_that_are_not_the_same_are_a_change() {
    let setup = "CREATE TABLE t (id int PRIMARY KEY, n numeric, x text); \
        INSERT INTO t VALUES (1, 1.0, 'a'), (2, 2, 'b'), (3, NULL, NULL), (4, 4, NULL);";
    let read = "SELECT v.id, v.n, v.x FROM (VALUES (1, 1.00, 'a'), (2, 2, 'b'), (3, NULL, NULL), (4, 4, 'd')) \
        AS v (id, n, x)";
    let said = same_as(
        setup,
        &change("update", &["n", "x"], read).with("options", "skip-unchanged"),
        "UPDATE e SET n = 1.00 WHERE id = 1; UPDATE e SET x = 'd' WHERE id = 4",
    );
    assert!(said.contains("updated 2 deleted 0 unchanged 2 missing 0"), "{said}");
}

#[test]
fn composite_and_text_keys_in_any_order() {
    let setup = "CREATE TABLE t (a int, b text COLLATE \"C\", c date, v int, PRIMARY KEY (b, a), UNIQUE (c, b)); \
        INSERT INTO t SELECT g % 3, 'k' || g, '2020-01-01'::date + g, g FROM generate_series(1, 30) g;";
    let sql = "UPDATE e SET v = v + 1";
    same_as(setup, &change("update", &["v"], "SELECT b, a, v + 1 FROM public.t"), sql);
    let named = change("update", &["v"], "SELECT a, b, v + 1 FROM public.t").with("key", "a\nb");
    same_as(setup, &named, sql);
    let other = change("update", &["v"], "SELECT b, c, v + 1 FROM public.t").with("key", "b\nc");
    same_as(setup, &other, sql);
}

#[test]
fn names_that_need_quotes() {
    let database = Database::new();
    database.rows(
        "CREATE SCHEMA \"My \"\"S\"; CREATE TABLE \"My \"\"S\".\"T; DROP\" (\"Id\" int PRIMARY KEY, \"a \"\"b\" text, \"select\" int); \
         INSERT INTO \"My \"\"S\".\"T; DROP\" VALUES (1, 'x', 1), (2, 'y', 2)",
    );
    let table = "\"My \"\"S\".\"T; DROP\"";
    let bulk = change("update", &["a \"b", "select"], &format!("SELECT \"Id\", 'z', 7 FROM {table}"))
        .with("table", table)
        .granting("read = ['\"My \"\"S\".*']\nwrite = ['\"My \"\"S\".*']");
    bulk.ok(&database);
    assert_eq!(database.rows(&format!("SELECT * FROM {table} ORDER BY 1")), ["1|z|7", "2|z|7"]);
}

#[test]
fn partitions_generated_columns_domains_and_enums() {
    let database = Database::new();
    database.rows(
        "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN small AS int CHECK (VALUE < 100); \
         CREATE TABLE t (id int, part int, m mood, s small, d int GENERATED ALWAYS AS (part * 2) STORED, \
            PRIMARY KEY (id, part)) PARTITION BY LIST (part); \
         CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2); \
         INSERT INTO t (id, part, m, s) SELECT g, g % 2 + 1, 'sad', g FROM generate_series(1, 20) g",
    );
    let read = "SELECT id, part, 'glad'::public.mood, s + 1 FROM public.t";
    let said = change("update", &["m", "s"], read).ok(&database);
    assert!(said.contains("updated 20"), "{said}");
    let expected =
        database.rows("SELECT g, g % 2 + 1, 'glad', g + 1, (g % 2 + 1) * 2 FROM generate_series(1, 20) g");
    assert_eq!(database.rows("SELECT * FROM t ORDER BY id"), expected);
    let wrong = change("update", &["s"], "SELECT id, part, 100 + id FROM public.t WHERE id = 3");
    let wrong = wrong.fails(&database, "violates check constraint");
    assert!(wrong.contains("row 1 that was written for public.t"), "{wrong}");
}

#[test]
fn triggers_fire_and_what_they_keep_is_not_missing() {
    let setup = format!(
        "{T} CREATE TABLE log (id int); \
         CREATE FUNCTION b() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            IF NEW.id = 3 THEN RETURN NULL; END IF; NEW.name := NEW.name || '!'; RETURN NEW; END $$; \
         CREATE FUNCTION a() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            INSERT INTO public.log VALUES (NEW.id); RETURN NULL; END $$; \
         CREATE TRIGGER b BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION b(); \
         CREATE TRIGGER a AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION a();"
    );
    let database = Database::new();
    database.rows(&setup);
    let bulk = change("update", &["name"], "SELECT id, 'x' FROM public.t WHERE id < 6")
        .granting("read = [\"public.*\"]\nwrite = [\"public.t\", \"public.log\"]");
    let said = bulk.ok(&database);
    assert!(said.contains("written 5 inserted 0 updated 4 deleted 0 unchanged 1 missing 0"), "{said}");
    let names = database.rows("SELECT name FROM t WHERE id < 6 ORDER BY id");
    assert_eq!(names, ["x!", "x!", "name 3", "x!", "x!"]);
    assert_eq!(database.value("SELECT count(*) FROM log"), "4");
}

#[test]
fn a_value_of_fifty_megabytes() {
    let database = Database::new();
    database.rows(T);
    let read = "SELECT id, repeat('wide', 13107200) FROM public.t WHERE id = 2";
    // The guest holds it several times.
    change("update", &["name"], read).configured("[limits]\nmemory_bytes = 1073741824\n").ok(&database);
    assert_eq!(database.value("SELECT length(name) FROM t WHERE id = 2"), "52428800");
}

#[test]
fn a_key_twice_and_a_key_that_is_not_there() {
    let database = Database::new();
    database.rows(T);
    let twice = "SELECT v.id, v.name FROM (VALUES (5, 'a'), (6, 'b'), (5, 'c')) AS v (id, name)";
    let twice = change("update", &["name"], twice);
    twice.fails(&database, "two rows that were written for public.t have the key (id) = (5)");
    twice.with("options", "allow-missing").fails(&database, "have the key (id) = (5)");
    let gone = "SELECT v.id, v.name FROM (VALUES (70, 'a'), (6, 'b'), (71, 'c')) AS v (id, name)";
    let gone = change("update", &["name"], gone);
    gone.fails(&database, "the key (id) = (70), as well as (71) (2 keys in all) are not in public.t");
    let said = gone.with("options", "allow-missing").ok(&database);
    assert!(said.contains("written 3 inserted 0 updated 1 deleted 0 unchanged 0 missing 2"), "{said}");
}

#[test]
fn a_value_that_does_not_fit_is_named_with_its_row() {
    let database = Database::new();
    database.rows("CREATE TABLE t (id int PRIMARY KEY, name varchar(3), k int UNIQUE); INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
    let long = change("update", &["name"], "SELECT id, repeat('x', id * 3) FROM public.t ORDER BY id");
    long.fails(&database, "(row 2 that was written for public.t, column name)");
    let null = change("update", &["name"], "SELECT k, name FROM public.t UNION ALL SELECT NULL, 'x'")
        .with("key", "k");
    null.fails(&database, "row 3 that was written for public.t has a NULL in column k of its key");
    // The final statement names the table's own constraint.
    let unique = change("update", &["k"], "SELECT id, 7 FROM public.t");
    unique.fails(&database, "duplicate key value violates unique constraint \"t_k_key\"");
}

#[test]
fn an_error_that_is_swallowed_is_not_committed() {
    let database = Database::new();
    database.rows(T);
    let gone = change("update", &["name"], "SELECT id + 10, 'x' FROM public.t").with("course", "swallow");
    gone.fails(&database, "the migration went on after a statement had failed, and reported success");
}

#[test]
fn a_key_that_vanishes_while_the_rows_wait() {
    let database = Database::new();
    database.rows(T);
    let bulk = change("update", &["name"], "SELECT id, 'new' FROM public.t");
    let ended = while_waiting(&database, &bulk, "DELETE FROM t WHERE id = 4");
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("the key (id) = (4) is not in public.t"), "{}", ended.stderr);
    assert_eq!(database.value("SELECT count(*) FROM t WHERE name = 'new'"), "0");
}

#[test]
fn a_concurrent_change_is_overwritten_and_others_stay() {
    let database = Database::new();
    database.rows(T);
    let bulk = change("update", &["name"], "SELECT id, 'new' FROM public.t");
    let ended = while_waiting(&database, &bulk, "UPDATE t SET name = 'other', n = 77 WHERE id = 4");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(database.rows("SELECT * FROM t WHERE id = 4"), ["4|new|77"]);
}

#[test]
fn writers_are_locked_out_on_request() {
    let database = Database::new();
    database.rows(T);
    let bulk =
        change("update", &["name"], "SELECT id, 'new' FROM public.t").with("options", "lock-out-writers");
    bulk.fails(&database, "does not grant `lock` on `public.t`");
    let bulk = bulk.granting("read = [\"public.*\"]\nwrite = [\"public.t\"]\nlock = [\"public.t\"]");
    let refused = "DO $$ BEGIN SET LOCAL lock_timeout = '100ms'; UPDATE t SET n = 0; \
        EXCEPTION WHEN lock_not_available THEN NULL; END $$";
    let ended = while_waiting(&database, &bulk, refused);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(database.value("SELECT count(*) FROM t WHERE name = 'new' AND n > 0"), "20");
}

#[test]
fn more_than_may_wait_is_applied_in_parts() {
    let setup = "CREATE TABLE t (id int PRIMARY KEY, name text); \
        INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 60000) g;";
    let config = "[data]\nstage_bytes = 2000000\n";
    let read = "SELECT id, name || 'y' FROM public.t";
    let bulk = change("update", &["name"], read).configured(config);
    let said = same_as(setup, &bulk, "UPDATE e SET name = name || 'y'");
    assert!(said.contains("written 60000 inserted 0 updated 60000"), "{said}");
    // The same key in the first part and in the last.
    let database = Database::new();
    database.rows(setup);
    let twice = "SELECT id, name FROM public.t UNION ALL SELECT 17, 'again'";
    let twice = change("update", &["name"], twice).configured(config);
    twice.fails(&database, "two rows that were written for public.t have the key (id) = (17)");
}

#[test]
fn keys_are_compared_as_their_index_does() {
    let database = Database::new();
    database.rows(
        "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
         CREATE TABLE t (name text COLLATE ci, n int); CREATE UNIQUE INDEX by_bytes ON t (name COLLATE \"C\"); \
         INSERT INTO t VALUES ('A', 1), ('a', 2)",
    );
    let bulk = change("update", &["n"], "SELECT 'A', 3").with("key", "name");
    bulk.fails(&database, "(name) is not a key of");
}
