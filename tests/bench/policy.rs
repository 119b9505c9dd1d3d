//! What the policy costs: a statement, a thousand small revisions, many rows, and
//! the audit of effects in large schemas.

use std::time::Duration;

use runner::audit;
use runner::db::{Location, PostgresSession, connect};
use runner::policy::{Context, Policy, ServerFacts};
use runner::revision::Capabilities;

use crate::measure::{in_turns, median, ratio, shown, time};
use crate::support::{Database, Project, manifest};

/// A step that writes rows only, and one that changes the schema: the second
/// has the audit read the catalogs.
const STEPS: [(&str, &str); 2] = [
    ("rows", "INSERT INTO app.t_1 (a) VALUES (1)"),
    (
        "schema",
        "CREATE TABLE app.n (id bigserial PRIMARY KEY); ALTER TABLE app.t_1 ADD c int; DROP TABLE app.t_2 CASCADE",
    ),
];

/// Ordinary statements of migrations.
const STATEMENTS: [(&str, &str); 4] = [
    ("an INSERT of two rows", "INSERT INTO app.users (id, name) VALUES (1, 'a'), (2, 'b')"),
    (
        "an UPDATE with a join",
        "UPDATE app.users u SET name = o.name FROM app.others o WHERE o.id = u.id AND lower(o.name) <> ''",
    ),
    (
        "a CREATE TABLE",
        "CREATE TABLE app.t (id bigint PRIMARY KEY, name text NOT NULL DEFAULT '', at timestamptz DEFAULT now(), \
         other bigint REFERENCES app.users, CHECK (length(name) < 100))",
    ),
    ("an ALTER TABLE", "ALTER TABLE app.users ADD COLUMN phone varchar(32)"),
];

const REVISIONS: usize = 1_000;
const ROWS: usize = 1_000_000;

pub fn run() {
    statements();
    revisions();
    rows();
    audits(500, Duration::from_millis(20));
    audits(5_000, Duration::from_millis(200));
}

fn policy() -> Policy {
    let context = Context {
        default_schema: "public".into(),
        ledger_schemas: vec!["runner".into()],
        allows_unchecked_code: false,
        max_timeout_ms: 1_000,
    };
    let all = || vec!["app".to_owned(), "public".to_owned()];
    let grants = Capabilities { read: all(), write: all(), ddl: all(), ..Capabilities::default() };
    Policy::enforcing(&grants, ServerFacts::built_in(), context).expect("the grants are sound")
}

/// Parse, check and deparse, for the first time and again.
fn statements() {
    for (name, sql) in STATEMENTS {
        let first = (0..501).map(|_| {
            let mut policy = policy();
            time(|| drop(policy.statement(sql).expect("is granted")))
        });
        let first = median(first.collect());
        let mut policy = policy();
        let again =
            median((0..501).map(|_| time(|| drop(policy.statement(sql).expect("is granted")))).collect());
        let verdict = if first <= Duration::from_micros(100) { "ok" } else { "OVER" };
        println!("{name:<58} {:>10} (at most 100 µs) {verdict}; again {}", shown(first), shown(again));
    }
}

/// The same revisions with and without grants. What the policy alone takes of
/// it is measured apart, since a step that declares what it does is audited too.
fn revisions() {
    let statement = |number: usize| format!("CREATE TABLE public.t_{number} (id int PRIMARY KEY, name text)");
    let apply = |grants: &str| {
        let database = Database::new();
        let project = Project::new(&database);
        let mut parent = String::new();
        for number in 0..REVISIONS {
            let id = format!("r{number:04}");
            project.sql(&id, &parent, &statement(number), "");
            project.write(&format!("migrations/{id}/migration.toml"), manifest(&id, &parent, "sql", grants));
            parent = id;
        }
        time(|| drop(project.ok(&["upgrade", "head"])))
    };
    let without = apply("");
    let with = apply("\n[capabilities]\nddl = [\"public\"]\n");
    // Each script is checked when the plan is prepared, and when it is run.
    let checks = time(|| {
        for number in 0..REVISIONS {
            for _ in 0..2 {
                policy().statements(&statement(number)).expect("is granted");
            }
        }
    });
    ratio(
        &format!("{REVISIONS} revisions, and the checks of the policy / without"),
        without + checks,
        without,
        1.25,
    );
    println!("{:<58} {:>10}", format!("{REVISIONS} revisions with the policy and the audit"), shown(with));
}

/// What declaring costs a statement that writes few rows, and one that writes
/// many: the same.
fn rows() {
    for rows in [1_000, ROWS] {
        let apply = |grants: &str| {
            let database = Database::new();
            database.rows("CREATE TABLE public.t (id int, name text)");
            let project = Project::new(&database);
            let insert =
                format!("INSERT INTO public.t SELECT g, 'name ' || g FROM generate_series(1, {rows}) g");
            project.sql("a", "", &insert, "");
            project.write("migrations/a/migration.toml", manifest("a", "", "sql", grants));
            project.ok(&["upgrade", "head"]);
        };
        let declared = "\n[capabilities]\nwrite = [\"public.t\"]\n";
        let (with, without) = in_turns(5, || apply(declared), || apply(""));
        println!(
            "{:<58} {:>10} {:>10}",
            format!("{rows} rows in one statement, declared, and not"),
            shown(with),
            shown(without)
        );
    }
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
