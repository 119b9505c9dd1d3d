#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;
use plugin_sdk::row;

use super::*;

fn plugin(more: &str) -> (Mock, JsonToColumns) {
    let mock = Mock::new();
    mock.set_params(&format!(r#"{{"table": "public.products", {more}}}"#));
    mock.table("\"public\".\"products\"", &[("id", "int8"), ("data", "jsonb"), ("old", "json")]).key("id");
    mock.table(
        "\"public\".\"products_json_rejects\"",
        &[("key_id", "int8"), ("column_name", "text"), ("value", "text"), ("reason", "text")],
    );
    mock.on_prefix(plugin_kit::ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.accept_everything();
    (mock, JsonToColumns::load().unwrap())
}

#[test]
fn all_fields_are_moved_by_one_statement() {
    let (mock, plugin) = plugin(
        r#""column": "data", "fields": {"price": {"type": "numeric"}, "made": {"type": "date", "field": "made on"}}"#,
    );
    mock.upgrade(&plugin).unwrap();
    let sent: Vec<String> = mock.statements().into_iter().map(|statement| statement.sql).collect();
    let updates: Vec<&String> = sent.iter().filter(|sql| sql.starts_with("UPDATE")).collect();
    assert_eq!(
        updates,
        ["UPDATE \"public\".\"products\" AS target SET \"made\" = moved.\"new_made\", \"price\" = \
             moved.\"new_price\", \"data\" = target.\"data\" - array_remove(ARRAY[CASE WHEN moved.\"old_made\" IS NOT \
             NULL THEN 'made on' END, CASE WHEN moved.\"old_price\" IS NOT NULL THEN 'price' END]::text[], NULL) \
             FROM \"public\".\"products_moved_fields\" AS moved WHERE target.\"id\" = moved.\"key_id\" AND \
             (moved.\"old_made\" IS NOT NULL OR moved.\"old_price\" IS NOT NULL)"]
    );
}

#[test]
fn a_table_of_another_revision_is_named() {
    let (mock, plugin) = plugin(r#""column": "data", "fields": {"price": {"type": "numeric"}}"#);
    mock.on_prefix("CREATE TABLE \"public\".\"products_moved_fields\"").fails("42P07", "exists");
    let error = mock.upgrade(&plugin).unwrap_err().to_string();
    assert!(error.starts_with("there is a table public.products_moved_fields already"), "{error}");
}

#[test]
fn values_without_a_place_stop_the_downgrade() {
    let (mock, plugin) = plugin(r#""column": "data", "fields": {"price": {"type": "numeric"}}"#);
    mock.on_prefix("SELECT count(*)").returns(&[("count", "int8")], [plugin_sdk::row![2_i64]]);
    let error = mock.downgrade(&plugin).unwrap_err().to_string();
    assert!(error.starts_with("2 rows of public.products have fields"), "{error}");
}

#[test]
fn nothing_is_changed_before_the_parameters_are_sound() {
    for (more, expected) in [
        (r#""column": "data", "fields": {}"#, "`fields` is empty"),
        (r#""column": "old", "fields": {"a": {"type": "text"}}"#, "is of type json, not jsonb"),
        (r#""column": "dta", "fields": {"a": {"type": "text"}}"#, "public.products has no column `dta`"),
        (r#""column": "data", "fields": {"old": {"type": "text"}}"#, "has a column `old` already"),
        (
            r#""column": "data", "fields": {"a": {"type": "text"}, "b": {"type": "text", "field": "a"}}"#,
            "the field `a` is moved to two columns",
        ),
    ] {
        let (mock, plugin) = plugin(more);
        let error = mock.upgrade(&plugin).unwrap_err().to_string();
        assert!(error.contains(expected), "{more}: {error}");
        assert!(
            mock.statements().iter().all(|statement| statement.sql.starts_with(plugin_kit::ROW_SECURITY))
        );
    }
}
