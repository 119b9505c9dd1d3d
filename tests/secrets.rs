//! A secret reaches the migration, and nothing else: no output, no log, no plan,
//! no ledger, no error of the server that repeats it.

use crate::support::{Database, Finished, Project, probe};

/// With a quote and a backslash, which every way of showing it writes in its own
/// way.
const SECRET: &str = "s3cr3t-key'of\\many\"forms";

/// A revision that has the secret and does what `kind` says, on a table of keys.
fn project(database: &Database, kind: &str, deferrable: &str) -> Project {
    let project = Project::new(database);
    let table = format!("CREATE TABLE public.keys (key text UNIQUE {deferrable})");
    project.sql("a", "", &table, "DROP TABLE public.keys;");
    let manifest = format!(
        "\n[params]\nkind = {kind:?}\ntable = \"public.keys\"\nkey = {{ env = \"PII_KEY\" }}\n\n\
         [capabilities]\nwrite = [\"public.keys\"]\nsecrets = [\"key\"]\ncode = \"vetted\"\n"
    );
    project.component("b", "a", probe(), &manifest);
    project
}

fn run(project: &Project, args: &[&str]) -> Finished {
    Finished::of(project.command(args).env("PII_KEY", SECRET))
}

/// Parts of the secret that no way of writing it changes.
#[track_caller]
fn tells_nothing(text: &str) {
    for part in ["s3cr3t", "many"] {
        assert!(!text.contains(part), "{text}");
    }
}

/// Everything that the ledger holds, as text.
fn ledger(database: &Database) -> String {
    let rows =
        database.rows("SELECT r::text FROM runner.revision r UNION ALL SELECT j::text FROM runner.journal j");
    rows.join("\n")
}

#[test]
fn a_secret_reaches_the_migration() {
    let database = Database::new();
    let project = project(&database, "leak-row", "DEFERRABLE");
    database.rows("CREATE TABLE public.seen (key text)");
    let finished = run(&project, &["upgrade", "head"]);
    assert_eq!(finished.code, 5, "{}", finished.stderr);
    // That the very secret was sent is what the server says of it.
    assert!(finished.stderr.contains("Key (key)=(«secret») already exists"), "{}", finished.stderr);
}

#[test]
fn a_secret_is_never_told() {
    let ways = [
        "log",
        "notice",
        "message",
        "own-error",
        "panic",
        "statement",
        "syntax",
        "parameter",
        "conversion",
        "row",
    ];
    for (way, deferrable) in
        ways.map(|way| (way, "")).into_iter().chain([("deferred", "DEFERRABLE INITIALLY DEFERRED")])
    {
        let database = Database::new();
        let project = project(&database, &format!("leak-{way}"), deferrable);
        for flags in [&["--verbose", "--verbose"][..], &["--json"][..]] {
            let finished = run(&project, &[&["upgrade", "head"][..], flags].concat());
            let succeeds = matches!(way, "log" | "notice");
            assert_eq!(finished.code, if succeeds { 0 } else { 5 }, "{way}: {}", finished.stderr);
            tells_nothing(&finished.stdout);
            tells_nothing(&finished.stderr);
            tells_nothing(&ledger(&database));
            if succeeds {
                assert!(finished.stderr.contains("«secret»"), "{way}: {}", finished.stderr);
                break;
            }
        }
    }
}

#[test]
fn what_a_migration_says_around_a_secret_is_told() {
    let database = Database::new();
    let finished = run(&project(&database, "leak-message", ""), &["upgrade", "head"]);
    assert!(finished.stderr.contains("no use for «secret»"), "{}", finished.stderr);
    let database = Database::new();
    let finished = run(&project(&database, "leak-statement", ""), &["upgrade", "head"]);
    assert!(finished.stderr.contains("'«secret»'"), "{}", finished.stderr);
    let database = Database::new();
    let project = project(&database, "leak-log", "");
    assert_eq!(run(&project, &["upgrade", "head"]).code, 0);
    let params = database.value("SELECT params->'key' FROM runner.revision WHERE revision = 'b'");
    assert_eq!(params, r#"{"env":"PII_KEY"}"#, "the ledger has the name");
}

#[test]
fn a_secret_that_is_not_there_stops_the_plan() {
    let database = Database::new();
    let project = project(&database, "leak-log", "");
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(
        said.contains("the environment variable PII_KEY cannot be used as a secret: it is not set"),
        "{said}"
    );
    assert!(!database.has("public.keys"), "not even the revision before it ran");
    // Nothing is run, so nobody has to know it.
    project.ok(&["plan", "head"]);
    project.ok(&["verify"]);
    project.ok(&["stamp", "head"]);
}

#[test]
fn a_secret_can_be_a_file_and_has_to_fit_the_schema() {
    let database = Database::new();
    let project = project(&database, "leak-log", "");
    let manifest = std::fs::read_to_string(project.path("migrations/b/migration.toml")).expect("reads");
    let manifest = manifest.replace("{ env = \"PII_KEY\" }", "{ file = \"keys/pii\" }");
    project.write("migrations/b/migration.toml", manifest.replace("secrets = [\"key\"]", ""));
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("secrets = [\"key\"]"), "the line to add: {said}");
    project.write("migrations/b/migration.toml", &manifest);
    project.write("keys/pii", "not-this-one!\n");
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("`key`") && said.contains("«secret»") && !said.contains("not-this"), "{said}");
    project.write("keys/pii", "this-one\n");
    project.ok(&["upgrade", "head"]);
}

#[test]
fn a_script_would_show_a_secret() {
    let database = Database::new();
    let project = project(&database, "leak-log", "");
    let finished = run(&project, &["upgrade", "head", "--sql"]);
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("it is given a secret, which a script would show"),
        "{}",
        finished.stderr
    );
    tells_nothing(&finished.stdout);
}
