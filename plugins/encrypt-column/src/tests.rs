#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_kit::{DEPENDENTS, ROW_SECURITY};
use plugin_sdk::mock::Mock;
use plugin_sdk::prelude::*;
use plugin_sdk::row;

use crate::EncryptColumn;
use crate::envelope::{Envelope, open};
use crate::key::Key;

const FIRST: &str = "0101010101010101010101010101010101010101010101010101010101010101";
const SECOND: &str = "0202020202020202020202020202020202020202020202020202020202020202";
const COLUMNS: [(&str, &str); 3] = [("id", "int8"), ("email", "text"), ("photo", "bytea")];

fn encrypt(column: &str) -> EncryptColumn {
    EncryptColumn {
        table: "public.users".to_owned(),
        column: column.to_owned(),
        key: FIRST.to_owned(),
        key_id: "k1".to_owned(),
        old_key: None,
        old_key_id: None,
    }
}

fn rotate(column: &str) -> EncryptColumn {
    EncryptColumn {
        key: SECOND.to_owned(),
        key_id: "k2".to_owned(),
        old_key: Some(FIRST.to_owned()),
        old_key_id: Some("k1".to_owned()),
        ..encrypt(column)
    }
}

fn users(rows: impl IntoIterator<Item = Vec<Value>>) -> Mock {
    let mock = Mock::new();
    mock.grant_random();
    mock.table("\"public\".\"users\"", &COLUMNS).key("id").rows(rows);
    mock.on_prefix(ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.on_query(DEPENDENTS).returns(&[("kind", "text"), ("name", "text")], []);
    for column in ["email", "photo"] {
        mock.on_filter(&format!("\"{column}\" is not null"), move |row| {
            row.value(column) != Some(&Value::Null)
        });
    }
    mock
}

fn three() -> Mock {
    users([
        row![1_i64, "ada@example.org", vec![0_u8, 255]],
        row![2_i64, "", Vec::<u8>::new()],
        row![3_i64, Value::Null, Value::Null],
    ])
}

fn emails(mock: &Mock) -> Vec<Option<String>> {
    let rows: Vec<(i64, Option<String>, Option<Vec<u8>>)> = mock.written("\"public\".\"users\"");
    rows.into_iter().map(|(_, email, _)| email).collect()
}

fn decrypted(key: &str, id: &str, text: &str) -> String {
    let envelope = Envelope::of_text(text).unwrap().unwrap();
    String::from_utf8(open(&Key::new(id, key).unwrap(), &envelope).unwrap()).unwrap()
}

#[test]
fn texts_are_encrypted_and_come_back() {
    let mock = three();
    mock.upgrade(&encrypt("email")).unwrap();
    let encrypted = emails(&mock);
    assert_eq!(decrypted(FIRST, "k1", encrypted[0].as_deref().unwrap()), "ada@example.org");
    assert_eq!(decrypted(FIRST, "k1", encrypted[1].as_deref().unwrap()), "");
    assert_eq!(encrypted[2], None);
    mock.downgrade(&encrypt("email")).unwrap();
    assert_eq!(emails(&mock), [Some("ada@example.org".to_owned()), Some(String::new()), None]);
}

#[test]
fn bytes_are_encrypted_and_come_back() {
    let mock = three();
    let before = mock.written_values("\"public\".\"users\"");
    mock.upgrade(&encrypt("photo")).unwrap();
    let Value::Bytea(photo) = &mock.written_values("\"public\".\"users\"")[0][2] else { panic!("no bytes") };
    assert!(photo.starts_with(b"enc1:k1:"));
    mock.downgrade(&encrypt("photo")).unwrap();
    assert_eq!(mock.written_values("\"public\".\"users\""), before);
}

#[test]
fn equal_values_get_different_nonces() {
    let rows: Vec<_> = (0..5000_i64).map(|id| row![id, "same", Value::Null]).collect();
    let mock = users(rows);
    mock.upgrade(&encrypt("email")).unwrap();
    let mut encrypted = emails(&mock);
    encrypted.sort();
    encrypted.dedup();
    assert_eq!(encrypted.len(), 5000);
}

#[test]
fn a_rotation_changes_the_key_and_keeps_what_has_it_already() {
    let mock = three();
    mock.upgrade(&encrypt("email")).unwrap();
    let first = emails(&mock);
    mock.upgrade(&rotate("email")).unwrap();
    let second = emails(&mock);
    assert_eq!(decrypted(SECOND, "k2", second[0].as_deref().unwrap()), "ada@example.org");
    mock.upgrade(&rotate("email")).unwrap();
    assert_eq!(emails(&mock), second, "nothing is left of the old key");
    mock.downgrade(&rotate("email")).unwrap();
    assert_ne!(emails(&mock), first, "the nonces are new");
    assert_eq!(decrypted(FIRST, "k1", emails(&mock)[0].as_deref().unwrap()), "ada@example.org");
}

#[test]
fn no_error_and_no_line_of_the_log_holds_a_value() {
    let mock = users([row![7_i64, "enc1:k9:topsecret", Value::Null]]);
    let error = mock.upgrade(&encrypt("email")).unwrap_err().to_string();
    let place = "row 1 of \"public\".\"users\" (id = 7), column email: the ";
    assert_eq!(error, format!("{place}encrypted value is damaged: its end is missing or is no base64"));

    let plain = || users([row![7_i64, "topsecret", Value::Null]]);
    let error = plain().downgrade(&encrypt("email")).unwrap_err().to_string();
    assert_eq!(error, format!("{place}value is not encrypted"));

    let encrypted = || {
        let mock = plain();
        mock.upgrade(&encrypt("email")).unwrap();
        mock
    };
    let error = encrypted().upgrade(&encrypt("email")).unwrap_err().to_string();
    assert_eq!(error, format!("{place}value is encrypted already: is `old_key` missing?"));
    let other = EncryptColumn { key_id: "k3".to_owned(), ..encrypt("email") };
    let error = encrypted().downgrade(&other).unwrap_err().to_string();
    assert_eq!(error, format!("{place}value is encrypted with another key than `k3`"));
    let wrong = EncryptColumn { key: SECOND.to_owned(), ..encrypt("email") };
    let mock = encrypted();
    let error = mock.downgrade(&wrong).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{place}value cannot be decrypted with the key `k1`")), "{error}");
    assert!(mock.log().iter().all(|line| !line.message.contains("topsecret")));
}

#[test]
fn what_depends_on_the_values_is_named_before_anything_changes() {
    let mock = Mock::new();
    mock.table("\"public\".\"users\"", &COLUMNS).key("id").rows([row![1_i64, "a", Value::Null]]);
    let found = [row!["index", "users_email_idx"], row!["u", "users_email_key"]];
    mock.on_prefix(ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
    mock.on_query(DEPENDENTS).returns(&[("kind", "text"), ("name", "text")], found);
    let error = mock.upgrade(&encrypt("email")).unwrap_err().to_string();
    assert_eq!(
        error,
        "the column `email` of public.users cannot be changed so: the index users_email_idx, the constraint \
         users_email_key depends on it. Drop that in a revision before this one"
    );
}

#[test]
fn a_column_of_another_type_is_refused() {
    let error = three().upgrade(&encrypt("id")).unwrap_err().to_string();
    assert!(error.contains("is of type int8, where an encrypted value does not fit"), "{error}");
    let error = three().upgrade(&encrypt("emial")).unwrap_err().to_string();
    assert_eq!(error, "public.users has no column `emial`; it has `id`, `email`, `photo`");
}

#[test]
fn half_a_rotation_is_refused() {
    let half = EncryptColumn { old_key_id: None, ..rotate("email") };
    let error = three().upgrade(&half).unwrap_err().to_string();
    assert_eq!(error, "`old_key` and `old_key_id` belong together: give both of them, or none");
    let same = EncryptColumn { key_id: "k1".to_owned(), ..rotate("email") };
    let error = three().upgrade(&same).unwrap_err().to_string();
    assert_eq!(error, "`key_id` and `old_key_id` are both `k1`: a new key needs a name of its own");
}
