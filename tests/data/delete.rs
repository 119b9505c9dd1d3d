use super::{change, same_as, while_waiting};
use crate::support::Database;

const T: &str = "CREATE TABLE t (id int PRIMARY KEY, name text); \
    INSERT INTO t SELECT g, 'name ' || g FROM generate_series(1, 10) g;";

#[test]
fn a_delete_is_what_sql_makes_of_it() {
    let bulk = change("delete", &[], "SELECT id FROM public.t WHERE id % 2 = 0");
    let said = same_as(T, &bulk, "DELETE FROM e WHERE id % 2 = 0");
    assert!(said.contains("written 5 inserted 0 updated 0 deleted 5 unchanged 0 missing 0"), "{said}");
}

#[test]
fn keys_that_are_missing_or_there_twice() {
    let database = Database::new();
    database.rows(T);
    let gone = change("delete", &[], "SELECT g FROM generate_series(8, 14) g");
    gone.fails(&database, "the key (id) = (11), as well as (12), (13) (4 keys in all) are not in public.t");
    change("delete", &[], "SELECT 3 UNION ALL SELECT 3").fails(&database, "have the key (id) = (3)");
    let said = gone.with("options", "allow-missing").ok(&database);
    assert!(said.contains("written 7 inserted 0 updated 0 deleted 3 unchanged 0 missing 4"), "{said}");
    assert_eq!(database.value("SELECT count(*) FROM t"), "7");
}

#[test]
fn what_a_trigger_keeps_is_not_missing() {
    let database = Database::new();
    database.rows(&format!(
        "{T} CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            IF OLD.id = 3 THEN RETURN NULL; END IF; RETURN OLD; END $$; \
         CREATE TRIGGER keep BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION keep();"
    ));
    let said = change("delete", &[], "SELECT id FROM public.t").ok(&database);
    assert!(said.contains("written 10 inserted 0 updated 0 deleted 9 unchanged 1 missing 0"), "{said}");
}

#[test]
fn a_key_that_vanishes_while_the_keys_wait() {
    let database = Database::new();
    database.rows(T);
    let bulk = change("delete", &[], "SELECT id FROM public.t");
    let ended = while_waiting(&database, &bulk, "DELETE FROM t WHERE id = 4");
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("the key (id) = (4) is not in public.t"), "{}", ended.stderr);
    assert_eq!(database.value("SELECT count(*) FROM t"), "9");
}
