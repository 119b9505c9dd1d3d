use plugin_sdk::mock::Mock;
use plugin_sdk::prelude::*;
use plugin_sdk::row;

use super::{CREATE, DROP, REJECTS, ReadPriceTexts, SIGHTINGS};

const SIGHTING: [(&str, &str); 4] =
    [("id", "int8"), ("price_text", "text"), ("amount", "numeric"), ("currency", "bpchar")];
const REJECT: [(&str, &str); 3] = [("sighting_id", "int8"), ("price_text", "text"), ("reason", "text")];

/// A row of the sightings.
type Sighting = (i64, String, Option<Numeric>, Option<String>);

/// A database in which crawlers saw these texts, numbered from 1.
fn mock(texts: &[&str]) -> Mock {
    let mock = Mock::new();
    mock.on_execute(CREATE).affects(0);
    let row = |(text, id): (&&str, i64)| row![id, *text, None::<Numeric>, None::<&str>];
    mock.table(SIGHTINGS, &SIGHTING).key("id").rows(texts.iter().zip(1..).map(row));
    mock.table(REJECTS, &REJECT).key("sighting_id");
    mock
}

#[test]
fn prices_are_read_and_what_is_none_is_kept_with_the_reason() {
    let mock = mock(&["€ 1.299,00", "make an offer", "zu verschenken", "450", "12 USD", "26,00"]);
    mock.upgrade(&ReadPriceTexts).expect("the upgrade succeeds");

    let readings: Vec<(i64, Option<String>, Option<String>)> = mock
        .written::<Sighting>(SIGHTINGS)
        .into_iter()
        .map(|(id, _, amount, currency)| (id, amount.map(|amount| amount.to_string()), currency))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    let expected = [
        (1, some("1299.00"), some("EUR")),
        (2, None, None),
        (3, some("0.00"), None),
        (4, None, None),
        (5, some("12.00"), some("USD")),
        (6, None, None),
    ];
    assert_eq!(readings, expected);

    let reject = |id: i64, text: &str, reason: &str| (id, text.to_owned(), reason.to_owned());
    assert_eq!(
        mock.written::<(i64, String, String)>(REJECTS),
        [
            reject(2, "make an offer", "no amount"),
            reject(4, "450", "no currency"),
            reject(6, "26,00", "no currency"),
        ]
    );
    assert_eq!(
        messages(&mock),
        ["read 3 prices, and rejected 3 texts", "rejected: no amount (1)", "rejected: no currency (2)",]
    );
}

#[test]
fn without_sightings_there_is_nothing_to_read() {
    let mock = mock(&[]);
    mock.upgrade(&ReadPriceTexts).expect("the upgrade succeeds");
    assert_eq!(messages(&mock), ["read 0 prices, and rejected 0 texts"]);
}

#[test]
fn the_downgrade_drops_what_was_added_and_leaves_the_texts() {
    let mock = mock(&["€ 5"]);
    mock.on_execute(DROP).affects(0);
    mock.downgrade(&ReadPriceTexts).expect("the downgrade succeeds");
    assert_eq!(mock.statements().len(), 1);
    assert_eq!(mock.written::<Sighting>(SIGHTINGS), [(1, "€ 5".to_owned(), None, None)]);
}

/// The runner refuses a component that asks for more than the manifest grants; a
/// reviewer wonders about a grant that nobody asked for.
#[test]
fn the_manifest_grants_what_is_asked_for() {
    let manifest = include_str!("../migration.toml");
    for capability in ReadPriceTexts::capabilities() {
        let targets: Vec<String> = capability.targets.iter().map(|target| format!("{target:?}")).collect();
        let grant = format!("{} = [{}]", capability.name, targets.join(", "));
        assert!(manifest.lines().any(|line| line == grant), "no `{grant}`");
    }
    let (_, grants) = manifest.split_once("[capabilities]\n").expect("there are capabilities");
    assert_eq!(grants.lines().count(), ReadPriceTexts::capabilities().len());
}

fn messages(mock: &Mock) -> Vec<String> {
    mock.log().into_iter().map(|line| line.message).collect()
}
