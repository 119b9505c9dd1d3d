//! What the commands answer, as snapshots.

use crate::support::{Database, Project, filters};

macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        let value = $value;
        insta::with_settings!({ filters => filters() }, { insta::assert_snapshot!(value, @$expected) });
    };
}

/// Three revisions of which two are applied.
fn project() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b"]);
    project.ok(&["upgrade", "head"]);
    project.tables(&["a", "b", "c"]);
    (database, project)
}

#[test]
fn help() {
    let project = Project::without_database();
    snapshot!(project.ok(&["--help"]), @r#"
    PostgreSQL migrations as sandboxed WebAssembly components

    Usage: runner [OPTIONS] <COMMAND>

    Commands:
      init            Make a new project: runner.toml and a folder for its migrations
      list-templates  List the templates of new projects and of new revisions
      import          Make revisions of another tool's
      revision        Make a new revision
      merge           Make a revision that brings branches together
      edit            Open a revision in the editor that VISUAL or EDITOR names
      build           Build the components of all revisions of kind `rust`, and get all plugins
      bundle          Write one file with everything that a deployment needs
      plugin          Use, look at and make plugins: components that several projects share
      upgrade         Apply revisions, up to a target
      downgrade       Take revisions back, down to a target
      stamp           Tell the ledger where the database is, without running anything
      ensure-version  Make the ledger's tables, or upgrade them, and nothing else
      redo            Take revisions back, and apply them again as they are on disk now
      plan            Show the steps that an upgrade or a downgrade would run, without running any
      suggest         Find out what a revision needs to be allowed
      status          Show where each revision stands: applied, pending, changed or missing
      current         Show where the database is: the heads of what is applied
      check           Say in one line, and by the exit code, whether the database is up to date
      config          Show every setting, and where its value is from
      wait            Wait until the database takes a login
      history         List the revisions on disk, newest first
      heads           List the revisions on disk that no other one follows
      branches        List the revisions after which the graph divides, with the ways on
      show            Show a revision; where a database is configured, also how it was applied
      graph           Draw the revision graph, newest first
      verify          Compare the revisions on disk, their components and the ledger
      sandbox         Give migrations a login of their own, look at it, or take it away
      completions     Print a script with which a shell completes commands and options
      man             Print the manual page, or write the pages of all commands to a folder
      help            Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
      -c, --config <FILE>
              Use this configuration file instead of the nearest runner.toml
              
              [env: RUNNER_CONFIG]

          --bundle <FILE>
              Use a bundle that `runner bundle` made instead of a project's folder
              
              No runner.toml is looked for; what `--config` names lies over the bundle's settings.
              
              [env: RUNNER_BUNDLE]

      -n, --name <NAME>
              Use the named section `[named.NAME]` of the configuration file

      -x <KEY=VALUE>
              Give migrations a parameter in place of what their manifests say (can be repeated)

      -d, --database <URL>
              Where the database is: a PostgreSQL URL, `service=NAME`, `embedded` or `embedded:PATH`
              
              Without it, DATABASE_URL is used, then PGHOST, PGDATABASE and libpq's other variables,
              then DB_HOST (with DB_PORT, POSTGRES_DB, POSTGRES_USER and POSTGRES_PASSWORD), then
              `database.url` in runner.toml. A `.env` beside runner.toml has the variables that are not
              set.

          --json
              Print machine-readable JSON on standard output

      -q, --quiet
              Print errors only

      -v, --verbose...
              Print more (can be repeated)

          --log-format <FORMAT>
              How the log on standard error is written; with `json` nothing else is written there
              
              What is logged, RUNNER_LOG says more finely than `--verbose`: `runner=debug`, or `warn`.

              Possible values:
              - text: Lines for people, beside the progress
              - json: One JSON object a line on standard error, and nothing else there
              
              [env: RUNNER_LOG_FORMAT]
              [default: text]

          --color <WHEN>
              When to use colours
              
              [default: auto]
              [possible values: auto, always, never]

    Exit codes:
        0  Done, or there was nothing to do
        1  Something is wrong with the project, the database or the surroundings
        2  The command line is wrong
        3  Revisions are not applied (`check`, `current --check-heads`)
        4  Applied revisions were edited, or are not on disk
        5  A migration failed; its step is rolled back
        6  Another runner held the lock for too long
        7  No server answers, or it takes no login now: try again later
       70  A bug of runner
      130  Ctrl-C; the step that was running is rolled back
      143  SIGTERM; the step that was running is rolled back
    "#);
    snapshot!(project.ok(&["upgrade", "--help"]), @r#"
    Apply revisions, up to a target

    Usage: runner upgrade [OPTIONS] <TARGET>

    Arguments:
      <TARGET>
              `head`, `heads`, `+N`, an id or the unique beginning of one, `LABEL@head`, `PACKAGE:head`,
              `ID+2`

    Options:
          --sql
              Print a script for psql instead of running anything; no database is needed
              
              TARGET can be a range FROM:TO then; without FROM the script begins at the base.

          --single-transaction
              Run all steps in one transaction

          --no-build
              Do not build crates; fail if a component is not built

          --no-backup
              Do not make the backup that [backup] in runner.toml asks for

          --lock-wait <TIME>
              Wait for another runner for at most so long; `0s` not at all (default:
              `session.lock_wait`, 5m)

          --tag <TAG>
              Write this into the journal, beside each step

          --wait <TIME>
              Wait this long for a server that takes no login yet, as in `60s` or `5m`

          --locked
              Fail, before anything is done, if runner.lock is not there or would change
              
              [env: RUNNER_LOCKED]

          --offline
              Ask nothing over a network but the database; cargo neither
              
              [env: RUNNER_OFFLINE]

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -c, --config <FILE>
              Use this configuration file instead of the nearest runner.toml
              
              [env: RUNNER_CONFIG]

          --bundle <FILE>
              Use a bundle that `runner bundle` made instead of a project's folder
              
              No runner.toml is looked for; what `--config` names lies over the bundle's settings.
              
              [env: RUNNER_BUNDLE]

      -n, --name <NAME>
              Use the named section `[named.NAME]` of the configuration file

      -x <KEY=VALUE>
              Give migrations a parameter in place of what their manifests say (can be repeated)

      -d, --database <URL>
              Where the database is: a PostgreSQL URL, `service=NAME`, `embedded` or `embedded:PATH`
              
              Without it, DATABASE_URL is used, then PGHOST, PGDATABASE and libpq's other variables,
              then DB_HOST (with DB_PORT, POSTGRES_DB, POSTGRES_USER and POSTGRES_PASSWORD), then
              `database.url` in runner.toml. A `.env` beside runner.toml has the variables that are not
              set.

          --json
              Print machine-readable JSON on standard output

      -q, --quiet
              Print errors only

      -v, --verbose...
              Print more (can be repeated)

          --log-format <FORMAT>
              How the log on standard error is written; with `json` nothing else is written there
              
              What is logged, RUNNER_LOG says more finely than `--verbose`: `runner=debug`, or `warn`.

              Possible values:
              - text: Lines for people, beside the progress
              - json: One JSON object a line on standard error, and nothing else there
              
              [env: RUNNER_LOG_FORMAT]
              [default: text]

          --color <WHEN>
              When to use colours
              
              [default: auto]
              [possible values: auto, always, never]
    "#);
    snapshot!(project.ok(&["downgrade", "--help"]), @r#"
    Take revisions back, down to a target

    Runs the components that the ledger recorded when the revisions were applied, so the folders need
    not be there.

    Usage: runner downgrade [OPTIONS] <TARGET>

    Arguments:
      <TARGET>
              `base`, `-N`, an id or the unique beginning of one, `LABEL@-1`, `LABEL@base`, `head-2`

    Options:
          --sql
              Print a script for psql instead of running anything; no database is needed
              
              TARGET is a range FROM:TO then, and the revisions are taken as they are on disk.

          --single-transaction
              Run all steps in one transaction

          --no-backup
              Do not make the backup that [backup] in runner.toml asks for

          --lock-wait <TIME>
              Wait for another runner for at most so long; `0s` not at all (default:
              `session.lock_wait`, 5m)

          --tag <TAG>
              Write this into the journal, beside each step

          --wait <TIME>
              Wait this long for a server that takes no login yet, as in `60s` or `5m`

          --locked
              Fail, before anything is done, if runner.lock is not there or would change

          --offline
              Ask nothing over a network but the database; cargo neither
              
              [env: RUNNER_OFFLINE]

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -c, --config <FILE>
              Use this configuration file instead of the nearest runner.toml
              
              [env: RUNNER_CONFIG]

          --bundle <FILE>
              Use a bundle that `runner bundle` made instead of a project's folder
              
              No runner.toml is looked for; what `--config` names lies over the bundle's settings.
              
              [env: RUNNER_BUNDLE]

      -n, --name <NAME>
              Use the named section `[named.NAME]` of the configuration file

      -x <KEY=VALUE>
              Give migrations a parameter in place of what their manifests say (can be repeated)

      -d, --database <URL>
              Where the database is: a PostgreSQL URL, `service=NAME`, `embedded` or `embedded:PATH`
              
              Without it, DATABASE_URL is used, then PGHOST, PGDATABASE and libpq's other variables,
              then DB_HOST (with DB_PORT, POSTGRES_DB, POSTGRES_USER and POSTGRES_PASSWORD), then
              `database.url` in runner.toml. A `.env` beside runner.toml has the variables that are not
              set.

          --json
              Print machine-readable JSON on standard output

      -q, --quiet
              Print errors only

      -v, --verbose...
              Print more (can be repeated)

          --log-format <FORMAT>
              How the log on standard error is written; with `json` nothing else is written there
              
              What is logged, RUNNER_LOG says more finely than `--verbose`: `runner=debug`, or `warn`.

              Possible values:
              - text: Lines for people, beside the progress
              - json: One JSON object a line on standard error, and nothing else there
              
              [env: RUNNER_LOG_FORMAT]
              [default: text]

          --color <WHEN>
              When to use colours
              
              [default: auto]
              [possible values: auto, always, never]
    "#);
    snapshot!(project.ok(&["revision", "--help"]), @r#"
    Make a new revision

    Usage: runner revision [OPTIONS]

    Options:
      -m, --message <MESSAGE>
              What the revision does, in one line
              
              [default: "empty message"]

          --kind <KIND>
              What runs it

              Possible values:
              - sql:  upgrade.sql and downgrade.sql
              - rust: A Rust crate
              
              [default: sql]

          --plugin <NAME>
              A plugin of runner.toml that runs it, in place of a kind

          --head <REVISION>
              The revision that it follows: `head`, `heads`, LABEL@head, an id or the beginning of one;
              `base` makes a new base
              
              [default: head]

          --splice
              Let it follow a revision that others follow already

          --branch-label <LABEL>
              Begin a branch with this label (can be repeated)

          --version-path <DIR>
              The folder of migrations to make it in

          --rev-id <ID>
              Its id, instead of a random one

          --depends-on <REVISION>
              A revision or a label of another branch that must come before it, or versions of another
              package as in `billing@1.2` (can be repeated)

          --edit
              Open it in the editor that VISUAL or EDITOR names

          --locked
              Fail, before anything is done, if runner.lock is not there or would change
              
              [env: RUNNER_LOCKED]

          --offline
              Ask nothing over a network but the database; cargo neither
              
              [env: RUNNER_OFFLINE]

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -c, --config <FILE>
              Use this configuration file instead of the nearest runner.toml
              
              [env: RUNNER_CONFIG]

          --bundle <FILE>
              Use a bundle that `runner bundle` made instead of a project's folder
              
              No runner.toml is looked for; what `--config` names lies over the bundle's settings.
              
              [env: RUNNER_BUNDLE]

      -n, --name <NAME>
              Use the named section `[named.NAME]` of the configuration file

      -x <KEY=VALUE>
              Give migrations a parameter in place of what their manifests say (can be repeated)

      -d, --database <URL>
              Where the database is: a PostgreSQL URL, `service=NAME`, `embedded` or `embedded:PATH`
              
              Without it, DATABASE_URL is used, then PGHOST, PGDATABASE and libpq's other variables,
              then DB_HOST (with DB_PORT, POSTGRES_DB, POSTGRES_USER and POSTGRES_PASSWORD), then
              `database.url` in runner.toml. A `.env` beside runner.toml has the variables that are not
              set.

          --json
              Print machine-readable JSON on standard output

      -q, --quiet
              Print errors only

      -v, --verbose...
              Print more (can be repeated)

          --log-format <FORMAT>
              How the log on standard error is written; with `json` nothing else is written there
              
              What is logged, RUNNER_LOG says more finely than `--verbose`: `runner=debug`, or `warn`.

              Possible values:
              - text: Lines for people, beside the progress
              - json: One JSON object a line on standard error, and nothing else there
              
              [env: RUNNER_LOG_FORMAT]
              [default: text]

          --color <WHEN>
              When to use colours
              
              [default: auto]
              [possible values: auto, always, never]
    "#);
}

#[test]
fn history_and_heads() {
    let (_database, project) = project();
    snapshot!(project.ok(&["history"]), @r"
    b -> c (head), message of c
    a -> b, message of b
    <base> -> a, message of a
    ");
    snapshot!(project.ok(&["history", "-v"]), @r"
    Rev: c (head)
    Parent: b
    Path: migrations/c
    Kind: sql

        message of c

    Rev: b
    Parent: a
    Path: migrations/b
    Kind: sql

        message of b

    Rev: a
    Parent: <base>
    Path: migrations/a
    Kind: sql

        message of a
    ");
    snapshot!(project.ok(&["history", "--json"]), @r#"{"version":1,"revisions":[{"depends_on":[],"is_branch_point":false,"is_head":true,"is_merge_point":false,"kind":"sql","labels":[],"message":"message of c","parents":["b"],"path":"migrations/c","revision":"c","source_digest":"[digest]"},{"depends_on":[],"is_branch_point":false,"is_head":false,"is_merge_point":false,"kind":"sql","labels":[],"message":"message of b","parents":["a"],"path":"migrations/b","revision":"b","source_digest":"[digest]"},{"depends_on":[],"is_branch_point":false,"is_head":false,"is_merge_point":false,"kind":"sql","labels":[],"message":"message of a","parents":[],"path":"migrations/a","revision":"a","source_digest":"[digest]"}]}"#);
    snapshot!(project.ok(&["heads"]), @"c (head)");
    snapshot!(project.ok(&["heads", "-v"]), @r"
    Rev: c (head)
    Parent: b
    Path: migrations/c
    Kind: sql

        message of c
    ");
    snapshot!(project.ok(&["heads", "--json"]), @r#"{"version":1,"heads":["c"]}"#);
}

#[test]
fn current() {
    let (_database, project) = project();
    snapshot!(project.ok(&["current"]), @"b");
    snapshot!(project.ok(&["current", "-v"]), @r"
    Rev: b
    Parent: a
    Path: migrations/b
    Kind: sql
    Applied: [when] by owner

        message of b
    ");
    snapshot!(project.ok(&["current", "--json"]), @r#"{"version":1,"applied":2,"current":[{"applied_at":"[when]","applied_by":"owner","component":"[digest]","is_head":false,"message":"message of b","on_disk":true,"revision":"b"}],"partly":[]}"#);
}

#[test]
fn show() {
    let (_database, project) = project();
    snapshot!(project.ok(&["show", "b"]), @r"
    Revision:     b
    Message:      message of b
    Parents:      a
    Kind:         sql
    Path:         migrations/b
    May:          whatever the login may do: its SQL declares no [capabilities]
    Applied:      [when] by owner (tester@[host])
    Took:         [time], 1 statement, 0 rows
    Isolation:    unrestricted
    Component:    [digest]
    Sources:      [digest]
    ");
    snapshot!(project.ok(&["show", "head"]), @r"
    Revision:     c
    Message:      message of c
    Parents:      b
    Kind:         sql
    Path:         migrations/c
    May:          whatever the login may do: its SQL declares no [capabilities]
    ");
    let json: serde_json::Value = serde_json::from_str(&project.ok(&["show", "b", "--json"])).expect("JSON");
    assert_eq!(json["manifest"]["revision"], "b");
    assert_eq!(json["applied"]["statements"], 1);
    std::fs::remove_dir_all(project.path("migrations/b")).expect("removes");
    std::fs::remove_dir_all(project.path("migrations/c")).expect("removes");
    assert!(project.ok(&["show", "b"]).contains("missing on disk"));
}

#[test]
fn upgrade_and_downgrade() {
    let (_database, project) = project();
    snapshot!(project.run(&["upgrade", "+1"]).stderr, @r"
    1 revision to upgrade.
    Isolation: policy; migrations run in the runner's own session.
      applied  c message of c ([time], 1 statement, 0 rows)
    Done: 1 revision applied in [time] (1 statement, 0 rows); the database is at c
    ");
    snapshot!(project.run(&["upgrade", "head"]).stderr, @"Nothing to do: the database is at c");
    snapshot!(project.run(&["downgrade", "-1", "--json"]).stdout, @r#"
    {"version":1,"time":"[when]","event":"planned","direction":"downgrade","steps":1}
    {"version":1,"time":"[when]","event":"isolation","isolation":"policy"}
    {"version":1,"time":"[when]","event":"step-started","revision":"c","direction":"downgrade","message":"message of c","number":1,"total":1}
    {"version":1,"time":"[when]","event":"step-finished","revision":"c","direction":"downgrade","message":"message of c","duration_ms":0,"statements":1,"rows":0,"retries":0,"committed":true}
    {"version":1,"time":"[when]","event":"finished","steps":["c"],"heads":["b"],"duration_ms":0,"statements":1,"rows":0,"retries":0}
    "#);
    snapshot!(project.run(&["downgrade", "base"]).stderr, @r"
    2 revisions to downgrade.
    Isolation: policy; migrations run in the runner's own session.
      reverted b message of b ([time], 1 statement, 0 rows)
      reverted a message of a ([time], 1 statement, 0 rows)
    Done: 2 revisions reverted in [time] (2 statements, 0 rows); the database is at base
    ");
    snapshot!(project.run(&["downgrade", "base"]).stderr, @"Nothing to do: the database is at base");
    assert_eq!(project.run(&["upgrade", "head", "--quiet"]).stderr, "");
}

#[test]
fn verify() {
    let (database, project) = project();
    let verified = |project: &Project| {
        let finished = project.run(&["verify"]);
        format!("exit code {}\n{}{}", finished.code, finished.stdout, finished.stderr)
    };
    snapshot!(verified(&project), @r"
    exit code 0
    3 revisions on disk, 2 applied: all is well.
    ");
    project.sql("a", "", "SELECT 1;", "");
    std::fs::remove_dir_all(project.path("migrations/c")).expect("removes");
    std::fs::remove_dir_all(project.path("migrations/b")).expect("removes");
    database.rows("UPDATE runner.component SET zstd = '\\x00'");
    snapshot!(verified(&project), @r"
    exit code 4
    changed  a: it was edited after it was applied
    missing  b: it is applied and not on disk
    damaged  a: the ledger has no sound copy of component [digest]: it does not decompress
    1 revision on disk, 2 applied: 3 findings.
    ");
}

#[test]
fn a_new_project_from_nothing() {
    let database = Database::new();
    let project = Project::new(&database);
    let made = project.ok(&["init", "shop"]);
    assert!(made.contains("made shop/runner.toml"), "{made}");
    let config = ["--config", "shop/runner.toml"];
    let run = |args: &[&str]| project.ok(&[args, &config].concat());
    let first = run(&["revision", "-m", "create orders"]);
    assert!(first.trim_end().ends_with("_create_orders"), "{first}");
    std::fs::write(
        project.path(&format!("{}/upgrade.sql", first.trim_end())),
        "CREATE TABLE orders (id int);\n",
    )
    .expect("writes");
    let second = run(&["revision", "-m", "add an index"]);
    run(&["upgrade", "head"]);
    assert!(database.has("orders"));
    let id = second.trim_end().split('_').nth(2).expect("date, time, id").to_owned();
    assert_eq!(run(&["current"]), format!("{id} (head)\n"));
    let said = project.fails(1, &["init", "shop"]);
    assert!(said.contains("shop/runner.toml exists already"), "{said}");
}

#[test]
fn a_crate_is_made_built_and_run() {
    let database = Database::new();
    let project = Project::new(&database);
    // Guests of all tests share what they are built from.
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/guests");
    project.write("runner.toml", format!("[migrations]\ntarget_dir = {target:?}\n"));
    let dir = project.ok(&["revision", "-m", "count to one", "--kind", "rust"]);
    let built = project.ok(&["build"]);
    assert!(built.starts_with("built "), "{built}");
    assert!(project.ok(&["build"]).starts_with("fresh "), "nothing changed");
    project.ok(&["upgrade", "head"]);
    project.fails(5, &["downgrade", "base"]);
    let source = project.path(dir.trim_end()).join("src/lib.rs");
    let text = std::fs::read_to_string(&source).expect("reads");
    std::fs::write(&source, text.replace("SELECT 1", "SELECT 2")).expect("writes");
    let said = project.fails(4, &["upgrade", "head"]);
    assert!(said.contains("was edited after it was applied"), "{said}");
    std::fs::write(&source, "does not compile").expect("writes");
    let finished = project.run(&["build"]);
    assert_eq!(finished.code, 1);
    assert!(finished.stderr.contains("did not compile"), "{}", finished.stderr);
}
