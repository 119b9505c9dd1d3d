//! Bulk changes by key, through the program and a component, on a real server:
//! each leaves what the same change in SQL leaves, or nothing.

mod ahead;
mod delete;
mod open;
mod rewrite;
mod savepoint;
mod transform;
mod update;
mod upsert;
mod whole;

use tokio_postgres::{Client, NoTls};

use crate::support::{Database, Finished, Project, bulk};

/// What the guest is to do; see `tests/guests/bulk`.
#[derive(Clone, Debug, Default)]
struct Bulk {
    params: Vec<(&'static str, String)>,
    grants: String,
    config: String,
}

/// A change of `public.t` by rows that a query reads, with all that it needs.
fn change(open: &str, columns: &[&str], read: &str) -> Bulk {
    Bulk::default()
        .with("open", open)
        .with("table", "public.t")
        .with("columns", columns.join("\n"))
        .with("read", read)
        .granting("read = [\"public.*\"]\nwrite = [\"public.t\"]")
}

impl Bulk {
    /// Sets a parameter.
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.params.retain(|(other, _)| *other != name);
        self.params.push((name, value.into()));
        self
    }

    /// The lines of `[capabilities]`.
    fn granting(mut self, grants: &str) -> Self {
        grants.clone_into(&mut self.grants);
        self
    }

    /// The text of runner.toml.
    fn configured(mut self, config: &str) -> Self {
        config.clone_into(&mut self.config);
        self
    }

    /// Adds the revision `b` to a project.
    fn revision(&self, project: &Project) {
        let params: Vec<_> = self.params.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
        let more = format!("[params]\n{}\n[capabilities]\n{}\n", params.join("\n"), self.grants);
        project.component("b", "", bulk(), &more);
    }

    /// A project in which nothing was applied yet.
    fn project(&self, database: &Database) -> Project {
        database.rows("DROP SCHEMA IF EXISTS runner CASCADE");
        let project = Project::new(database);
        project.write("runner.toml", &self.config);
        self.revision(&project);
        project
    }

    fn run(&self, database: &Database) -> Finished {
        self.project(database).run(&["upgrade", "head"])
    }

    /// Runs it, which must succeed, and returns what the guest said.
    #[track_caller]
    fn ok(&self, database: &Database) -> String {
        let finished = self.run(database);
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        assert_eq!(stages(database), [""; 0]);
        finished.stderr
    }

    /// Runs it, which must fail saying `expected`, leave `t` as it is, and keep
    /// no other migration from succeeding.
    #[track_caller]
    fn fails(&self, database: &Database, expected: &str) -> String {
        let before = contents(database, "t");
        let project = self.project(database);
        let said = project.fails(5, &["upgrade", "head"]);
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("runner_stage_"), "{said}");
        assert!(said.contains("This step was rolled back."), "{said}");
        assert_eq!(contents(database, "t"), before, "{said}");
        assert_eq!(stages(database), [""; 0]);
        Bulk::default()
            .with("open", "describe")
            .with("table", "public.t")
            .granting("read = [\"public.t\"]")
            .revision(&project);
        project.ok(&["upgrade", "head"]);
        said
    }
}

/// Stages that are still there.
fn stages(database: &Database) -> Vec<String> {
    database.rows("SELECT relname FROM pg_class WHERE relname LIKE 'runner_stage%'")
}

fn contents(database: &Database, table: &str) -> Vec<String> {
    database.rows(&format!("SELECT x::text FROM {table} AS x ORDER BY 1"))
}

/// A database with `t` and its copy `e`, on which `sql` makes the change that is
/// expected.
#[track_caller]
fn same_as(setup: &str, bulk: &Bulk, sql: &str) -> String {
    let database = Database::new();
    database.rows(setup);
    database
        .rows("CREATE TABLE e (LIKE t INCLUDING ALL); INSERT INTO e OVERRIDING SYSTEM VALUE SELECT * FROM t");
    let said = bulk.ok(&database);
    database.rows(sql);
    assert_eq!(contents(&database, "t"), contents(&database, "e"), "{said}");
    said
}

/// A session that does something while a migration runs.
struct Other {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Other {
    fn new(database: &Database) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (client, connection) =
            runtime.block_on(tokio_postgres::connect(&database.url, NoTls)).expect("connects");
        runtime.spawn(connection);
        Self { runtime, client }
    }

    fn run(&self, sql: &str) {
        let done = self.runtime.block_on(self.client.batch_execute(sql));
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// Waits until a session waits for a lock on a relation.
    fn wait_for_waiting(&self, relation: &str) {
        let sql = format!("SELECT 1 FROM pg_locks WHERE relation = '{relation}'::regclass AND NOT granted");
        for _ in 0..600 {
            let rows = self.runtime.block_on(self.client.simple_query(&sql)).expect("answers");
            if rows.iter().any(|row| matches!(row, tokio_postgres::SimpleQueryMessage::Row(_))) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("nobody waits for {relation}");
    }
}

/// Runs a migration that reads `gate` before it finishes; meanwhile another
/// session does `sql`. It returns how the migration ended.
fn while_waiting(database: &Database, bulk: &Bulk, sql: &str) -> Finished {
    database.rows("CREATE TABLE gate (id int)");
    let bulk = bulk
        .clone()
        .with("between", "SELECT id FROM public.gate")
        .configured("[session]\nlock_timeout = \"60s\"\n");
    let project = bulk.project(database);
    let other = Other::new(database);
    other.run("BEGIN; LOCK TABLE gate");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| project.run(&["upgrade", "head"]));
        other.wait_for_waiting("gate");
        database.rows(sql);
        other.run("COMMIT");
        run.join().expect("it ends")
    })
}
