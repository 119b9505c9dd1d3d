//! Transforms against the mock's tables.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;
use plugin_sdk::prelude::*;
use plugin_sdk::row;

const USERS: &[(&str, &str)] = &[("id", "int8"), ("name", "text"), ("email", "text"), ("note", "bytea")];

#[derive(FromRow)]
struct User<'a> {
    name: &'a str,
    email: &'a str,
}

#[derive(ToRow)]
struct Clean<'a> {
    name: &'a str,
    email: String,
}

/// Everything that a row has, as it stands.
type Whole = (i64, String, Option<String>, Option<Vec<u8>>);

fn users() -> Mock {
    let mock = Mock::new();
    mock.table("public.users", USERS).key("id").rows([
        row![3_i64, " Ada ", "ADA@x.org", vec![1_u8, 2]],
        row![1_i64, "Grace", "grace@x.org", Value::Null],
        row![2_i64, "Edsger", "Edsger@x.org", Value::Null],
    ]);
    mock
}

fn whole(id: i64, name: &str, email: &str, note: Option<&[u8]>) -> Whole {
    (id, name.to_owned(), Some(email.to_owned()), note.map(<[u8]>::to_vec))
}

fn clean<'a>(user: &User<'a>) -> Clean<'a> {
    Clean { name: user.name.trim(), email: user.email.to_lowercase() }
}

fn cleaned() -> [Whole; 3] {
    [
        whole(3, "Ada", "ada@x.org", Some(&[1, 2])),
        whole(1, "Grace", "grace@x.org", None),
        whole(2, "Edsger", "edsger@x.org", None),
    ]
}

fn statements(mock: &Mock) -> Vec<String> {
    mock.statements().into_iter().map(|statement| statement.sql).collect()
}

#[test]
fn a_transform_changes_rows_in_place() {
    let mock = users();
    let counts =
        mock.transaction().transform::<User, Clean>("public.users").map(|user| Ok(clean(user))).unwrap();
    assert_eq!((counts.written, counts.updated, counts.unchanged), (3, 3, 0));
    assert_eq!(mock.written::<Whole>("public.users"), cleaned());
    // The lock comes before the rows are read.
    assert_eq!(
        statements(&mock),
        ["UPDATE public.users", r#"select "id", "name", "email" from public.users"#]
    );
}

#[test]
fn a_rewrite_passes_through_what_is_not_written() {
    let mock = users();
    let transform = mock.transaction().transform::<User<'_>, Clean<'_>>("public.users").rewrite().ordered();
    let counts = transform.map(|user| Ok(clean(user))).unwrap();
    assert_eq!((counts.written, counts.inserted, counts.deleted), (3, 3, 3));
    let mut sorted = cleaned();
    sorted.sort();
    assert_eq!(mock.written::<Whole>("public.users"), sorted);
    assert_eq!(
        statements(&mock),
        ["REWRITE public.users", r#"select "id", "name", "email", "note" from public.users order by "id""#,]
    );
}

#[test]
fn rows_that_are_not_mapped_stay_as_they_are() {
    for rewrite in [false, true] {
        let mock = users();
        let transform = mock.transaction().transform::<User, Clean>("public.users");
        let transform = if rewrite { transform.rewrite() } else { transform };
        let only_ada = |user: &User<'_>| user.name.contains("Ada");
        let counts = transform.filter_map(|user| Ok(only_ada(user).then(|| clean(user)))).unwrap();
        assert_eq!(counts.written, if rewrite { 3 } else { 1 });
        let [ada, grace, mut edsger] = cleaned();
        edsger.2 = Some("Edsger@x.org".to_owned());
        assert_eq!(mock.written::<Whole>("public.users"), [ada, grace, edsger]);
    }
}

#[test]
fn a_filter_and_the_number_of_rows_come_from_the_server() {
    let mock = users();
    mock.on_filter("email <> lower(email) and id < $1", |row| {
        let (id, email): (i64, String) = (row.get("id").unwrap(), row.get("email").unwrap());
        email != email.to_lowercase() && id < 3
    });
    let counts = mock
        .transaction()
        .transform::<User, Clean>("public.users")
        .filter("email <> lower(email)\n  and id < $1", &[&3_i64])
        .counted()
        .skip_unchanged()
        .batch_rows(1)
        .map(|user| Ok(clean(user)))
        .unwrap();
    assert_eq!(counts.updated, 1);
    assert_eq!(mock.expected_rows(), Some(1));
    assert_eq!(mock.statements()[2].params, row![3_i64]);
}

#[test]
fn rows_that_have_the_new_values_are_counted() {
    let mock = users();
    let transform = mock.transaction().transform::<User, Clean>("public.users").skip_unchanged();
    let counts = transform.map(|user| Ok(clean(user))).unwrap();
    assert_eq!((counts.written, counts.updated, counts.unchanged), (3, 2, 1));
}

#[derive(FromRow, ToRow)]
struct Renamed {
    id: i64,
    name: String,
}

#[test]
fn a_key_is_left_alone_in_place_and_may_change_in_a_rewrite() {
    let mock = users();
    let tx = mock.transaction();
    let same = tx
        .transform::<Renamed, Renamed>("public.users")
        .map(|user| Ok(Renamed { id: user.id, name: user.name.to_uppercase() }));
    assert_eq!(same.unwrap().updated, 3);
    let next = |user: &Renamed| Renamed { id: user.id + 1, name: user.name.clone() };
    let error = tx.transform::<Renamed, Renamed>("public.users").map(|user| Ok(next(user))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 1 of public.users (id = 3), column id: is another one than was read: a key cannot be \
         changed in place; leave it out, or use `.rewrite()`"
    );
    let mock = users();
    let transform = mock.transaction().transform::<Renamed, Renamed>("public.users").rewrite();
    transform.map(|user| Ok(next(user))).unwrap();
    let ids: Vec<i64> = mock.written::<Whole>("public.users").iter().map(|user| user.0).collect();
    assert_eq!(ids, [4, 2, 3]);
}

#[test]
fn an_error_names_the_row_its_key_and_the_column() {
    let run = |mock: &Mock, fail: fn(&User<'_>) -> Result<()>| {
        let transform = mock.transaction().transform::<User, Clean>("public.users");
        transform.map(|user| fail(user).map(|()| clean(user))).unwrap_err().to_string()
    };
    let of_bail = run(&users(), |user| {
        ensure!(user.name != "Grace", "{} again", user.name);
        Ok(())
    });
    assert_eq!(of_bail, "row 2 of public.users (id = 1): Grace again");
    let of_column = run(&users(), |user| {
        let at = user.email.find("Edsger").map_or(Ok(0), |_| "x".parse::<i32>());
        at.in_column("email")?;
        Ok(())
    });
    assert_eq!(of_column, "row 3 of public.users (id = 2), column email: invalid digit found in string");

    let mock = Mock::new();
    let key = ["day", "tenant"];
    let columns = [("tenant", "uuid"), ("day", "date"), ("name", "text"), ("email", "text")];
    let tenant: Uuid = "0f8fad5b-d9cb-469f-a165-70867728950e".parse().unwrap();
    let row = row![tenant, Date::from_ymd(2024, 2, 29).unwrap(), "x", Value::Null];
    mock.table("public.users", &columns).key(key).rows([row]);
    assert_eq!(
        run(&mock, |_| Ok(())),
        "row 1 of public.users ((day, tenant) = (2024-02-29, 0f8fad5b-d9cb-469f-a165-70867728950e)), \
         column email: is NULL; the field's type would have to be an `Option`"
    );
}

#[derive(ToRow)]
struct Priced {
    price: Numeric,
    mood: Option<char>,
}

#[derive(FromRow)]
struct Price<'a> {
    text: &'a str,
}

#[test]
fn a_value_that_cannot_be_written_names_the_row() {
    #[derive(ToRow)]
    struct Doc {
        doc: JsonOf<std::collections::BTreeMap<Vec<u8>, i32>>,
    }
    let mock = Mock::new();
    mock.table("t", &[("id", "text"), ("text", "text"), ("doc", "jsonb")]).key("id").rows([row![
        "a",
        "1",
        Value::Null
    ]]);
    let transform = mock.transaction().transform::<Price, Doc>("t");
    let error = transform.map(|_| Ok(Doc { doc: JsonOf([(vec![1], 1)].into()) })).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 1 of t (id = a), column doc: cannot be written as JSON: key must be a string"
    );
}

#[test]
fn one_shape_is_read_and_another_written() {
    let mock = Mock::new();
    let columns = [("id", "int4"), ("text", "text"), ("price", "numeric"), ("mood", "bpchar")];
    mock.table("prices", &columns)
        .key("id")
        .rows([row![1, "1.50", Value::Null, "x"], row![2, "free", "9", "y"]]);
    let counts = mock
        .transaction()
        .transform::<Price, Priced>("prices")
        .filter_map(|row| Ok(row.text.parse().ok().map(|price| Priced { price, mood: Some('é') })))
        .unwrap();
    assert_eq!((counts.written, counts.updated), (1, 1));
    let read = mock.written::<(i32, String, Option<Numeric>, Option<char>)>("prices");
    assert_eq!(read[0], (1, "1.50".to_owned(), "1.50".parse().ok(), Some('é')));
    assert_eq!(read[1], (2, "free".to_owned(), "9".parse().ok(), Some('y')));
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_read() {
    #[derive(FromRow)]
    #[allow(dead_code, reason = "only its shape is of interest")]
    struct Misspelt {
        emial: String,
    }
    #[derive(ToRow)]
    struct OnlyKey {
        id: i64,
    }
    let mock = users();
    mock.table("public.log", &[("name", "text"), ("email", "text")]).rows([row!["x", "y"]]);
    mock.table("public.sums", &[("id", "int4"), ("name", "text"), ("email", "text")])
        .key("id")
        .generated("email");
    let tx = mock.transaction();
    let new = || tx.transform::<User, Clean>("public.users");
    let refused = |transform: plugin_sdk::Transform<'_, User<'_>, Clean<'_>>| {
        transform.map(|user| Ok(clean(user))).unwrap_err().to_string()
    };
    let cases = [
        (refused(new().rewrite().filter("true", &[])), "does not go with `.filter(…)`"),
        (refused(new().rewrite().skip_unchanged()), "does not go with `.skip_unchanged(…)`"),
        (refused(new().rewrite().without_lock()), "does not go with `.without_lock(…)`"),
        (refused(new().key("name")), "(name) is not a key of public.users (key)"),
        (refused(tx.transform("public.log")), "public.log has no primary key"),
        (refused(tx.transform("public.sums").rewrite()), "the column `email` of public.sums is generated"),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "{message}");
    }
    let misspelt = tx.transform::<Misspelt, Clean>("public.users");
    let error = misspelt.map(|_| bail!("never")).unwrap_err().to_string();
    assert!(error.starts_with("there is no column `emial` for the field `emial` of `Misspelt`"), "{error}");
    let only_key = tx.transform::<User, OnlyKey>("public.users");
    let error = only_key.map(|_| Ok(OnlyKey { id: 1 })).unwrap_err().to_string();
    assert_eq!(error, "`OnlyKey` has nothing to write to public.users beside its key");
    let positional = tx.transform::<(i64,), Clean>("public.users");
    let error = positional.map(|_| bail!("never")).unwrap_err().to_string();
    assert!(error.starts_with("a transform finds the columns of public.users by name"), "{error}");
    assert!(mock.statements().iter().all(|statement| !statement.sql.starts_with("select")));
}

#[test]
fn a_rewrite_works_without_a_key_and_leaves_generated_columns_to_the_server() {
    let mock = Mock::new();
    mock.table("t", &[("sum", "int4"), ("name", "text"), ("email", "text")])
        .generated("sum")
        .rows([row![Value::Null, " a ", "B"], row![Value::Null, "c", "D"]]);
    let transform = mock.transaction().transform::<User, Clean>("t").rewrite();
    transform.map(|user| Ok(clean(user))).unwrap();
    assert_eq!(mock.written_values("t"), [row![Value::Null, "a", "b"], row![Value::Null, "c", "d"]]);
    let transform = mock.transaction().transform::<User, Clean>("t").rewrite();
    let error = transform.map(|_| bail!("no")).unwrap_err();
    assert_eq!(error.to_string(), "row 1 of t: no");
}

#[test]
fn an_empty_table_stays_empty() {
    for rewrite in [false, true] {
        let mock = Mock::new();
        mock.table("public.users", USERS).key("id");
        let transform = mock.transaction().transform::<User, Clean>("public.users");
        let transform = if rewrite { transform.rewrite() } else { transform };
        assert_eq!(transform.map(|user| Ok(clean(user))).unwrap().written, 0);
    }
}

#[test]
fn more_rows_than_fit_the_buffers_are_all_there() {
    let mock = Mock::new();
    let text = "x".repeat(1000);
    let rows = (0..3000_i64).map(|id| row![id, text.as_str(), "A", Value::Null]);
    mock.table("public.users", USERS).key("id").rows(rows);
    let transform = mock.transaction().transform::<User, Clean>("public.users").batch_rows(700);
    assert_eq!(transform.map(|user| Ok(clean(user))).unwrap().updated, 3000);
    let read = mock.written::<Whole>("public.users");
    assert!(read.iter().all(|user| user.1 == text && user.2.as_deref() == Some("a")));
}

#[test]
fn the_columns_of_tuples_are_named_when_it_runs() {
    let mock = users();
    let counts = mock
        .transaction()
        .transform::<(String, String), (String,)>("public.users")
        .columns(["name", "email"], "name")
        .map(|(name, email)| Ok((format!("{} <{email}>", name.trim()),)))
        .unwrap();
    assert_eq!(counts.updated, 3);
    assert_eq!(mock.written::<Whole>("public.users")[0].1, "Ada <ADA@x.org>");
}

#[test]
fn columns_that_do_not_fit_the_tuple_are_an_error() {
    let transformed = |reads: &[&str], write: &str| {
        let mock = users();
        let transform = mock.transaction().transform::<(String,), (String,)>("public.users");
        transform.columns(reads, write).map(|(text,)| Ok((text.clone(),))).unwrap_err().to_string()
    };
    assert_eq!(
        transformed(&["name", "email"], "name"),
        "a tuple of 1 fields is given 2 columns of public.users"
    );
    assert_eq!(
        transformed(&["nmae"], "name"),
        "there is no column `nmae` for the field `0` of `a tuple`; there are `id`, `name`, `email`, `note`"
    );
    assert!(transformed(&["name"], "note").contains("does not fit the column `note` of type bytea"));
}
