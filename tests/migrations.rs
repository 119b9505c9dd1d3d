//! The real project in `migrations/`, on a real server.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::Database;

/// The last revision before the branches.
const REPAIR: &str = "8b01c7d2aa90";

/// The texts of the listings after the repair, each with its id.
const REPAIRED: &str = "55fe14dfdd8dd8ffeaaf03f262ba6808";

/// The revision that has the prices as text.
const SIGHTINGS: &str = "7c20de5b9f34";

/// The revision that reads the prices.
const PRICES: &str = "b5f8137ac0e2";

/// Runs the program in the repository itself.
pub fn runner(database: &Database, args: &[&str]) -> String {
    let output = run(database, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The same where it must fail; returns what it says.
pub fn fails(database: &Database, args: &[&str]) -> String {
    let output = run(database, args);
    assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn run(database: &Database, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runner"))
        .args(args)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .env("DATABASE_URL", &database.url)
        .env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
        .output()
        .expect("the program runs")
}

#[test]
fn going_down_restores_every_byte_and_going_up_again_gives_the_same() {
    let database = Database::new();
    runner(&database, &["upgrade", "d41f6a3c9e27"]);
    let damaged = database.dump();
    runner(&database, &["upgrade", REPAIR]);
    let repaired = database.dump();
    assert_ne!(damaged, repaired);
    runner(&database, &["downgrade", "-1"]);
    same(&sorted(&database.dump()), &sorted(&damaged));
    runner(&database, &["upgrade", "head"]);
    let merged = database.dump();
    runner(&database, &["downgrade", REPAIR]);
    same(&without_times(&database.dump()), &without_times(&repaired));
    runner(&database, &["upgrade", "head"]);
    same(&without_times(&database.dump()), &without_times(&merged));
    runner(&database, &["downgrade", "base"]);
    assert_eq!(
        database.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
        "0"
    );
    runner(&database, &["upgrade", "head"]);
    same(&without_times(&database.dump()), &without_times(&merged));
    assert!(runner(&database, &["current"]).starts_with("f84b2c6e17d9 "));
}

/// Compares dumps, and shows only what differs.
#[track_caller]
fn same(found: &[String], expected: &[String]) {
    let only_in =
        |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>();
    assert!(found == expected, "{:#?}\nexpected: {:#?}", only_in(found, expected), only_in(expected, found));
}

/// An UPDATE moves rows, so their order tells nothing.
fn sorted(dump: &str) -> Vec<String> {
    let mut lines: Vec<String> = dump.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What is set to the time of the run differs from run to run.
pub fn without_times(dump: &str) -> Vec<String> {
    let without_times = |line: &str| {
        let fields = line.split('\t').map(|field| if is_time(field) { "[time]" } else { field });
        fields.collect::<Vec<_>>().join("\t")
    };
    sorted(&dump.lines().map(without_times).collect::<Vec<_>>().join("\n"))
}

fn is_time(field: &str) -> bool {
    field.len() >= 22 && field.starts_with("20") && field.as_bytes()[4] == b'-' && field.contains(':')
}

#[test]
fn damaged_text_is_repaired_and_sound_text_left_alone() {
    let database = Database::new();
    runner(&database, &["upgrade", "d41f6a3c9e27"]);
    let sound =
        "SELECT id, title, description FROM listings WHERE title LIKE 'Ã la carte%' OR title LIKE '“CAFÉ”%'";
    let before = database.rows(sound);
    assert_eq!(before.len(), 2);
    runner(&database, &["upgrade", "head"]);
    assert_eq!(database.rows(sound), before);
    let texts = "SELECT md5(string_agg(id || E'\\t' || title || E'\\t' || coalesce(description, ''), E'\\n' ORDER BY id))
        FROM listings";
    assert_eq!(database.value(texts), REPAIRED);
    let damaged = "SELECT count(*) FROM listings WHERE title ~ 'âœ…|‚úÖ|â”€' OR description ~ 'âœ…|‚úÖ|â”€'";
    assert_eq!(database.value(damaged), "0");
    assert_eq!(database.value("SELECT count(*) > 0 FROM listings WHERE title LIKE '%✅%'"), "t");
}

#[test]
fn what_the_repair_changes_is_touched_and_its_time_comes_back() {
    let database = Database::new();
    runner(&database, &["upgrade", "d41f6a3c9e27"]);
    let times = "SELECT id, updated_at FROM listings ORDER BY id";
    let before = database.rows(times);
    runner(&database, &["upgrade", REPAIR]);
    let touched = "SELECT count(*) FROM listings WHERE updated_at > '2026-01-01'";
    assert_eq!(database.value(touched), "34");
    let edited = "5eed0001-0000-4000-8000-000000000010";
    database.rows(&format!("UPDATE listings SET title = 'Ramekins' WHERE id = '{edited}'"));
    runner(&database, &["downgrade", "-1"]);
    let differs = |(was, is): (&String, &String)| (was != is).then(|| is.clone());
    let changed: Vec<String> = before.iter().zip(&database.rows(times)).filter_map(differs).collect();
    assert!(matches!(&changed[..], [only] if only.starts_with(edited)), "{changed:?}");
    assert_eq!(database.value(&format!("SELECT title FROM listings WHERE id = '{edited}'")), "Ramekins");
}

#[test]
fn scores_and_notifications_are_touched_like_all_else() {
    let database = Database::new();
    runner(&database, &["upgrade", "head"]);
    let pretend = "UPDATE listing_scores SET updated_at = '2025-12-01';
        UPDATE notifications SET updated_at = '2025-12-01';
        UPDATE listing_scores SET score = 100 - score WHERE score = (SELECT max(score) FROM listing_scores);
        UPDATE notifications SET channel = channel";
    database.rows(pretend);
    let old = |table: &str| {
        database.value(&format!("SELECT count(*) > 0, bool_and(updated_at = '2025-12-01') FROM {table}"))
    };
    assert_eq!(old("listing_scores"), "t|f");
    assert_eq!(old("notifications"), "t|t", "an UPDATE that changes nothing is no change");
    runner(&database, &["downgrade", PRICES]);
    let left = "SELECT count(*) FROM information_schema.columns
        WHERE column_name = 'updated_at' AND table_name IN ('listing_scores', 'comps', 'notifications')";
    assert_eq!(database.value(left), "0");
    let function = "SELECT count(*) FROM pg_proc WHERE proname = 'touch_updated_at'";
    assert_eq!(database.value(function), "1", "the function is another revision's");
}

#[test]
fn addresses_have_their_city_and_country_in_columns_and_get_them_back() {
    let database = Database::new();
    runner(&database, &["upgrade", PRICES]);
    let orders = "SELECT external_id, ship_to, updated_at FROM orders ORDER BY external_id";
    let before = database.rows(orders);
    runner(&database, &["upgrade", "head"]);
    assert_eq!(
        database.rows("SELECT ship_city, ship_country, ship_to FROM orders ORDER BY external_id"),
        [
            "Köln|DE|{\"name\": \"Jürgen Groß\"}",
            "Lyon|FR|{\"name\": \"Zoë O’Connor\"}",
            "Leeds|GB|{\"name\": \"Renée Müller-Lüdenscheidt\"}",
        ]
    );
    assert_eq!(database.value("SELECT count(*) FROM orders_ship_to_rejects"), "0");
    runner(&database, &["downgrade", PRICES]);
    assert_eq!(database.rows(orders), before);
}

#[test]
fn the_lock_is_that_of_the_catalogue_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let lock = std::fs::read_to_string(root.join("runner.lock")).expect("reads");
    let built = Command::new(env!("CARGO_BIN_EXE_runner"))
        .args(["build", "--locked"])
        .current_dir(&root)
        .env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
        .output()
        .expect("the program runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert_eq!(std::fs::read_to_string(root.join("runner.lock")).expect("reads"), lock);
    for plugin in ["json-to-columns", "repair-text", "timestamps"] {
        assert!(lock.contains(&format!("source = \"path:plugins/{plugin}\"")), "{lock}");
    }
}

#[test]
fn crawled_prices_become_amounts_and_the_others_are_kept_with_the_reason() {
    let database = Database::new();
    runner(&database, &["upgrade", SIGHTINGS]);
    let texts = "SELECT id, price_text FROM price_sightings ORDER BY id";
    let seen = database.rows(texts);
    assert_eq!(seen.len(), 72);
    runner(&database, &["upgrade", "head"]);
    assert_eq!(database.rows(texts), seen, "the texts stay");
    let read = |text: &str| {
        let price = "SELECT amount, currency FROM price_sightings WHERE price_text";
        database.value(&format!("{price} = '{text}'"))
    };
    assert_eq!(read("€ 1.299,00"), "1299.00|EUR");
    assert_eq!(read("1''090.50 CHF"), "1090.50|CHF");
    assert_eq!(read("Zu verschenken"), "0.00|");
    assert_eq!(read("make an offer"), "|");
    assert_eq!(
        database.rows("SELECT reason, count(*) FROM price_rejects GROUP BY reason ORDER BY reason"),
        [
            "below zero|1",
            "could be DKK, NOK or SEK|3",
            "more than one amount|2",
            "more than one currency|1",
            "no amount|1",
            "no currency|1",
            "not a number|1",
            "words that are not understood|3",
        ]
    );
    let neither = "SELECT count(*) FROM price_sightings s LEFT JOIN price_rejects r ON r.sighting_id = s.id
        WHERE (s.amount IS NULL) <> (r.sighting_id IS NOT NULL)";
    assert_eq!(database.value(neither), "0", "each text is read or rejected");
    runner(&database, &["downgrade", SIGHTINGS]);
    assert_eq!(database.rows(texts), seen);
    assert!(!database.has("price_rejects"));
}

#[test]
fn the_branches_can_be_applied_one_by_one_and_meet_again() {
    let database = Database::new();
    runner(&database, &["upgrade", "a2f6c80e91d4"]);
    assert_eq!(database.value("SELECT to_regclass('reviews')"), "");
    assert_eq!(database.value("SELECT count(*) FROM payments"), "3");
    runner(&database, &["upgrade", "head"]);
    database.rows(
        "INSERT INTO reviews (order_id, stars, body, is_complaint)
             SELECT id, 1, 'a leg is missing', true FROM orders WHERE external_id = 'O-302';
         INSERT INTO payouts (user_id, bank_ref, amount, currency, planned_for)
             VALUES (gen_random_uuid(), 'vault:bank/1', 35.88, 'EUR', '2025-12-05');
         UPDATE payments SET provider = 'card', provider_ref = 'c1', payout_id = 1
             WHERE order_id = (SELECT id FROM orders WHERE external_id = 'O-302')",
    );
    assert_eq!(database.rows("SELECT payout_id, open_complaints FROM payouts_on_hold"), ["1|1"]);
    assert_eq!(database.rows("SELECT stars, reviews FROM seller_ratings"), ["1.00|1"]);
    database.rows("UPDATE reviews SET resolved_at = now()");
    assert_eq!(database.value("SELECT count(*) FROM payouts_on_hold"), "0");
    runner(&database, &["downgrade", REPAIR]);
    assert_eq!(database.value("SELECT to_regclass('payments')"), "");
}

#[test]
fn a_dependency_on_the_other_branch_is_applied_before() {
    let database = Database::new();
    runner(&database, &["upgrade", "0d7ab4e6f315"]);
    // What it depends on came along, and what comes after that did not.
    assert!(database.has("payments"));
    assert!(!database.has("payouts"));
    let drawn = runner(&database, &["graph"]);
    assert!(drawn.contains("0d7ab4e6f315 applied (current)"), "{drawn}");
    assert!(drawn.contains("depends on 4e19b7d05c3a"), "{drawn}");
}
