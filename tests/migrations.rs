//! The real project in `migrations/`, on a real server.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::Database;

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
    runner(&database, &["upgrade", "head"]);
    let repaired = database.dump();
    assert_ne!(damaged, repaired);
    runner(&database, &["downgrade", "-1"]);
    same(&sorted(&database.dump()), &sorted(&damaged));
    runner(&database, &["upgrade", "head"]);
    same(&without_times(&database.dump()), &without_times(&repaired));
    runner(&database, &["upgrade", "head"]);
    runner(&database, &["downgrade", "base"]);
    assert_eq!(
        database.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
        "0"
    );
    runner(&database, &["upgrade", "head"]);
    same(&without_times(&database.dump()), &without_times(&repaired));
    assert_eq!(runner(&database, &["current"]), "8b01c7d2aa90 (head)\n");
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
    let damaged = "SELECT count(*) FROM listings WHERE title ~ 'âœ…|‚úÖ|â”€' OR description ~ 'âœ…|‚úÖ|â”€'";
    assert_eq!(database.value(damaged), "0");
    assert_eq!(database.value("SELECT count(*) > 0 FROM listings WHERE title LIKE '%✅%'"), "t");
}
