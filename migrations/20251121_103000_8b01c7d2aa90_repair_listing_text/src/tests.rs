use plugin_sdk::mock::Mock;
use plugin_sdk::prelude::*;
use plugin_sdk::row;

use super::{READ_BEYOND_ASCII, RepairListingText, SAVED, WRITE_REPAIRED, WRITE_SAVED};

const LISTING: [(&str, &str); 4] =
    [("id", "uuid"), ("title", "text"), ("description", "text"), ("updated_at", "timestamptz")];
const SAVED_TEXT: [(&str, &str); 6] = [
    ("listing_id", "uuid"),
    ("title", "text"),
    ("description", "text"),
    ("repaired_title", "text"),
    ("repaired_description", "text"),
    ("updated_at", "timestamptz"),
];

/// A row of the saved texts.
type Saved = (Uuid, String, Option<String>, String, Option<String>, TimestampTz);

fn id(number: u8) -> Uuid {
    Uuid([number; 16])
}

/// A database with three listings: damaged in both columns, sound, and damaged
/// in the title with no description.
fn mock() -> Mock {
    let mock = Mock::new();
    mock.accept_everything();
    mock.table(SAVED, &SAVED_TEXT);
    mock.on_query(READ_BEYOND_ASCII).returns(
        &LISTING,
        [
            row![id(1), "CafÃ© table", "âœ… solid ‚Äî oak", TimestampTz(10)],
            row![id(2), "Ã la carte", "“CAFÉ”", TimestampTz(20)],
            row![id(3), "‚úÖ Box", None::<&str>, TimestampTz(30)],
        ],
    );
    mock
}

#[test]
fn damaged_listings_are_saved_with_their_repaired_text() {
    let mock = mock();
    mock.on_execute(WRITE_REPAIRED).affects(2);
    mock.upgrade(&RepairListingText).expect("the upgrade succeeds");

    let text = |text: &str| text.to_owned();
    let expected: [Saved; 2] = [
        (
            id(1),
            text("CafÃ© table"),
            Some(text("âœ… solid ‚Äî oak")),
            text("Café table"),
            Some(text("✅ solid — oak")),
            TimestampTz(10),
        ),
        (id(3), text("‚úÖ Box"), None, text("✅ Box"), None, TimestampTz(30)),
    ];
    assert_eq!(mock.written::<Saved>(SAVED), expected);
    assert_eq!(
        messages(&mock),
        [
            "for example\nbefore: CafÃ© table\nafter:  Café table",
            "for example\nbefore: ‚úÖ Box\nafter:  ✅ Box",
            "repaired 2 of 3 listings with text beyond ASCII (titles: 2, descriptions: 1)",
        ]
    );
}

#[test]
fn listings_edited_meanwhile_are_reported() {
    let mock = mock();
    mock.on_execute(WRITE_REPAIRED).affects(1);
    mock.upgrade(&RepairListingText).expect("the upgrade succeeds");
    assert_eq!(
        messages(&mock).last().map(String::as_str),
        Some("left alone, since they were edited meanwhile: 1")
    );
}

#[test]
fn the_downgrade_puts_the_text_back_and_drops_what_was_saved() {
    let mock = mock();
    mock.on_execute(WRITE_SAVED).affects(2);
    mock.downgrade(&RepairListingText).expect("the downgrade succeeds");

    let statements: Vec<String> = mock.statements().into_iter().map(|statement| statement.sql).collect();
    assert_eq!(statements, [WRITE_SAVED, "DROP TABLE public.listing_text_before_repair"]);
    assert_eq!(messages(&mock), ["listings whose text was put back: 2"]);
}

/// The runner refuses a component that asks for more than the manifest grants; a
/// reviewer wonders about a grant that nobody asked for.
#[test]
fn the_manifest_grants_what_is_asked_for() {
    let manifest = include_str!("../migration.toml");
    for capability in RepairListingText::capabilities() {
        let targets: Vec<String> = capability.targets.iter().map(|target| format!("{target:?}")).collect();
        let grant = format!("{} = [{}]", capability.name, targets.join(", "));
        assert!(manifest.lines().any(|line| line == grant), "no `{grant}`");
    }
    let (_, grants) = manifest.split_once("[capabilities]\n").expect("there are capabilities");
    assert_eq!(grants.lines().count(), RepairListingText::capabilities().len());
}

fn messages(mock: &Mock) -> Vec<String> {
    mock.log().into_iter().map(|line| line.message).collect()
}
