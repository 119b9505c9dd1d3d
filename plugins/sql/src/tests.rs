#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;
use plugin_sdk::prelude::*;

use crate::Sql;

const CREATE: &str = "create table public.a (id int);\ncreate table public.b (id int);";

#[test]
fn upgrade_runs_the_whole_script_as_it_is() {
    let mock = Mock::new();
    mock.set_params(&params(&[("upgrade", CREATE)]));
    mock.on_execute(CREATE).affects(0);

    mock.upgrade(&Sql::load().unwrap()).unwrap();

    let statements = mock.statements();
    assert_eq!(statements.len(), 1);
    assert_eq!(statements[0].sql, CREATE);
}

#[test]
fn downgrade_runs_its_own_script() {
    let mock = Mock::new();
    let drop = "drop table public.b, public.a";
    mock.set_params(&params(&[("upgrade", CREATE), ("downgrade", drop)]));
    mock.on_execute(drop).affects(0);

    mock.downgrade(&Sql::load().unwrap()).unwrap();
}

#[test]
fn downgrade_without_a_script_is_irreversible() {
    let mock = Mock::new();
    mock.set_params(&params(&[("upgrade", CREATE)]));

    let error = mock.downgrade(&Sql::load().unwrap()).unwrap_err();

    assert!(error.is_irreversible());
    assert_eq!(error.to_string(), "the revision has no `downgrade.sql`, or one without a statement");
}

#[test]
fn upgrade_has_to_be_set() {
    let _mock = Mock::new();
    assert_eq!(Sql::load().unwrap_err().to_string(), "parameter `upgrade`: is not set");
}

#[test]
fn the_servers_error_is_passed_on() {
    let mock = Mock::new();
    mock.on_execute("create tabel a").fails("42601", "syntax error at or near \"tabel\"");
    let migration = Sql { upgrade: "create tabel a".to_owned(), downgrade: None };

    assert_eq!(mock.upgrade(&migration).unwrap_err().sqlstate(), Some("42601"));
}

#[test]
fn the_schema_is_json_and_names_both_parameters() {
    let schema: plugin_sdk::serde_json::Value = plugin_sdk::serde_json::from_str(&Sql::schema()).unwrap();
    assert_eq!(schema["required"], plugin_sdk::serde_json::json!(["upgrade"]));
    assert!(schema["properties"]["downgrade"].is_object());
}

fn params(entries: &[(&str, &str)]) -> String {
    let object: plugin_sdk::serde_json::Map<String, plugin_sdk::serde_json::Value> =
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
    plugin_sdk::serde_json::Value::Object(object).to_string()
}
