//! Reads and bulk writes against the mock's tables.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;
use plugin_sdk::prelude::*;
use plugin_sdk::row;

#[derive(FromRow, ToRow, Debug, PartialEq, Clone)]
struct Item {
    id: i64,
    name: Option<String>,
    price: i32,
}

#[derive(FromRow, ToRow)]
struct Name<'a> {
    id: i64,
    name: Option<&'a str>,
}

#[derive(ToRow)]
struct Key {
    id: i64,
}

fn item(id: i64, name: &str, price: i32) -> Item {
    Item { id, name: Some(name.to_owned()), price }
}

fn items() -> Mock {
    let mock = Mock::new();
    mock.table("public.items", &[("price", "int4"), ("id", "int8"), ("name", "text")]).key("id").rows([
        row![10, 1_i64, "one"],
        row![20, 2_i64, "two"],
        row![30, 3_i64, "three"],
    ]);
    mock
}

fn stored(mock: &Mock) -> Vec<Item> {
    mock.written("public.items")
}

#[test]
fn rows_are_read_borrowed_or_owned() {
    let mock = items();
    mock.on_query("select")
        .returns(&[("id", "int8"), ("name", "text")], [row![1_i64, "a"], row![2_i64, "bc"]]);
    let tx = mock.transaction();
    let mut text = String::new();
    let rows = tx.read::<Name>("select", &[]).unwrap().batch_rows(1).expect_rows(2);
    rows.for_each(|row| {
        text.push_str(row.name.unwrap_or_default());
        Ok(())
    })
    .unwrap();
    assert_eq!((text.as_str(), mock.expected_rows()), ("abc", Some(2)));
    let owned: Result<Vec<_>> = tx.read::<(i64, String)>("select", &[]).unwrap().collect();
    assert_eq!(owned.unwrap(), [(1, "a".to_owned()), (2, "bc".to_owned())]);
    let error = tx.read::<Name<'_>>("select", &[]).unwrap().for_each(|row| {
        ensure!(row.id < 2, "too many");
        Ok(())
    });
    assert_eq!(error.unwrap_err().to_string(), "row 2: too many");
    let rows: Vec<_> = tx.read::<(i64, Option<i32>)>("select", &[]).unwrap().collect();
    assert_eq!(rows.len(), 1, "an error ends it");
    assert!(rows[0].as_ref().unwrap_err().to_string().contains("does not fit the column `name`"));
    mock.on_query("nulls").returns(&[("name", "text")], [row!["a"], row![Value::Null]]);
    let rows: Result<Vec<_>> = tx.read::<(String,)>("nulls", &[]).unwrap().collect();
    assert_eq!(
        rows.unwrap_err().to_string(),
        "row 2, column name: is NULL; the field's type would have to be an `Option`"
    );
}

#[test]
fn rows_are_inserted_by_the_names_of_their_fields() {
    let mock = items();
    let tx = mock.transaction();
    let counts = tx.insert("public.items").rows([item(4, "four", 40)]).unwrap();
    assert_eq!((counts.written, counts.inserted), (1, 1));
    let counts = tx.insert("public.items").columns(["id", "price"]).rows([(5_i64, 50)]).unwrap();
    assert_eq!(counts.inserted, 1);
    assert_eq!(stored(&mock)[3..], [item(4, "four", 40), Item { id: 5, name: None, price: 50 }]);
    let error = tx.insert("public.items").rows([item(5, "again", 0)]).unwrap_err();
    assert_eq!(error.sqlstate(), Some("23505"));
    assert!(tx.execute("select 1", &[]).is_err());
}

#[test]
fn rows_are_updated_by_their_key() {
    let mock = items();
    let tx = mock.transaction();
    let rows = [Name { id: 2, name: Some("zwei") }, Name { id: 1, name: Some("one") }];
    let counts = tx.update("public.items").skip_unchanged().rows(&rows).unwrap();
    assert_eq!((counts.written, counts.updated, counts.unchanged), (2, 1, 1));
    assert_eq!(stored(&mock)[1], item(2, "zwei", 20));

    let mut writer = tx.update("public.items").key("id").lock_out_writers().open::<Name>().unwrap();
    for id in 1..=3 {
        let name = format!("name {id}");
        writer.write(&Name { id, name: Some(&name) }).unwrap();
    }
    assert_eq!(stored(&mock)[0].name.as_deref(), Some("one"), "rows wait for the end");
    assert_eq!(writer.finish().unwrap().updated, 3);
    assert_eq!(stored(&mock)[0].name.as_deref(), Some("name 1"));

    let names = ["name"];
    let counts = tx.update("public.items").key(["id"]).columns(names).rows([(3_i64, "drei")]).unwrap();
    assert_eq!(counts.updated, 1);
}

#[test]
fn keys_have_to_be_there_once() {
    let mock = items();
    let tx = mock.transaction();
    let kind = |error: Error| match error.host() {
        Some(plugin_sdk::bindings::types::Error::Other((kind, _))) => kind.clone(),
        _ => panic!("{error}"),
    };
    let missing = || [Name { id: 9, name: None }];
    let twice = [Name { id: 1, name: None }, Name { id: 1, name: None }];
    assert_eq!(kind(tx.update("public.items").rows(missing()).unwrap_err()), "key");
    assert_eq!(kind(tx.update("public.items").rows(&twice).unwrap_err()), "key");
    assert_eq!(kind(tx.upsert("public.items").rows(&twice).unwrap_err()), "key");
    assert_eq!(kind(tx.delete("public.items").rows([Key { id: 9 }]).unwrap_err()), "key");
    assert_eq!(kind(tx.delete("public.items").rows([(None::<i64>,)]).unwrap_err()), "key");
    assert_eq!(kind(tx.update("public.items").key("price").rows([item(1, "x", 1)]).unwrap_err()), "key");
    assert_eq!(tx.update("public.items").allow_missing().rows(missing()).unwrap().missing, 1);
    assert_eq!(tx.delete("public.items").allow_missing().rows([(9_i64,)]).unwrap().missing, 1);
    assert_eq!(stored(&mock), stored(&items()));
}

#[test]
fn rows_are_inserted_or_changed() {
    let mock = items();
    let tx = mock.transaction();
    let rows = [item(3, "drei", 33), item(4, "vier", 44)];
    let counts = tx.upsert("public.items").rows(&rows).unwrap();
    assert_eq!((counts.inserted, counts.updated), (1, 1));
    assert_eq!(stored(&mock)[2..], rows);
    let counts = tx.upsert("public.items").skip_unchanged().rows(&rows).unwrap();
    assert_eq!(counts.unchanged, 2);
    let counts = tx.upsert("public.items").keep_existing().rows([item(4, "kept", 0)]).unwrap();
    assert_eq!((counts.unchanged, stored(&mock)[3].price), (1, 44));
}

#[test]
fn rows_are_deleted_and_tables_rewritten() {
    let mock = items();
    let tx = mock.transaction();
    assert_eq!(tx.delete("public.items").rows([Key { id: 1 }, Key { id: 3 }]).unwrap().deleted, 2);
    assert_eq!(stored(&mock), [item(2, "two", 20)]);
    let counts = tx.rewrite("public.items").rows([item(7, "seven", 70), item(8, "eight", 80)]).unwrap();
    assert_eq!((counts.deleted, counts.inserted), (1, 2));
    assert_eq!(stored(&mock), [item(7, "seven", 70), item(8, "eight", 80)]);
    let error = tx.delete("public.items").rows([item(7, "seven", 70)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rows are deleted by their key alone: `Item` has the field `name` beside it"
    );
}

#[test]
fn bytes_go_from_a_reader_to_a_writer() {
    let mock = items();
    mock.on_query("select").returns(&[("id", "int8"), ("name", "text")], [row![1_i64, "uno"]]);
    let tx = mock.transaction();
    let mut reader = tx.reader("select", &[]).unwrap();
    let mut writer = tx.update("public.items").columns("name").writer().unwrap();
    while let Some(batch) = reader.next_batch().unwrap() {
        writer.write_bytes(batch.bytes()).unwrap();
    }
    assert_eq!(writer.finish_counted().unwrap().updated, 1);
    let mut writer = tx.update("public.items").open::<Name>().unwrap();
    assert_eq!(writer.columns()[1].name, "name");
    writer.write_bytes(&[0, 2, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2, 255, 255, 255, 255]).unwrap();
    assert!(writer.write_bytes(&[0, 1]).is_err());
    assert_eq!(writer.finish().unwrap().updated, 1);
    assert_eq!(stored(&mock)[0], item(1, "uno", 10));
    assert_eq!(stored(&mock)[1].name, None);
}

#[test]
fn what_a_struct_lacks_is_said() {
    #[derive(ToRow)]
    struct Price {
        price: i32,
    }
    let mock = items();
    mock.table("public.log", &[("price", "int4")]);
    let tx = mock.transaction();
    let error = tx.update("public.items").rows([Price { price: 1 }]).unwrap_err();
    assert_eq!(error.to_string(), "`Price` has no field for `id`, which is part of the key of public.items");
    let error = tx.update("public.log").rows([Price { price: 1 }]).unwrap_err();
    assert!(error.to_string().starts_with("public.log has no primary key"), "{error}");
    let error = tx.update("public.items").rows([(1_i64, 2)]).unwrap_err();
    assert!(error.to_string().contains("`.columns([…])`"), "{error}");
}

#[test]
fn an_error_names_the_row_its_key_and_the_column() {
    let mock = items();
    let tx = mock.transaction();
    mock.table("docs", &[("id", "int8"), ("doc", "json")]).key("id");
    let bad = JsonOf([(vec![1_u8], 1)].into_iter().collect::<std::collections::BTreeMap<_, _>>());
    let good = JsonOf(std::collections::BTreeMap::new());
    let error = tx.update("docs").columns("doc").rows([(7_i64, &good), (8, &bad)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 2 of docs (id = 8), column doc: cannot be written as JSON: key must be a string"
    );
}

#[test]
fn a_savepoint_takes_the_rows_back() {
    let mock = items();
    let tx = mock.transaction();
    let undone: Result<()> = tx.in_savepoint(|tx| {
        tx.delete("public.items").rows([(1_i64,)])?;
        bail!("no")
    });
    assert!(undone.is_err());
    assert_eq!(stored(&mock).len(), 3);
}

#[test]
fn a_table_is_described() {
    let mock = items();
    let table = mock.transaction().describe_table("public.items").unwrap();
    assert_eq!((table.schema.as_str(), table.name.as_str()), ("public", "items"));
    assert_eq!((table.key, table.estimated_rows), (vec!["id".to_owned()], Some(3)));
    assert!(table.columns[0].nullable && !table.columns[1].nullable);
}
