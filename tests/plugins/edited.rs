//! Downgrades of plugins after people went on working: what was edited since stays, and
//! nothing is lost.

use crate::support::{Database, Project, plugin};

/// A project with one revision, applied, that is an instance of a plugin.
fn upgraded(database: &Database, name: &str, before: &str, manifest: &str) -> Project {
    database.rows(before);
    let project = Project::new(database);
    project.component("a", "", &plugin(name), manifest);
    project.ok(&["upgrade", "head"]);
    project
}

#[test]
fn texts_that_were_edited_since_their_repair_stay() {
    let database = Database::new();
    let project = upgraded(
        &database,
        "repair-text",
        "CREATE TABLE public.notes (id int PRIMARY KEY, title text, body text, changed int DEFAULT 0);
         INSERT INTO public.notes VALUES (1, 'cafÃ©', 'thÃ©'), (2, 'cafÃ©', 'thÃ©'), (3, 'cafÃ©', NULL);
         CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.changed = OLD.changed THEN NEW.changed := OLD.changed + 1; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER touch BEFORE UPDATE ON public.notes FOR EACH ROW EXECUTE FUNCTION public.touch();",
        r#"
        [params]
        table = "public.notes"
        columns = ["title", "body"]
        touched = ["changed"]
        [capabilities]
        read = ["public.notes", "public.notes_before_repair"]
        write = ["public.notes"]
        lock = ["public.notes"]
        ddl = ["public.notes_before_repair"]
        drop = ["public.notes_before_repair"]
        "#,
    );
    let rows = "SELECT * FROM public.notes ORDER BY id";
    assert_eq!(database.rows(rows), ["1|café|thé|1", "2|café|thé|1", "3|café||1"]);
    database.rows("UPDATE public.notes SET body = 'tea' WHERE id = 2; DELETE FROM public.notes WHERE id = 3");
    project.ok(&["downgrade", "-1"]);
    // The row that was edited keeps that it was.
    assert_eq!(database.rows(rows), ["1|cafÃ©|thÃ©|0", "2|cafÃ©|tea|3"]);
    assert!(!database.has("public.notes_before_repair"));
}

const PRODUCTS: &str = r#"CREATE TABLE public.products (id int PRIMARY KEY, data jsonb);
    INSERT INTO public.products VALUES (1, '{"price": 1.50, "rest": 1}'), (2, '{"price": 2.50}'), (3, '[1]'),
        (4, '{"price": "x"}');"#;

const MOVE_PRICES: &str = r#"
    [params]
    table = "public.products"
    column = "data"
    fields = { price = { type = "numeric" } }
    [capabilities]
    read = ["public.products", "public.products_moved_fields"]
    write = ["public.products"]
    lock = ["public.products"]
    ddl = ["public.products", "public.products_moved_fields", "public.products_json_rejects"]
    drop = ["public.products", "public.products_moved_fields", "public.products_json_rejects"]
    "#;

#[test]
fn columns_that_were_edited_since_go_back_into_their_documents() {
    let database = Database::new();
    let project = upgraded(&database, "json-to-columns", PRODUCTS, MOVE_PRICES);
    database.rows(
        r#"UPDATE public.products SET price = 9 WHERE id = 1;
        UPDATE public.products SET price = NULL, data = '{"new": true}' WHERE id = 2;
        UPDATE public.products SET price = 4 WHERE id = 4;
        INSERT INTO public.products VALUES (5, '{"rest": 5}', 5), (6, NULL, 6), (7, NULL, NULL);"#,
    );
    project.ok(&["downgrade", "-1"]);
    assert_eq!(
        database.rows("SELECT * FROM public.products ORDER BY id"),
        [
            r#"1|{"rest": 1, "price": 9}"#,
            r#"2|{"new": true}"#,
            "3|[1]",
            r#"4|{"price": 4}"#,
            r#"5|{"rest": 5, "price": 5}"#,
            r#"6|{"price": 6}"#,
            "7|",
        ]
    );
    assert!(!database.has("public.products_moved_fields") && !database.has("public.products_json_rejects"));
}

#[test]
fn a_value_without_a_document_to_go_back_to_stops_the_downgrade() {
    let database = Database::new();
    let project = upgraded(&database, "json-to-columns", PRODUCTS, MOVE_PRICES);
    database.rows("UPDATE public.products SET price = 3 WHERE id = 3");
    let finished = project.run(&["downgrade", "-1"]);
    assert_ne!(finished.code, 0);
    let expected = "1 rows of public.products have fields to put back, and a document that is no object";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    assert_eq!(database.value("SELECT count(price) FROM public.products"), "3");
}

#[test]
fn a_document_that_is_no_object_any_more_stays_as_it_is() {
    let database = Database::new();
    let before = r#"CREATE TABLE public.products (id int PRIMARY KEY, data jsonb);
        INSERT INTO public.products VALUES (1, '{"price": 1.50}'), (2, '{"price": null}');"#;
    let project = upgraded(&database, "json-to-columns", before, MOVE_PRICES);
    database.rows("UPDATE public.products SET data = '[]', price = NULL");
    // The second row's field was `null`, which would go back into the list.
    let finished = project.run(&["downgrade", "-1"]);
    assert_ne!(finished.code, 0);
    let expected = "1 rows of public.products have fields to put back, and a document that is no object";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    database.rows("UPDATE public.products SET data = '{}' WHERE id = 2");
    project.ok(&["downgrade", "-1"]);
    let rows = database.rows("SELECT * FROM public.products ORDER BY id");
    assert_eq!(rows, ["1|[]", r#"2|{"price": null}"#]);
}
