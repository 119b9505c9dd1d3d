#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;
use plugin_sdk::row;

use super::*;

const SAVED: &str = "\"public\".\"people_before_normalization\"";
const REJECTS: &str = "\"public\".\"people_normalization_rejects\"";

fn plugin(params: &str) -> (Mock, NormalizeText) {
    let mock = Mock::new();
    mock.set_params(params);
    let columns = [("id", "int8"), ("mail", "text"), ("name", "text"), ("age", "int4")];
    mock.table("\"public\".\"people\"", &columns).key("id");
    let saved = [
        ("key_id", "int8"),
        ("old_mail", "text"),
        ("old_name", "text"),
        ("new_mail", "text"),
        ("new_name", "text"),
    ];
    mock.table(SAVED, &saved).key("key_id");
    let rejects = [("key_id", "int8"), ("column_name", "text"), ("value", "text"), ("reason", "text")];
    mock.table(REJECTS, &rejects).key(["key_id", "column_name"]);
    mock.on_prefix("SELECT \"id\", \"mail\", \"name\" FROM").returns(
        &columns[..3],
        [
            row![1_i64, "Ada@Example.org", " Ada  L. "],
            row![2_i64, "grace@example.org", "Grace"],
            row![3_i64, "nobody", "No\tbody"],
            row![4_i64, Value::Null, Value::Null],
        ],
    );
    mock.on_prefix(plugin_kit::ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.accept_everything();
    (mock, NormalizeText::load().unwrap())
}

const BOTH: &str =
    r#"{"table": "public.people", "columns": {"mail": ["email", "lower"], "name": ["nfc", "squeeze"]}}"#;

#[test]
fn changed_rows_and_rejects_are_kept() {
    let (mock, plugin) = plugin(BOTH);
    mock.upgrade(&plugin).unwrap();
    assert_eq!(
        mock.written_values(SAVED),
        [
            row![1_i64, "Ada@Example.org", " Ada  L. ", "ada@example.org", "Ada L."],
            // What is rejected stays, and the rest of the row does not suffer.
            row![3_i64, "nobody", "No\tbody", "nobody", "No body"],
        ]
    );
    assert_eq!(mock.written_values(REJECTS), [row![3_i64, "mail", "nobody", "has no @"]]);
}

#[test]
fn rows_that_would_be_the_same_are_explained() {
    let (mock, plugin) = plugin(BOTH);
    mock.on_prefix("UPDATE").fails("23505", "duplicate key value");
    let error = mock.upgrade(&plugin).unwrap_err().to_string();
    assert!(error.starts_with("two rows would have the same text"), "{error}");
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    for (params, expected) in [
        (r#"{"table": "public.people", "columns": {}}"#, "no column of public.people is named"),
        (r#"{"table": "public.people", "columns": {"name": []}}"#, "no step is named for the column `name`"),
        (r#"{"table": "public.people", "columns": {"age": ["trim"]}}"#, "is of type int4, not text"),
        (
            r#"{"table": "public.people", "columns": {"name": ["phone"]}, "country": "Germany"}"#,
            "`Germany` is no country",
        ),
    ] {
        let (mock, plugin) = plugin(params);
        let error = mock.upgrade(&plugin).unwrap_err().to_string();
        assert!(error.contains(expected), "{params}: {error}");
    }
}
