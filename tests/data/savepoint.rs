use super::{change, contents, same_as};
use crate::support::Database;

const T: &str = "CREATE TABLE t (id int PRIMARY KEY, name text); \
    INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 40000) g;";

#[test]
fn what_was_written_after_a_savepoint_goes_with_it() {
    // With parts that are applied before the savepoint and after it.
    for config in ["", "[data]\nstage_bytes = 1500000\n"] {
        let bulk =
            change("update", &["name"], "SELECT id, 'kept' FROM public.t WHERE id <= 20000 ORDER BY id")
                .with("course", "undo-some")
                .with("undone", "SELECT id, repeat('undone', 20) FROM public.t WHERE id > 20000 ORDER BY id")
                .configured(config);
        let said = same_as(T, &bulk, "UPDATE e SET name = 'kept' WHERE id <= 20000");
        assert!(said.contains("written 20000 inserted 0 updated 20000"), "{said}");
    }
}

#[test]
fn rows_that_wait_again_and_that_nobody_can_finish_stop_the_step() {
    let database = Database::new();
    database.rows(T);
    let bulk = change("update", &["name"], "SELECT id, 'x' FROM public.t").with("course", "undo-finish");
    bulk.fails(&database, "was not finished: its rows would have been lost");
}

#[test]
fn a_writer_that_fails_after_a_savepoint_can_be_opened_again() {
    let bulk = change("update", &["name"], "SELECT id + 1, 'x' FROM public.t")
        .with("course", "fail-and-go-on")
        .with("instead", "SELECT id, 'y' FROM public.t");
    let said = same_as(T, &bulk, "UPDATE e SET name = 'y'");
    assert!(said.contains("failed Err("), "{said}");
}

#[test]
fn a_writer_is_finished_or_the_step_fails() {
    let database = Database::new();
    database.rows(T);
    let before = contents(&database, "t");
    for course in ["unfinished", "left-open"] {
        let bulk = change("update", &["name"], "SELECT id, 'x' FROM public.t").with("course", course);
        bulk.fails(&database, "a writer on \"public\".\"t\" was not finished: its rows would have been lost");
    }
    // Rows of it are on their way by then.
    let many = "SELECT g, repeat('x', 100) FROM generate_series(1, 60000) g";
    let bulk = change("update", &["name"], many).with("course", "unfinished");
    bulk.fails(&database, "was not finished");
    let bulk = change("update", &["name"], "SELECT id, 'x' FROM public.t").with("course", "stop");
    bulk.fails(&database, "it stops half-way");
    assert_eq!(contents(&database, "t"), before);
}

#[test]
fn several_writers_in_one_step() {
    let bulk = change("update", &["name"], "SELECT id, name || 'y' FROM public.t").with("course", "twice");
    same_as(T, &bulk, "UPDATE e SET name = name || 'yy'");
}
