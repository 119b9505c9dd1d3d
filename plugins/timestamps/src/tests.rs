#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;

use super::*;

fn plugin(params: &str) -> (Mock, Timestamps) {
    let mock = Mock::new();
    mock.set_params(params);
    mock.table("\"public\".\"orders\"", &[("id", "int8")]).key("id");
    mock.table("\"public\".\"Order lines\"", &[("id", "int8"), ("changed", "timestamptz")]).key("id");
    mock.accept_everything();
    (mock, Timestamps::load().unwrap())
}

fn sent(mock: &Mock) -> Vec<String> {
    mock.statements().into_iter().map(|statement| statement.sql).collect()
}

#[test]
fn each_table_gets_columns_and_a_trigger() {
    let (mock, plugin) = plugin(r#"{"tables": ["public.orders", "public.Order lines"]}"#);
    mock.upgrade(&plugin).unwrap();
    let sent = sent(&mock);
    assert!(sent[0].contains("NEW *<> OLD AND NEW.\"updated_at\" IS NOT DISTINCT FROM OLD.\"updated_at\""));
    assert_eq!(
        sent[3..],
        [
            "ALTER TABLE \"public\".\"Order lines\" ADD COLUMN \"created_at\" timestamptz NOT NULL DEFAULT now(), \
             ADD COLUMN \"updated_at\" timestamptz NOT NULL DEFAULT now()",
            "CREATE TRIGGER \"touch_updated_at\" BEFORE UPDATE ON \"public\".\"Order lines\" FOR EACH ROW EXECUTE \
             FUNCTION \"public\".\"touch_updated_at\"()",
        ]
    );
}

#[test]
fn without_updated_at_there_is_no_function() {
    let (mock, plugin) =
        plugin(r#"{"tables": ["public.orders"], "updated_at": "", "existing_rows": "unknown"}"#);
    mock.upgrade(&plugin).unwrap();
    assert_eq!(
        sent(&mock),
        [
            "ALTER TABLE \"public\".\"orders\" ADD COLUMN \"created_at\" timestamptz",
            "ALTER TABLE \"public\".\"orders\" ALTER COLUMN \"created_at\" SET DEFAULT now()",
        ]
    );
    mock.downgrade(&plugin).unwrap();
    assert_eq!(sent(&mock)[2], "ALTER TABLE \"public\".\"orders\" DROP COLUMN \"created_at\"");
}

#[test]
fn a_function_that_is_there_already_is_named() {
    let (mock, plugin) = plugin(r#"{"tables": ["public.orders"]}"#);
    mock.on_prefix("CREATE FUNCTION").fails("42723", "function exists");
    let error = mock.upgrade(&plugin).unwrap_err().to_string();
    assert!(error.starts_with("there is a function public.touch_updated_at already"), "{error}");
}

#[test]
fn a_function_that_is_there_is_neither_made_nor_dropped() {
    let (mock, plugin) = plugin(r#"{"tables": ["public.orders"], "function_is_there": true}"#);
    mock.upgrade(&plugin).unwrap();
    mock.downgrade(&plugin).unwrap();
    let sent = sent(&mock);
    assert!(
        sent.iter().any(|sql| sql.ends_with("EXECUTE FUNCTION \"public\".\"touch_updated_at\"()")),
        "{sent:?}"
    );
    assert!(
        !sent.iter().any(|sql| sql.contains("CREATE FUNCTION") || sql.contains("DROP FUNCTION")),
        "{sent:?}"
    );
}

#[test]
fn nothing_is_changed_before_all_tables_were_looked_at() {
    for (params, expected) in [
        (r#"{"tables": []}"#, "`tables` is empty"),
        (r#"{"tables": ["public.orders", "public.orders"]}"#, "is named twice"),
        (r#"{"tables": ["public.orders", "orders"]}"#, "`orders` is no name of a table"),
        (
            r#"{"tables": ["public.orders", "public.Order lines"], "updated_at": "changed"}"#,
            "public.Order lines has a column `changed` already",
        ),
        (r#"{"tables": ["public.orders"], "updated_at": "", "created_at": ""}"#, "nothing to add"),
        (r#"{"tables": ["public.orders"], "function": "touch"}"#, "the parameter `function`"),
    ] {
        let (mock, plugin) = plugin(params);
        let error = mock.upgrade(&plugin).unwrap_err().to_string();
        assert!(error.contains(expected), "{params}: {error}");
        assert!(sent(&mock).is_empty(), "{:?}", sent(&mock));
    }
}
