#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;
use plugin_sdk::row;

use super::*;

const TABLE: &str = "\"public\".\"notes\"";
const SAVED: &str = "\"public\".\"notes_before_repair\"";
const SELECT: &str = "SELECT \"id\", \"title\", \"body\" FROM \"public\".\"notes\" \
    WHERE octet_length(\"title\"::text) > char_length(\"title\"::text) \
    OR octet_length(\"body\"::text) > char_length(\"body\"::text)";

fn plugin(params: &str) -> (Mock, RepairText) {
    let mock = Mock::new();
    mock.set_params(params);
    let columns = [("id", "int8"), ("title", "text"), ("body", "text"), ("words", "int4")];
    mock.table(TABLE, &columns).key("id");
    let saved = [
        ("key_id", "int8"),
        ("old_title", "text"),
        ("old_body", "text"),
        ("new_title", "text"),
        ("new_body", "text"),
    ];
    mock.table(SAVED, &saved).key("key_id");
    let rows = [
        row![1_i64, "Ã©tÃ©", Value::Null],
        row![2_i64, "été", "touché…"],
        row![3_i64, "“sound”", "â\u{80}\u{94} twice ÃƒÂ©"],
    ];
    mock.on_query(SELECT).returns(&columns[..3], rows);
    mock.on_prefix(plugin_kit::ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.accept_everything();
    let plugin = RepairText::load().unwrap();
    (mock, plugin)
}

#[test]
fn damaged_rows_are_kept_with_what_they_become() {
    let (mock, plugin) = plugin(r#"{"table": "public.notes", "columns": ["title", "body"]}"#);
    mock.upgrade(&plugin).unwrap();
    assert_eq!(
        mock.written_values(SAVED),
        [
            row![1_i64, "Ã©tÃ©", Value::Null, "été", Value::Null],
            row![3_i64, "“sound”", "â\u{80}\u{94} twice ÃƒÂ©", "“sound”", "— twice é"],
        ]
    );
    let update = "UPDATE \"public\".\"notes\" AS target SET \"title\" = saved.\"new_title\", \
        \"body\" = saved.\"new_body\" FROM \"public\".\"notes_before_repair\" AS saved \
        WHERE target.\"id\" = saved.\"key_id\"";
    assert!(mock.statements().iter().any(|statement| statement.sql == update));
    let said: Vec<String> = mock.log().into_iter().map(|line| line.message).collect();
    assert_eq!(said[0], "for example title\nbefore: Ã©tÃ©\nafter:  été");
    let last = said.last().unwrap();
    assert!(last.starts_with("repaired 2 of 3 rows with text beyond ASCII (title: 1, body: 1)"), "{last}");
}

#[test]
fn a_dry_run_counts_and_fails_before_anything_is_made() {
    let (mock, plugin) =
        plugin(r#"{"table": "public.notes", "columns": ["title", "body"], "dry_run": true}"#);
    let error = mock.upgrade(&plugin).unwrap_err().to_string();
    assert_eq!(
        error,
        "dry run: 2 of 3 rows with text beyond ASCII (title: 1, body: 1) of public.notes would be repaired; \
         nothing was changed"
    );
    let changes = mock.statements().into_iter().filter(|statement| statement.sql.starts_with("CREATE"));
    assert_eq!(changes.count(), 0);
}

#[test]
fn only_the_damage_that_is_asked_for_is_repaired() {
    let (mock, plugin) =
        plugin(r#"{"table": "public.notes", "columns": ["title", "body"], "encodings": ["mac-roman"]}"#);
    mock.upgrade(&plugin).unwrap();
    assert!(mock.written_values(SAVED).is_empty());
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    for (params, expected) in [
        (r#"{"table": "notes", "columns": ["title"]}"#, "`notes` is no name of a table"),
        (r#"{"table": "public.notes", "columns": []}"#, "no column of public.notes is named"),
        (r#"{"table": "public.notes", "columns": ["words"]}"#, "is of type int4, not text"),
        (r#"{"table": "public.notes", "columns": ["id"]}"#, "is the key of public.notes"),
        (r#"{"table": "public.notes", "columns": ["title"], "layers": 0}"#, "it goes from 1 to 8"),
        (r#"{"table": "public.notes", "columns": ["title"], "encodings": []}"#, "nothing to repair"),
        (r#"{"table": "public.notes", "columns": ["title"], "touched": ["title"]}"#, "both to be changed"),
    ] {
        let (mock, plugin) = plugin(params);
        let error = mock.upgrade(&plugin).unwrap_err().to_string();
        assert!(error.contains(expected), "{params}: {error}");
    }
}
