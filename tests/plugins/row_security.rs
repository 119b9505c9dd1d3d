//! Tables of which row-level security hides rows from the migration: plugins leave them
//! alone, instead of changing those rows only that they see.

use crate::support::{Database, Project, plugin};

const CATALOGS: &str = "\"information_schema.columns\", \"pg_catalog.*\"";

/// Two tables of which the owner, who is no superuser, sees one row each.
const GUARDED: &str = "\
CREATE TABLE public.orders (id int PRIMARY KEY, status text, data jsonb);
CREATE TABLE public.items (id int PRIMARY KEY, order_id int REFERENCES public.orders);
INSERT INTO public.orders VALUES (1, 'cafÃ©', '{\"a\": 1}'), (2, 'thÃ©', '{\"a\": 2}');
INSERT INTO public.items VALUES (1, 1), (2, 2);
CREATE POLICY one ON public.orders USING (id = 1);
CREATE POLICY one ON public.items USING (id = 1);";

/// The parameters of each plugin that changes values of `orders`.
const PLUGINS: [(&str, &str); 9] = [
    (
        "encrypt-column",
        "column = \"status\"\nkey_id = \"k\"\nkey = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"",
    ),
    ("extract-lookup", "column = \"status\"\nlookup = \"public.states\""),
    ("hash-column", "key = \"0123456789abcdef\"\ncolumns = { status = { format = \"hex\" } }"),
    ("json-to-columns", "column = \"data\"\nfields = { a = { type = \"integer\" } }"),
    ("merge-columns", "template = \"{status}\"\ninto = \"whole\""),
    ("normalize-text", "columns = { status = [\"lower\"] }"),
    ("repair-text", "columns = [\"status\"]"),
    ("split-column", "column = \"status\"\npattern = '(?<first>\\S+)'"),
    (
        "uuid-keys",
        "referencing = [\"public.items\"]\nmapping = \"public.order_keys\"\nindexes = [\"public.orders_pkey\"]",
    ),
];

/// A database with the tables, of which those in `guarded` force row-level security.
fn guarded(guarded: &[&str]) -> Database {
    let database = Database::new();
    database.rows(GUARDED);
    for table in guarded {
        database.rows(&format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"));
    }
    database
}

fn project(database: &Database, name: &str, params: &str) -> Project {
    let project = Project::new(database);
    let all = "[\"public.*\"]";
    let manifest = format!(
        "\n[params]\ntable = \"public.orders\"\n{params}\n\n[capabilities]\n\
         read = [\"public.*\", {CATALOGS}]\nwrite = {all}\nlock = {all}\nddl = {all}\ndrop = {all}\n\
         secrets = [\"key\"]\nrandom = true\n"
    );
    project.component("a", "", &plugin(name), &manifest);
    project
}

#[track_caller]
fn refused(database: &Database, name: &str, params: &str, table: &str) {
    let project = project(database, name, params);
    let run = project.run(&["upgrade", "head"]);
    assert_ne!(run.code, 0, "{name}: {}", run.stderr);
    let expected = format!("row-level security applies to the migration's user on {table}");
    assert!(run.stderr.contains(&expected), "{name}: {}", run.stderr);
    assert!(run.stderr.contains("or as a role with BYPASSRLS"), "{name}: {}", run.stderr);
}

#[test]
fn every_plugin_refuses_a_table_with_hidden_rows() {
    let database = guarded(&["public.orders"]);
    for (name, params) in PLUGINS {
        refused(&database, name, params, "public.orders");
    }
    let rows = "SET row_security = off; ALTER TABLE public.orders NO FORCE ROW LEVEL SECURITY; \
                SELECT status FROM public.orders ORDER BY id";
    assert_eq!(database.rows(rows), ["cafÃ©", "thÃ©"]);
}

#[test]
fn a_referencing_table_with_hidden_rows_is_refused_too() {
    let database = guarded(&["public.items"]);
    let (name, params) = PLUGINS[8];
    refused(&database, name, params, "public.items");
}

#[test]
fn the_owner_of_a_table_sees_all_of_its_rows() {
    let database = guarded(&[]);
    database.rows("ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY");
    let (name, params) = PLUGINS[6];
    project(&database, name, params).ok(&["upgrade", "head"]);
    assert_eq!(database.rows("SELECT status FROM public.orders ORDER BY id"), ["café", "thé"]);
}
