#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_kit::{DEPENDENTS, ROW_SECURITY};
use plugin_sdk::mock::Mock;
use plugin_sdk::row;

use crate::ExtractLookup;
use crate::column::{COLLATION, DEFAULT, LABELS};

const SELECT: &str = "select distinct \"status\"::text collate \"C\" from \"public\".\"orders\" \
                      where \"status\" is not null order by 1 limit 4";

fn plugin() -> ExtractLookup {
    ExtractLookup {
        table: "public.orders".to_owned(),
        column: "status".to_owned(),
        lookup: "public.order_status".to_owned(),
        key_column: None,
        name_column: "name".to_owned(),
        enum_type: None,
        indexes: vec![],
        max_values: 3,
    }
}

fn orders(status_type: &str, values: &[&str], default: Option<&str>) -> Mock {
    let mock = Mock::new();
    mock.table("\"public\".\"orders\"", &[("id", "int4"), ("status", status_type)]).key("id");
    mock.table("\"public\".\"order_status\"", &[("id", "int4"), ("name", "text")]).key("id");
    mock.on_query(DEPENDENTS).returns(&[("kind", "text"), ("name", "text")], []);
    mock.on_query(DEFAULT).returns(&[("column_default", "text")], default.map(|sql| row![sql]));
    mock.on_query(COLLATION).returns(&[("collation_schema", "text"), ("collation_name", "text")], []);
    see_all(&mock);
    mock.on_query(SELECT).returns(&[("status", "text")], values.iter().map(|value| row![*value]));
    for begin in ["LOCK TABLE", "CREATE TABLE", "ALTER TABLE", "DROP TABLE"] {
        mock.on_prefix(begin).affects(0);
    }
    mock
}

/// Says that no row is hidden.
fn see_all(mock: &Mock) {
    mock.on_prefix(ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
}

fn changes(mock: &Mock) -> Vec<String> {
    let statements = mock.statements().into_iter().map(|statement| statement.sql);
    statements.filter(|sql| sql.starts_with("ALTER TABLE \"public\".\"orders\"")).collect()
}

#[test]
fn values_get_numbers_in_the_order_of_their_characters() {
    let mock = orders("text", &["it's", "paid"], Some("'new'::text"));
    mock.upgrade(&plugin()).unwrap();
    assert_eq!(
        mock.written_values("\"public\".\"order_status\""),
        [row![1_i32, "it's"], row![2_i32, "new"], row![3_i32, "paid"]],
    );
    let orders = "ALTER TABLE \"public\".\"orders\"";
    assert_eq!(
        changes(&mock),
        [
            format!("{orders} ALTER COLUMN \"status\" DROP DEFAULT"),
            format!(
                "{orders} ALTER COLUMN \"status\" TYPE integer USING \
                 ('{{\"it''s\":1,\"new\":2,\"paid\":3}}'::jsonb ->> \"status\"::text)::integer"
            ),
            format!("{orders} RENAME COLUMN \"status\" TO \"status_id\""),
            format!("{orders} ALTER COLUMN \"status_id\" SET DEFAULT 2"),
            format!(
                "{orders} ADD CONSTRAINT \"orders_status_id_fkey\" FOREIGN KEY (\"status_id\") \
                 REFERENCES \"public\".\"order_status\" (id)"
            ),
        ]
    );
}

#[test]
fn an_enums_labels_keep_their_order_and_all_of_them_are_there() {
    let mock = orders("int8", &[], None);
    mock.on_query(LABELS).returns(&[("enumlabel", "text")], [row!["new"], row!["cancelled"]]);
    let plugin = ExtractLookup { enum_type: Some("public.state".to_owned()), ..plugin() };
    mock.upgrade(&plugin).unwrap();
    let rows = mock.written_values("\"public\".\"order_status\"");
    assert_eq!(rows, [row![1_i32, "new"], row![2_i32, "cancelled"]]);
}

#[test]
fn the_downgrade_brings_values_and_default_back() {
    let mock = orders("int4", &[], Some("2"));
    mock.on_query("select id::text, \"name\"::text from \"public\".\"order_status\"")
        .returns(&[("id", "text"), ("name", "text")], [row!["1", "it's"], row!["2", "new"]]);
    let plugin = ExtractLookup { key_column: Some("status".to_owned()), ..plugin() };
    mock.downgrade(&plugin).unwrap();
    let orders = "ALTER TABLE \"public\".\"orders\"";
    assert_eq!(
        changes(&mock),
        [
            format!("{orders} DROP CONSTRAINT \"orders_status_fkey\""),
            format!("{orders} ALTER COLUMN \"status\" DROP DEFAULT"),
            format!(
                "{orders} ALTER COLUMN \"status\" TYPE text USING \
                 ('{{\"1\":\"it''s\",\"2\":\"new\"}}'::jsonb ->> \"status\"::text)::text"
            ),
            format!("{orders} ALTER COLUMN \"status\" SET DEFAULT 'new'::text"),
        ]
    );
}

#[test]
fn what_cannot_be_done_is_said_before_anything_changes() {
    let said = |mock: Mock, plugin: ExtractLookup| {
        let error = mock.upgrade(&plugin).unwrap_err().to_string();
        assert_eq!(changes(&mock), [""; 0], "{error}");
        error
    };
    let many = said(orders("text", &["a", "b", "c", "d"], None), plugin());
    assert!(many.starts_with("public.orders.status has more than 3 different values"), "{many}");
    let default = said(orders("text", &[], Some("lower('A'::text)")), plugin());
    assert!(default.starts_with("the default `lower('A'::text)` is not one constant text"), "{default}");
    let number = said(orders("int8", &[], None), plugin());
    assert!(number.contains("is of type int8, which is neither text nor varchar"), "{number}");
    let taken = ExtractLookup { key_column: Some("id".to_owned()), ..plugin() };
    let taken = said(orders("text", &[], None), taken);
    assert_eq!(taken, "public.orders has a column `id` already: set `key_column` to another name");
    let mock = Mock::new();
    see_all(&mock);
    mock.table("\"public\".\"orders\"", &[("id", "int4"), ("status", "text")]).key("id");
    mock.on_prefix("LOCK TABLE").affects(0);
    mock.on_query(DEPENDENTS).returns(&[("kind", "text"), ("name", "text")], [row!["view", "open_orders"]]);
    let view = said(mock, plugin());
    assert!(view.contains("cannot be changed so: the view open_orders depends on it"), "{view}");
    let mock = Mock::new();
    see_all(&mock);
    mock.table("\"public\".\"orders\"", &[("id", "int4"), ("status", "text")]).key("id");
    mock.on_prefix("LOCK TABLE").affects(0);
    mock.on_query(DEPENDENTS).returns(&[("kind", "text"), ("name", "text")], [row!["index", "by_status"]]);
    assert_eq!(
        said(mock, plugin()),
        "the index by_status of public.orders has the column `status` and changes with it: name \
         \"public.by_status\" under `indexes`, and grant `ddl` on it"
    );
}
