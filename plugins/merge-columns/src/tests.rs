#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;
use plugin_sdk::row;

use super::*;

fn plugin(more: &str) -> (Mock, MergeColumns) {
    let mock = Mock::new();
    mock.set_params(&format!(r#"{{"table": "public.people", {more}}}"#));
    let columns = [("id", "int8"), ("first", "text"), ("last", "text"), ("age", "int4")];
    mock.table("\"public\".\"people\"", &columns).key("id");
    mock.table(
        "\"public\".\"people_merge_rejects\"",
        &[("key_id", "int8"), ("column_name", "text"), ("value", "text"), ("reason", "text")],
    );
    mock.on_prefix(plugin_kit::ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.accept_everything();
    (mock, MergeColumns::load().unwrap())
}

/// What was sent, but for the question whether all rows can be seen.
fn sent(mock: &Mock) -> Vec<String> {
    let sent = mock.statements().into_iter().map(|statement| statement.sql);
    sent.filter(|sql| !sql.starts_with(plugin_kit::ROW_SECURITY)).collect()
}

#[test]
fn a_missing_part_is_left_out_or_rejected() {
    let (mock, omit) = plugin(r#""template": "{first} {last} ({age})", "into": "label""#);
    mock.upgrade(&omit).unwrap();
    assert_eq!(
        sent(&mock)[2],
        "UPDATE \"public\".\"people\" SET \"label\" = btrim(regexp_replace(concat(\"first\"::text, ' ', \
         \"last\"::text, ' (', \"age\"::text, ')'), '\\s+', ' ', 'g')) \
         WHERE \"first\" IS NOT NULL OR \"last\" IS NOT NULL OR \"age\" IS NOT NULL"
    );
    let (mock, reject) = plugin(r#""template": "it's {first}", "into": "label", "missing": "reject""#);
    mock.upgrade(&reject).unwrap();
    assert_eq!(
        sent(&mock)[2],
        "UPDATE \"public\".\"people\" SET \"label\" = 'it''s ' || \"first\"::text WHERE \"first\" IS NOT NULL"
    );
}

#[test]
fn nothing_is_changed_before_the_parameters_are_sound() {
    for (more, expected) in [
        (r#""template": "{first", "into": "label""#, "the parameter `template`"),
        (r#""template": "{first} {lst}", "into": "label""#, "public.people has no column `lst`"),
        (r#""template": "{first}", "into": "last""#, "public.people has a column `last` already"),
    ] {
        let (mock, plugin) = plugin(more);
        let error = mock.upgrade(&plugin).unwrap_err().to_string();
        assert!(error.contains(expected), "{more}: {error}");
        assert!(sent(&mock).is_empty());
    }
}
