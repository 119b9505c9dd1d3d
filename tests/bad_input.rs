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
    snapshot!(said(&project, &["upgrade", "head"]), @r"
    exit code 1
    Error: no database is configured
    Hint: Pass `--database URL`, set DATABASE_URL or PGHOST and the like, or set `database.url` in runner.toml.
    Hint: To try things out without a server, pass `--database embedded:PATH`.
    ");
}

#[test]
fn the_url_is_wrong() {
    let project = Project::without_database();
    snapshot!(said(&project, &["current", "--database", "mysql://me:hunter2@db/app"]), @r"
    exit code 1
    Error: the database that --database names cannot be understood
    Caused by:
    1: a `mysql://` URL names no PostgreSQL; `postgresql://user@host:port/database` or `embedded` is expected
    ");
    snapshot!(said(&project, &["current", "--database", "postgresql://me:hunter2@db/app?sslmode=maybe"]), @r"
    exit code 1
    Error: the database that --database names cannot be understood
    Caused by:
    1: `sslmode` cannot be `maybe`; `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full` is expected
    ");
}

#[test]
fn the_server_is_not_reachable() {
    let project = Project::without_database();
    let url = format!("postgresql://me:hunter2@127.0.0.1:{}/app", crate::support::free_port());
    snapshot!(said(&project, &["current", "--database", &url]), @r"
    exit code 7
    Error: the server of database `app` on 127.0.0.1:[port] as `me` cannot be reached
    Caused by:
    1: Connection refused (os error 111)
    Hint: Is the server running, and is the address right? `runner config` shows where the address is from; `runner wait` and `--wait 60s` wait for a server that is starting.
    ");
}

#[test]
fn the_server_refuses() {
    let (database, project) = sound();
    let url = database.url.replace(&database.name, "nowhere");
    snapshot!(said(&project, &["current", "--database", &url]), @r#"
    exit code 1
    Error: the server refuses a connection to database `nowhere` on 127.0.0.1:[port] as `owner` (3D000)
    Caused by:
    1: database "nowhere" does not exist
    Hint: Create the database first: `createdb NAME`. `runner config` shows where its name is from.
    "#);
}

#[test]
fn the_manifest_has_an_unknown_key() {
    let (database, project) = sound();
    let text = manifest("b", "a", "sql", "").replace("message", "mesage");
    project.write("migrations/b/migration.toml", text);
    snapshot!(said(&project, &["upgrade", "head"]), @r"
    exit code 1
    Error: the revisions cannot be read
    Caused by:
    1: migrations/b/migration.toml:3:1: unknown key `mesage`
    Hint: Did you mean `message`?
    ");
    untouched(&database);
}

#[test]
fn the_manifest_is_malformed() {
    let (database, project) = sound();
    project.write("migrations/b/migration.toml", "revision = \"b\nparents = []\n");
    project.write("migrations/c/migration.toml", [0x72, 0xff, 0x3d]);
    project.write("migrations/d/migration.toml", manifest("d", "a", "sql", ""));
    snapshot!(said(&project, &["upgrade", "head"]), @r#"
    exit code 1
    Error: the revisions cannot be read
    Caused by:
    1: migrations/b/migration.toml:1:14: invalid basic string, expected `"`
    2: migrations/c/migration.toml is not UTF-8 (byte 1)
    3: revision `d` of kind `sql` has no upgrade.sql in migrations/d
    Hint: Save the file as UTF-8.
    "#);
    untouched(&database);
}

#[test]
fn the_configuration_has_an_unknown_key() {
    let (_database, project) = sound();
    project.write("runner.toml", "[session]\nlock_timout = \"5s\"\n");
    snapshot!(said(&project, &["upgrade", "head"]), @r"
    exit code 1
    Error: runner.toml:2:1: unknown key `lock_timout`
    Hint: Did you mean `lock_timeout`?
    ");
}

#[test]
fn the_graph_is_wrong_in_several_ways() {
    let (database, project) = sound();
    project.sql("b", "nowhere", "", "");
    project.sql("c", "d", "", "");
    project.sql("d", "c", "", "");
    project.write("migrations/a2/migration.toml", manifest("a", "", "sql", ""));
    project.write("migrations/a2/upgrade.sql", "");
    snapshot!(said(&project, &["upgrade", "head"]), @r"
    exit code 1
    Error: the revisions do not fit together
    Caused by:
    1: revision `a` exists twice: in migrations/a and in migrations/a2
    2: revision `b` names unknown parent `nowhere` (migrations/b)
    3: revisions form a cycle: `c` → `d` → `c`
    Hint: Put it right in the manifests (`migration.toml`) that are named above.
    ");
    untouched(&database);
}

#[test]
fn the_target_is_wrong() {
    let (database, project) = sound();
    snapshot!(said(&project, &["upgrade", "he@d"]), @r"
    exit code 1
    Error: there is no branch `he`: it is neither a label nor the id of a revision
    Hint: Run `runner branches` to see the branches and their labels.
    ");
    snapshot!(said(&project, &["upgrade", "b"]), @r"
    exit code 1
    Error: no revision's id begins with `b`, and no branch has that label
    Hint: Run `runner history` to see the revisions.
    ");
    snapshot!(said(&project, &["upgrade", "+2"]), @r"
    exit code 1
    Error: `+2` asks for 2 steps, and there are 1
    ");
    snapshot!(said(&project, &["downgrade", "+1"]), @r"
    exit code 2
    Error: `+1` is no target for `downgrade`
    ");
    snapshot!(said(&project, &["downgrade", "a"]), @r"
    exit code 1
    Error: revision `a` is not applied, so there is no way down to it
    Hint: Run `runner current` to see where the database is.
    ");
    project.sql("b", "a", "", "");
    project.sql("c", "a", "", "");
    snapshot!(said(&project, &["upgrade", "head"]), @r"
    exit code 1
    Error: there are 2 heads: `b`, `c`
    Hint: Go to all of them with `heads`, to one with `LABEL@head` or its id, as in `c`; or join them: `runner merge heads -m MESSAGE`.
    ");
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
    snapshot!(texts.join("\n"), @r"
    nothing at all: exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: its component (.runner/components/b.wasm) is refused
    2: this is not a WebAssembly file
    Hint: Delete the file and run `runner build`.

    a core module: exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: its component (.runner/components/b.wasm) is refused
    2: this is a core module, not a component: run `runner build`

    truncated: exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: its component (.runner/components/b.wasm) is refused
    2: the component is damaged: unexpected end-of-file (at offset [offset])
    Hint: Delete the file and run `runner build`.

    with WASI: exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: its component (.runner/components/b.wasm) is refused
    2: the component imports `wasi:cli/environment@0.2.0`, which no migration may use: build it for `wasm32-unknown-unknown` (`runner build` does), or stub WASI (`componentize-py --stub-wasi`, `componentize-js` with all features disabled)

    for another version: exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: its component (.runner/components/b.wasm) is refused
    2: the component was made for version 0.2.0 of the interface; this runner offers 0.1.1
    Hint: Build it against the `plugin-sdk` of this runner's version.
    ");
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
    snapshot!(said(&project, &["upgrade", "head"]), @r#"
    exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: its parameters do not fit: migrations/b/migration.toml:7:1: `downgrade`: 5 is not of type "string"; migrations/b/migration.toml:6:1: Additional properties are not allowed ('upgrad' was unexpected); migrations/b/migration.toml:6:1: "upgrade" is a required property
    "#);
    untouched(&database);
}

#[test]
fn the_component_is_not_built() {
    let (database, project) = sound();
    project.component("b", "a", probe(), "");
    std::fs::remove_file(project.path(".runner/components/b.wasm")).expect("removes");
    snapshot!(said(&project, &["upgrade", "head", "--no-build"]), @r"
    exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: its component is not built from the sources as they are
    Hint: Run `runner build`.
    ");
    untouched(&database);
}

#[test]
fn the_manifest_grants_too_little() {
    let (database, project) = sound();
    let params = "[params]\nkind = \"nothing\"\ntable = \"public.t_a\"\n";
    project.component("b", "a", probe(), params);
    snapshot!(said(&project, &["upgrade", "head"]), @r#"
    exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: it asks for what the manifest does not grant: `write` on public.t_a (the tests write)
    Hint: If that is meant, add to [capabilities] in its migration.toml: write = ["public.t_a"]
    "#);
    untouched(&database);
}

#[test]
fn the_sql_is_wrong() {
    let (_database, project) = sound();
    project.sql("b", "a", "-- what\nCREATE TABLE orders (\n  id bigin PRIMARY KEY\n);\n", "");
    snapshot!(said(&project, &["upgrade", "head"]), @r#"
    exit code 5
    2 revisions to upgrade.
    Isolation: policy; migrations run in the runner's own session.
      applied  a message of a ([time], 1 statement, 0 rows)
    Error: upgrade of `b` failed
    Caused by:
    1: statement 1 of 1 was rejected by PostgreSQL (42704)
    2: type "bigin" does not exist
       migrations/b/upgrade.sql:3:6
       LINE 3:   id bigin PRIMARY KEY
                    ^
    Applied: 1 revision. Not tried: 0 revisions. This step was rolled back.
    Hint: Run `runner current` to see where the database is.
    "#);
    project.sql("b", "a", "CREATE TABLE x (id int);\nCREATE TABEL y (id int);\n", "");
    snapshot!(said(&project, &["upgrade", "head"]), @r#"
    exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: syntax error at or near "TABEL"
       migrations/b/upgrade.sql:2:8
       LINE 2: CREATE TABEL y (id int);
                      ^
    "#);
    project.sql("b", "a", "CREATE TABLE x (id int);\nCOMMIT;\n", "");
    snapshot!(said(&project, &["upgrade", "head"]), @r"
    exit code 1
    Error: revision `b` cannot be run; nothing was changed
    Caused by:
    1: COMMIT is not permitted in a migration: every revision runs in a transaction that the runner owns, so leave it out; code has savepoints of its own (TransactionStmt)
       migrations/b/upgrade.sql:2:1
       LINE 2: COMMIT;
               ^
    ");
}

#[test]
fn the_ledger_is_from_a_newer_runner() {
    let (database, project) = sound();
    project.ok(&["upgrade", "head"]);
    database.rows("UPDATE runner.ledger SET version = 99");
    project.tables(&["a", "b"]);
    snapshot!(said(&project, &["upgrade", "head"]), @r"
    exit code 1
    Error: the ledger in schema `runner` has version 99; this runner knows versions up to 4
    Hint: Use the runner that made it, or a newer one.
    ");
    assert!(!database.has("t_b"));
}

#[test]
fn the_login_may_not_create_the_ledger() {
    let (database, project) = sound();
    database.rows(&format!("CREATE ROLE \"poor_{}\" LOGIN", database.name));
    let url = database.url.replace("owner@", &format!("poor_{}@", database.name));
    snapshot!(said(&project, &["upgrade", "head", "--database", &url]), @r#"
    exit code 1
    1 revision to upgrade.
    Error: this login may not create the ledger in schema `runner`
    Caused by:
    1: permission denied for database [database]
    Hint: Have an administrator run: CREATE SCHEMA "runner" AUTHORIZATION your_role;
    "#);
    untouched(&database);
}

#[test]
fn the_schema_of_the_ledger_belongs_to_somebody_else() {
    let (database, project) = sound();
    database.rows("CREATE SCHEMA runner; CREATE TABLE runner.ledger (id int)");
    snapshot!(said(&project, &["upgrade", "head"]), @r"
    exit code 1
    Error: schema `runner` exists and is no ledger of runner
    Hint: Choose another name with `ledger.schema` in runner.toml.
    ");
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
