#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_kit::ROW_SECURITY;
use plugin_sdk::mock::Mock;
use plugin_sdk::prelude::*;
use plugin_sdk::row;
use plugin_sdk::serde_json::{Value as Json, json};

use crate::HashColumn;
use crate::column::FOREIGN_KEYS;

const COLUMNS: [(&str, &str); 4] = [("id", "int8"), ("email", "text"), ("age", "int4"), ("token", "uuid")];

/// The plugin with these `columns`, and a table of two rows.
fn people(columns: Json) -> (Mock, Result<HashColumn>) {
    let mock = Mock::new();
    mock.table("\"public\".\"people\"", &COLUMNS).key("id").rows([
        row![1_i64, "ada@example.org", 36_i32, Uuid([7; 16])],
        row![2_i64, Value::Null, 36_i32, Value::Null],
    ]);
    mock.on_prefix(ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.on_query(FOREIGN_KEYS).returns(&[("name", "text")], []);
    for (place, (column, _)) in COLUMNS.into_iter().enumerate() {
        mock.on_filter(&format!("\"{column}\" is not null"), move |row| row.values()[place] != Value::Null);
    }
    let params = json!({ "table": "public.people", "key": "0123456789abcdef", "columns": columns });
    mock.set_params(&params.to_string());
    let plugin = HashColumn::load();
    (mock, plugin)
}

fn hashed(columns: Json) -> Vec<Vec<Value>> {
    let (mock, plugin) = people(columns);
    mock.upgrade(&plugin.unwrap()).unwrap();
    mock.written_values("\"public\".\"people\"")
}

fn error(columns: Json) -> String {
    let (mock, plugin) = people(columns);
    plugin.and_then(|plugin| mock.upgrade(&plugin)).unwrap_err().to_string()
}

#[test]
fn each_kind_of_column_gets_its_pseudonyms() {
    let rows = hashed(json!({
        "email": { "format": "email", "domain": "x.test" },
        "age": { "format": "integer", "min": 18, "max": 99 },
        "token": { "format": "uuid" },
    }));
    let Value::Text(email) = &rows[0][1] else { panic!("no text") };
    assert!(email.ends_with("@x.test") && email.len() == 27 && !email.contains("ada"), "{email}");
    assert_eq!(rows[0][2], rows[1][2], "the same value, the same pseudonym");
    assert_ne!(rows[0][3], row![Uuid([7; 16])][0]);
    assert_eq!(rows[1][1], Value::Null);
    assert_eq!(rows[1][3], Value::Null);
}

#[test]
fn it_says_that_it_cannot_be_taken_back() {
    let (mock, plugin) = people(json!({ "email": { "format": "hex" } }));
    assert!(mock.downgrade(&plugin.unwrap()).unwrap_err().is_irreversible());
}

#[test]
fn settings_that_do_not_fit_are_named() {
    assert_eq!(
        error(json!({ "age": { "format": "integer", "min": 3 } })),
        "the parameter `columns.age`: `integer` needs `min` and, above it, `max`"
    );
    assert_eq!(
        error(json!({ "email": { "format": "hex", "digits": 65 } })),
        "the parameter `columns.email`: `digits` is from 1 to 64"
    );
    assert_eq!(
        error(json!({ "email": { "format": "name", "names": ["Ada"] } })),
        "the parameter `columns.email`: `name` needs `names` to choose from"
    );
    assert_eq!(error(json!({})), "the parameter `columns` names no column");
}

#[test]
fn columns_that_do_not_fit_are_named_before_anything_changes() {
    assert_eq!(
        error(json!({ "age": { "format": "uuid" } })),
        "the column `age` of public.people is of type int4, which its format does not fit"
    );
    assert_eq!(
        error(json!({ "age": { "format": "integer", "min": 0, "max": 3_000_000_000_i64 } })),
        "the column `age` of public.people is of type int4, which its format does not fit"
    );
    assert_eq!(
        error(json!({ "id": { "format": "integer", "min": 0, "max": 9 } })),
        "the column `id` is the key of public.people, by which its rows are found"
    );
    assert_eq!(
        error(json!({ "mail": { "format": "hex" } })),
        "public.people has no column `mail`; it has `id`, `email`, `age`, `token`"
    );
}

#[test]
fn a_foreign_key_stands_in_the_way() {
    let (_, plugin) = people(json!({ "email": { "format": "hex" } }));
    let mock = Mock::new();
    mock.table("\"public\".\"people\"", &COLUMNS).key("id");
    mock.on_prefix(ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.on_query(FOREIGN_KEYS).returns(&[("name", "text")], [row!["letters_email_fkey"]]);
    let error = mock.upgrade(&plugin.unwrap()).unwrap_err().to_string();
    assert!(error.contains("is part of the foreign key `letters_email_fkey`"), "{error}");
}
