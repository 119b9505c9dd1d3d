//! What the policy costs: the audit of effects in large schemas.

use std::time::Duration;

use runner::audit;
use runner::db::{Location, PostgresSession, connect};
use runner::revision::Capabilities;

use crate::measure::{median, shown};
use crate::support::Database;

/// A step that writes rows only, and one that changes the schema: the second
/// has the audit read the catalogs.
const STEPS: [(&str, &str); 2] = [
    ("rows", "INSERT INTO app.t_1 (a) VALUES (1)"),
    (
        "schema",
        "CREATE TABLE app.n (id bigserial PRIMARY KEY); ALTER TABLE app.t_1 ADD c int; DROP TABLE app.t_2 CASCADE",
    ),
];

pub fn run() {
    audits(500, Duration::from_millis(20));
    audits(5_000, Duration::from_millis(200));
}

/// The audit of one step at a number of tables, each with a sequence, three
/// indexes and a foreign key.
fn audits(tables: usize, limit: Duration) {
    let database = Database::new();
    fill(&database, tables);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let location = Location::parse(&database.url).expect("a location");
        let guest = connect(&location, "bench").await.expect("connects").session();
        let control = connect(&location, "bench").await.expect("connects").session();
        let (mut guest, mut control) = (guest.lock().await, control.lock().await);
        for (name, step) in STEPS {
            let mut times = Vec::new();
            for _ in 0..11 {
                times.push(audit(&mut guest, &mut control, step).await);
            }
            let took = median(times);
            let verdict = if took <= limit { "ok" } else { "OVER" };
            let what = format!("audit of a step that changes {name}, {tables} tables");
            println!("{what:<58} {:>10} (at most {}) {verdict}", shown(took), shown(limit));
        }
        let began = std::time::Instant::now();
        let found = audit::joins(&mut guest, &granted()).await.expect("asks");
        assert!(found.is_empty(), "{found:?}");
        println!(
            "{:<58} {:>10}",
            format!("what joins declared tables, {tables} tables"),
            shown(began.elapsed())
        );
    });
}

/// Before and after a step, without the step.
async fn audit(guest: &mut PostgresSession, control: &mut PostgresSession, step: &str) -> Duration {
    guest.batch("BEGIN").await.expect("begins");
    let began = std::time::Instant::now();
    let before = audit::before(guest, Some(control), false).await.expect("looks");
    let looked = began.elapsed();
    guest.batch(step).await.expect("runs");
    let began = std::time::Instant::now();
    let effects = audit::effects(guest, Some(control), &before, &granted()).await.expect("audits");
    let took = looked + began.elapsed();
    assert!(effects.is_empty(), "{effects:?}");
    guest.batch("ROLLBACK").await.expect("rolls back");
    took
}

fn granted() -> Capabilities {
    let app = || vec!["app".to_owned()];
    Capabilities { write: app(), ddl: app(), drop: app(), ..Capabilities::default() }
}

fn fill(database: &Database, tables: usize) {
    database.rows("CREATE SCHEMA app");
    // In parts: one transaction would need a lock for each object.
    for first in (1..=tables).step_by(100) {
        let last = tables.min(first + 99);
        database.rows(&format!(
            "DO $$ BEGIN FOR i IN {first}..{last} LOOP \
             EXECUTE format('CREATE TABLE app.t_%s (id bigserial PRIMARY KEY, a int, b text, c0 timestamptz, \
             parent bigint %s)', i, CASE WHEN i > 1 THEN format('REFERENCES app.t_%s ON DELETE CASCADE', i - 1) END); \
             EXECUTE format('CREATE INDEX ON app.t_%s (a)', i); \
             EXECUTE format('CREATE INDEX ON app.t_%s (parent)', i); END LOOP; END $$"
        ));
    }
    database.rows("VACUUM ANALYZE");
}
