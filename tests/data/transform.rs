//! The SDK's transform, from a struct to a committed table: with the guest
//! `tests/guests/change`.

use crate::support::{Database, Finished, Project, change_guest};

const USERS: &str = "CREATE TABLE public.users (
        id bigint PRIMARY KEY, full_name text NOT NULL, first_name text, last_name text, email text, note text);
    CREATE INDEX users_email ON public.users (email);
    INSERT INTO public.users (id, full_name, email, note)
        SELECT g, CASE WHEN g % 7 = 0 THEN 'Madonna' ELSE 'First' || g || ' Last ' || g END,
            'User' || g || '@Example.ORG', nullif('note ' || g % 3, 'note 0')
        FROM generate_series(1, 3000) g;";

/// The change as SQL makes it.
const IN_SQL: &str = "UPDATE public.expected SET first_name = split_part(full_name, ' ', 1),
    last_name = nullif(substr(full_name, length(split_part(full_name, ' ', 1)) + 2), ''), email = lower(email)";

const READINGS: &str = "CREATE TABLE public.readings (id int PRIMARY KEY, value int NOT NULL);
    INSERT INTO public.readings SELECT g, CASE g WHEN 700001 THEN 2147483647 ELSE g % 1000 END
        FROM generate_series(1, 1000000) g;";

fn run(database: &Database, way: &str, table: &str) -> Finished {
    let project = Project::new(database);
    let grants = ["read", "write", "lock", "truncate"].map(|name| format!("{name} = [\"public.{table}\"]\n"));
    let more = format!("\n[params]\nway = \"{way}\"\n\n[capabilities]\n{}", grants.concat());
    project.component("change", "", change_guest(), &more);
    project.run(&["upgrade", "head"])
}

#[test]
fn every_way_leaves_what_sql_leaves() {
    for way in ["typed", "tuples", "rewrite"] {
        let database = Database::new();
        database.rows(USERS);
        database.rows("CREATE TABLE public.expected AS SELECT * FROM public.users");
        database.rows(IN_SQL);
        let finished = run(&database, way, "users");
        assert_eq!(finished.code, 0, "{way}: {}", finished.stderr);
        let differing = "SELECT count(*) FROM (TABLE public.users EXCEPT TABLE public.expected) AS d";
        assert_eq!(database.value(differing), "0", "{way}");
        assert_eq!(database.value("SELECT count(*) FROM public.users"), "3000", "{way}");
    }
}

#[test]
fn an_empty_table_is_no_error() {
    for way in ["typed", "rewrite"] {
        let database = Database::new();
        database.rows(USERS);
        database.rows("DELETE FROM public.users");
        let finished = run(&database, way, "users");
        assert_eq!(finished.code, 0, "{way}: {}", finished.stderr);
    }
}

#[test]
fn an_error_in_a_row_among_a_million_names_it_and_leaves_nothing() {
    let database = Database::new();
    database.rows(READINGS);
    let finished = run(&database, "readings", "readings");
    assert_eq!(finished.code, 5, "{}", finished.stderr);
    let expected = "row 700001 of public.readings (id = 700001), column value: the counter is at its end";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    assert!(finished.stderr.contains("This step was rolled back."), "{}", finished.stderr);
    assert_eq!(database.value("SELECT value FROM public.readings WHERE id = 1"), "1");
    // The row is mended, and the same revision goes through.
    database.rows("UPDATE public.readings SET value = 0 WHERE id = 700001");
    let finished = run(&database, "readings", "readings");
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let sums = "SELECT sum(value) FROM public.readings";
    assert_eq!(database.value(sums), (499_500_000_i64 - 1 + 1_000_000).to_string());
}
