#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;
use plugin_sdk::row;

use super::*;

const PEOPLE: &str = "\"public\".\"people\"";
const REJECTS: &str = "\"public\".\"people_split_rejects\"";

/// The mock adds no columns, so that splitting itself is shown by the cases on a server.
fn plugin(more: &str) -> (Mock, SplitColumn) {
    let mock = Mock::new();
    mock.set_params(&format!(r#"{{"table": "public.people", "column": "name", {more}}}"#));
    mock.table(PEOPLE, &[("id", "int8"), ("name", "text"), ("age", "int4")]).key("id");
    mock.table(
        REJECTS,
        &[("key_id", "int8"), ("column_name", "text"), ("value", "text"), ("reason", "text")],
    );
    mock.on_prefix(plugin_kit::ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.accept_everything();
    (mock, SplitColumn::load().unwrap())
}

#[test]
fn nothing_is_changed_before_the_parameters_are_sound() {
    for (more, expected) in [
        (r#""pattern": "(?<a>""#, "the parameter `pattern`"),
        (r#""pattern": "(.*)""#, "it has no named group"),
        (r#""pattern": "(?<age>.*)""#, "public.people has a column `age` already"),
        (r#""pattern": "(?<a>.*)", "rejects_suffix": """#, "no suffix"),
    ] {
        let (mock, plugin) = plugin(more);
        let error = mock.upgrade(&plugin).unwrap_err().to_string();
        assert!(error.contains(expected), "{more}: {error}");
        assert!(
            mock.statements().iter().all(|statement| statement.sql.starts_with(plugin_kit::ROW_SECURITY))
        );
    }
}

#[test]
fn the_downgrade_drops_what_was_added() {
    let (mock, plugin) = plugin(r#""pattern": "(?<first>\\S+) (?<last>.+)""#);
    mock.downgrade(&plugin).unwrap();
    let sent: Vec<String> = mock.statements().into_iter().map(|statement| statement.sql).collect();
    assert_eq!(
        sent[1..],
        [
            "ALTER TABLE \"public\".\"people\" DROP COLUMN \"first\", DROP COLUMN \"last\"",
            "DROP TABLE \"public\".\"people_split_rejects\"",
        ]
    );
}
