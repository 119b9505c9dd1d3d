//! What bad input gets: a message that names the file, the line and the remedy,
//! a documented exit code, and an unchanged database.

use crate::support::{Database, Project, filters, manifest, probe};

/// Runs the program, which must fail, and returns how it ended with what it
/// said.
#[track_caller]
fn said(project: &Project, args: &[&str]) -> String {
    let finished = project.run(args);
    assert_ne!(finished.code, 0);
    assert_eq!(finished.stdout, "", "standard output is for answers");
    format!("exit code {}\n{}", finished.code, finished.stderr)
}

macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        let value = $value;
        insta::with_settings!({ filters => filters() }, { insta::assert_snapshot!(value, @$expected) });
    };
}

/// A project whose only revision is of kind `sql`, and sound.
fn sound() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    (database, project)
}

fn untouched(database: &Database) {
    assert_eq!(
        database.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
        "0"
    );
    assert_eq!(database.value("SELECT to_regnamespace('runner') IS NULL"), "t");
}

#[test]
fn no_project() {
    let database = Database::new();
    let project = Project::new(&database);
    std::fs::remove_file(project.path("runner.toml")).expect("removes");
    let text = said(&project, &["current"]);
    assert!(text.starts_with("exit code 1\nError: no runner.toml in "), "{text}");
    assert!(text.contains("Hint: Run `runner init`"), "{text}");
}

#[test]
fn no_database_is_configured() {
    let project = Project::without_database();
    project.tables(&["a"]);
    snapshot!(said(&project, &["upgrade", "head"]), @"");
}

#[test]
fn the_url_is_wrong() {
    let project = Project::without_database();
    snapshot!(said(&project, &["current", "--database", "mysql://me:hunter2@db/app"]), @"");
    snapshot!(said(&project, &["current", "--database", "postgresql://me:hunter2@db/app?sslmode=maybe"]), @"");
}

#[test]
fn the_server_is_not_reachable() {
    let project = Project::without_database();
    let url = format!("postgresql://me:hunter2@127.0.0.1:{}/app", crate::support::free_port());
    snapshot!(said(&project, &["current", "--database", &url]), @"");
}

#[test]
fn the_server_refuses() {
    let (database, project) = sound();
    let url = database.url.replace(&database.name, "nowhere");
    snapshot!(said(&project, &["current", "--database", &url]), @"");
}

#[test]
fn the_manifest_has_an_unknown_key() {
    let (database, project) = sound();
    let text = manifest("b", "a", "sql", "").replace("message", "mesage");
    project.write("migrations/b/migration.toml", text);
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    untouched(&database);
}

#[test]
fn the_manifest_is_malformed() {
    let (database, project) = sound();
    project.write("migrations/b/migration.toml", "revision = \"b\nparents = []\n");
    project.write("migrations/c/migration.toml", [0x72, 0xff, 0x3d]);
    project.write("migrations/d/migration.toml", manifest("d", "a", "sql", ""));
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    untouched(&database);
}

#[test]
fn the_configuration_has_an_unknown_key() {
    let (_database, project) = sound();
    project.write("runner.toml", "[session]\nlock_timout = \"5s\"\n");
    snapshot!(said(&project, &["upgrade", "head"]), @"");
}

#[test]
fn the_graph_is_wrong_in_several_ways() {
    let (database, project) = sound();
    project.sql("b", "nowhere", "", "");
    project.sql("c", "d", "", "");
    project.sql("d", "c", "", "");
    project.write("migrations/a2/migration.toml", manifest("a", "", "sql", ""));
    project.write("migrations/a2/upgrade.sql", "");
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    untouched(&database);
}

#[test]
fn the_target_is_wrong() {
    let (database, project) = sound();
    snapshot!(said(&project, &["upgrade", "he@d"]), @"");
    snapshot!(said(&project, &["upgrade", "b"]), @"");
    snapshot!(said(&project, &["upgrade", "+2"]), @"");
    snapshot!(said(&project, &["downgrade", "+1"]), @"");
    snapshot!(said(&project, &["downgrade", "a"]), @"");
    project.sql("b", "a", "", "");
    project.sql("c", "a", "", "");
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    untouched(&database);
}

#[test]
fn the_component_is_none() {
    let (database, project) = sound();
    let whole = probe();
    let wasi = wat::parse_str(
        r#"(component (import "wasi:cli/environment@0.2.0" (instance (export "get-environment" (func)))))"#,
    );
    let other_version = wat::parse_str(r#"(component (import "runner:migration/host@0.2.0" (instance)))"#);
    let core = wat::parse_str("(module)");
    let cases = [
        ("nothing at all", b"hello".to_vec()),
        ("a core module", core.expect("parses")),
        ("truncated", whole[..whole.len() / 2].to_vec()),
        ("with WASI", wasi.expect("parses")),
        ("for another version", other_version.expect("parses")),
    ];
    let texts = cases.map(|(name, component)| {
        project.component("b", "a", &component, "");
        format!("{name}: {}", said(&project, &["upgrade", "head", "--no-build"]))
    });
    snapshot!(texts.join("\n"), @"");
    untouched(&database);
}

#[test]
fn the_component_exceeds_a_limit() {
    let (database, project) = sound();
    project.component(
        "b",
        "a",
        probe(),
        "[params]\nkind = \"nothing\"\ntable = \"t\"\n[capabilities]\nwrite = [\"t\"]\n",
    );
    project.write("runner.toml", "[limits]\ncomponent_bytes = 1000\n");
    let text = said(&project, &["upgrade", "head"]);
    assert!(text.contains("the limit is 1000"), "{text}");
    untouched(&database);
}

#[test]
fn the_parameters_do_not_fit() {
    let (database, project) = sound();
    let component = runner::source::sql_component();
    let params = "\n[params]\ndowngrade = 5\nupgrad = \"x\"\n";
    project.component("b", "a", &component.bytes, params);
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    untouched(&database);
}

#[test]
fn the_component_is_not_built() {
    let (database, project) = sound();
    project.component("b", "a", probe(), "");
    std::fs::remove_file(project.path(".runner/components/b.wasm")).expect("removes");
    snapshot!(said(&project, &["upgrade", "head", "--no-build"]), @"");
    untouched(&database);
}

#[test]
fn the_manifest_grants_too_little() {
    let (database, project) = sound();
    let params = "[params]\nkind = \"nothing\"\ntable = \"public.t_a\"\n";
    project.component("b", "a", probe(), params);
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    untouched(&database);
}

#[test]
fn the_sql_is_wrong() {
    let (_database, project) = sound();
    project.sql("b", "a", "-- what\nCREATE TABLE orders (\n  id bigin PRIMARY KEY\n);\n", "");
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    project.sql("b", "a", "CREATE TABLE x (id int);\nCREATE TABEL y (id int);\n", "");
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    project.sql("b", "a", "CREATE TABLE x (id int);\nCOMMIT;\n", "");
    snapshot!(said(&project, &["upgrade", "head"]), @"");
}

#[test]
fn the_ledger_is_from_a_newer_runner() {
    let (database, project) = sound();
    project.ok(&["upgrade", "head"]);
    database.rows("UPDATE runner.ledger SET version = 99");
    project.tables(&["a", "b"]);
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    assert!(!database.has("t_b"));
}

#[test]
fn the_login_may_not_create_the_ledger() {
    let (database, project) = sound();
    database.rows(&format!("CREATE ROLE \"poor_{}\" LOGIN", database.name));
    let url = database.url.replace("postgres@", &format!("poor_{}@", database.name));
    snapshot!(said(&project, &["upgrade", "head", "--database", &url]), @"");
    untouched(&database);
}

#[test]
fn the_schema_of_the_ledger_belongs_to_somebody_else() {
    let (database, project) = sound();
    database.rows("CREATE SCHEMA runner; CREATE TABLE runner.ledger (id int)");
    snapshot!(said(&project, &["upgrade", "head"]), @"");
    assert!(!database.has("t_a"));
}

#[test]
fn the_command_line_is_wrong() {
    let (_database, project) = sound();
    let finished = project.run(&["upgarde", "head"]);
    assert_eq!(finished.code, 2);
    assert!(finished.stderr.contains("a similar subcommand exists: 'upgrade'"), "{}", finished.stderr);
}

#[test]
fn errors_as_json_are_on_standard_output() {
    let (_database, project) = sound();
    project.sql("b", "a", "SELECT 1/0;", "");
    let finished = project.run(&["upgrade", "head", "--json"]);
    let events: Vec<serde_json::Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert!(events.iter().all(|event| event["version"] == 1));
    let last = events.last().expect("an event");
    assert_eq!((&last["event"], &last["exit_code"]), (&"error".into(), &5.into()));
}
