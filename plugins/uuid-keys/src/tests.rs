#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_kit::{DEPENDENTS, ROW_SECURITY};
use plugin_sdk::mock::Mock;
use plugin_sdk::prelude::*;
use plugin_sdk::row;

use crate::foreign_keys::FOREIGN_KEYS;
use crate::sequence::{OWNED, SETTINGS};
use crate::{NewDefault, UuidKeys};

const FOREIGN_KEY: [(&str, &str); 14] = [
    ("name", "text"),
    ("schema", "text"),
    ("table_name", "text"),
    ("column_name", "text"),
    ("type_name", "text"),
    ("columns", "int4"),
    ("on_update", "text"),
    ("on_delete", "text"),
    ("match_type", "text"),
    ("deferrable", "bool"),
    ("deferred", "bool"),
    ("validated", "bool"),
    ("is_partitioned", "bool"),
    ("comment", "text"),
];
const DEPENDENT: [(&str, &str); 2] = [("kind", "text"), ("name", "text")];
const OWN: [(&str, &str); 4] = [("link", "text"), ("schema", "text"), ("name", "text"), ("identity", "text")];

fn plugin(referencing: &[&str]) -> UuidKeys {
    UuidKeys {
        table: "public.orders".to_owned(),
        column: "id".to_owned(),
        referencing: referencing.iter().map(|&table| table.to_owned()).collect(),
        indexes: vec!["public.orders_pkey".to_owned()],
        mapping: "public.order_keys".to_owned(),
        created_at: None,
        default: NewDefault::Random,
    }
}

/// A table of three rows to which `items` has a foreign key.
fn shop() -> Mock {
    let mock = Mock::new();
    mock.grant_random();
    let orders = [row![7_i32], row![9_i32], row![20_i32]];
    mock.table("\"public\".\"orders\"", &[("id", "int4")]).key("id").rows(orders.clone());
    mock.table("\"public\".\"order_keys\"", &[("old_key", "int4"), ("new_key", "uuid")]).key("old_key");
    let select = "select \"id\", null::bigint from \"public\".\"orders\" order by \"id\"";
    let with_time = orders.map(|mut row| {
        row.push(Value::Null);
        row
    });
    mock.on_query(select).returns(&[("id", "int4"), ("millis", "int8")], with_time);
    mock.on_query(FOREIGN_KEYS).returns(
        &FOREIGN_KEY,
        [row![
            "items_fkey",
            "public",
            "items",
            "order_id",
            "int4",
            1_i32,
            "a",
            "c",
            "s",
            false,
            false,
            true,
            false,
            Value::Null
        ]],
    );
    mock.on_query(DEPENDENTS).returns(&DEPENDENT, [row!["f", "items_fkey"], row!["p", "orders_pkey"]]);
    mock.on_prefix(ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.on_prefix("select count(*) from").returns(&[("count", "int8")], [row![0_i64]]);
    for begin in ["LOCK TABLE", "CREATE TABLE", "ALTER TABLE", "UPDATE"] {
        mock.on_prefix(begin).affects(0);
    }
    mock
}

fn changes(mock: &Mock) -> Vec<String> {
    let statements = mock.statements().into_iter().map(|statement| statement.sql);
    statements.filter(|sql| sql.starts_with("ALTER") || sql.starts_with("CREATE")).collect()
}

#[test]
fn keys_get_uuids_in_their_order_and_columns_change_where_they_stand() {
    let mock = shop();
    mock.on_query(OWNED).returns(&OWN, []);
    mock.upgrade(&plugin(&["public.items"])).unwrap();
    let keys: Vec<(i32, Uuid)> = mock.written("\"public\".\"order_keys\"");
    assert_eq!(keys.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [7, 9, 20]);
    assert!(keys.is_sorted_by(|(_, a), (_, b)| a < b));
    let (orders, items) = ("ALTER TABLE \"public\".\"orders\"", "ALTER TABLE \"public\".\"items\"");
    let replaced = |table: &str, column: &str| {
        [
            format!("{table} ADD COLUMN uuid_keys_waiting uuid"),
            format!("{table} ALTER COLUMN \"{column}\" TYPE uuid USING uuid_keys_waiting"),
            format!("{table} DROP COLUMN uuid_keys_waiting"),
        ]
    };
    let mut expected = vec![
        "CREATE TABLE \"public\".\"order_keys\" (old_key int4  PRIMARY KEY, new_key uuid NOT NULL UNIQUE)"
            .to_owned(),
        format!("{items} DROP CONSTRAINT \"items_fkey\""),
        format!("{orders} ALTER COLUMN \"id\" DROP DEFAULT"),
    ];
    expected.extend(replaced(orders, "id"));
    expected.extend(replaced(items, "order_id"));
    expected.push(format!("{orders} ALTER COLUMN \"id\" SET DEFAULT gen_random_uuid()"));
    expected.push(format!(
        "{items} ADD CONSTRAINT \"items_fkey\" FOREIGN KEY (\"order_id\") REFERENCES \"public\".\"orders\" (\"id\") \
         ON DELETE CASCADE"
    ));
    assert_eq!(changes(&mock), expected);
}

#[test]
fn an_identity_goes_over_to_the_mapping_table() {
    let mock = shop();
    mock.on_query(OWNED).returns(&OWN, [row!["i", "public", "orders_id_seq", "a"]]);
    mock.on_query(SETTINGS).returns(
        &[
            ("start_value", "int8"),
            ("increment_by", "int8"),
            ("min_value", "int8"),
            ("max_value", "int8"),
            ("cache_size", "int8"),
            ("cycle", "bool"),
        ],
        [row![1_i64, 2_i64, 1_i64, 99_i64, 1_i64, true]],
    );
    mock.on_query("select last_value, is_called from \"public\".\"orders_id_seq\"")
        .returns(&[("last_value", "int8"), ("is_called", "bool")], [row![21_i64, true]]);
    mock.on_query("select setval('\"public\".\"orders_id_seq\"', 21, true)")
        .returns(&[("setval", "int8")], [row![21_i64]]);
    mock.upgrade(&plugin(&["public.items"])).unwrap();
    assert_eq!(
        changes(&mock)[0],
        "CREATE TABLE \"public\".\"order_keys\" (old_key int4 GENERATED ALWAYS AS IDENTITY (START WITH 1 \
         INCREMENT BY 2 MINVALUE 1 MAXVALUE 99 CACHE 1 CYCLE) PRIMARY KEY, new_key uuid NOT NULL UNIQUE)"
    );
    assert!(
        changes(&mock)
            .contains(&"ALTER TABLE \"public\".\"orders\" ALTER COLUMN \"id\" DROP IDENTITY".to_owned())
    );
}

#[test]
fn the_parameters_name_exactly_the_tables_that_refer() {
    let said = |referencing: &[&str]| {
        let mock = shop();
        let error = mock.upgrade(&plugin(referencing)).unwrap_err().to_string();
        assert_eq!(changes(&mock), [""; 0]);
        error
    };
    assert_eq!(
        said(&[]),
        "public.items has a foreign key to public.orders: name it under `referencing`, and grant what it needs"
    );
    assert_eq!(
        said(&["public.items", "public.users"]),
        "public.users is named under `referencing`, and has no foreign key to public.orders"
    );
    let without = UuidKeys { indexes: vec![], ..plugin(&["public.items"]) };
    let error = shop().upgrade(&without).unwrap_err().to_string();
    assert!(error.contains("name \"public.orders_pkey\" under `indexes`"), "{error}");
}

#[test]
fn a_reference_to_no_row_stops_it() {
    let mock = Mock::new();
    mock.on_query(
        "select count(*) from \"public\".\"items\" where uuid_keys_waiting is null and \"order_id\" is not null",
    )
    .returns(&[("count", "int8")], [row![2_i64]]);
    for begin in ["ALTER TABLE", "UPDATE"] {
        mock.on_prefix(begin).affects(0);
    }
    mock.table("\"public\".\"order_keys\"", &[("old_key", "int4"), ("new_key", "uuid")]).key("old_key");
    let name = plugin_kit::TableName::parse("public.order_keys").unwrap();
    let mapping = crate::Mapping::open(mock.transaction(), &name).unwrap();
    let column = crate::Column { table: "\"public\".\"items\"".to_owned(), name: "order_id".to_owned() };
    let error = mapping.to_uuids(mock.transaction(), &column).unwrap_err().to_string();
    assert!(
        error.starts_with("2 rows of \"public\".\"items\" have a \"order_id\" that refers to no row"),
        "{error}"
    );
}
