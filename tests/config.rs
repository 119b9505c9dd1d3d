//! `runner config`, and passwords, which nothing shows.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Database, Finished, Project, free_port};

const PASSWORD: &str = "hunter2secret";

#[test]
fn every_part_of_the_database_says_where_it_is_from() {
    let project = Project::without_database();
    project.write(".env", "PGPASSWORD=hunter2secret\nPGPORT=6000\n");
    project.write(
        "runner.toml",
        "[database]\nurl = \"postgresql://x:hunter2secret@y/z\"\n[session]\nretries = 2\n",
    );
    let mut command = project.command(&["config"]);
    let shown =
        Finished::of(command.env("PGHOST", "db.example").env("PGUSER", "me").env("PGDATABASE", "app"));
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let database: Vec<&str> = shown.stdout.lines().take_while(|line| !line.starts_with("Settings")).collect();
    insta::assert_snapshot!(database.join("\n"), @r#"
    Configuration: runner.toml (the nearest one)
    Variables: .env (2 variables)

    Database: database `app` on db.example:6000 as `me` (named by PGHOST and the like)
      host                  db.example  PGHOST
      port                  6000        PGPORT in .env
      dbname                app         PGDATABASE
      user                  me          PGUSER
      password              set         PGPASSWORD in .env
      sslmode               prefer      default
      connect_timeout       10          default
      target_session_attrs  any         default
      Set too, and passed over: runner.toml
    "#);
    let settings = |key: &str| {
        let line = shown.stdout.lines().find(|line| line.trim_start().starts_with(key)).expect(key);
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(settings("session.retries"), "session.retries 2 runner.toml:4");
    assert_eq!(settings("session.lock_timeout"), "session.lock_timeout \"5s\" default");
    assert_eq!(settings("ledger.schema"), "ledger.schema \"runner\" default");
}

#[test]
fn the_answer_is_json_too_and_needs_no_database() {
    let project = Project::without_database();
    let json = project.ok(&["config", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(answer["database"].is_null());
    let settings = answer["settings"].as_array().expect("a list");
    let of = |key: &str| settings.iter().find(|setting| setting["key"] == key).expect(key);
    assert_eq!(of("migrations.dir")["value"], "migrations");
    assert_eq!(of("migrations.dir")["from"]["kind"], "default");
    let url = "postgresql://me:hunter2secret@db/app?sslmode=require";
    let json = project.ok(&["config", "--json", "--database", url]);
    let answer: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let parts = answer["database"]["parts"].as_array().expect("a list");
    let of = |name: &str| parts.iter().find(|part| part["name"] == name).expect(name);
    assert_eq!(of("password")["value"], "set");
    assert_eq!(of("password")["from"]["option"], "--database");
    assert_eq!(of("sslmode")["value"], "require");
    assert_eq!(of("connect_timeout")["from"]["kind"], "default");
}

/// The commands that look for a database, or read runner.toml.
const COMMANDS: [&[&str]; 16] = [
    &["config"],
    &["check"],
    &["wait", "--timeout", "0s"],
    &["current"],
    &["status"],
    &["upgrade", "head"],
    &["upgrade", "head", "--sql"],
    &["downgrade", "base"],
    &["stamp", "head"],
    &["plan", "upgrade", "head"],
    &["history"],
    &["show", "a"],
    &["graph"],
    &["verify"],
    &["ensure-version"],
    &["sandbox", "status"],
];

/// How a command can be told to say more.
const LOUDLY: [&[&str]; 4] = [&[], &["-vv"], &["--json", "-vv"], &["--log-format", "json", "-vv"]];

/// A place for a password.
struct Hidden {
    variables: Vec<(&'static str, String)>,
    files: Vec<(&'static str, String)>,
    option: Option<String>,
}

/// Everywhere that a password can be, read and wrong.
fn places(good: &str, folder: &str) -> Vec<Hidden> {
    let variable = |name, value: &str| Hidden {
        variables: vec![(name, value.to_owned())],
        files: Vec::new(),
        option: None,
    };
    let file = |name, text: String| Hidden { variables: Vec::new(), files: vec![(name, text)], option: None };
    let mut places = Vec::new();
    let urls = [
        good.to_owned(),
        format!("postgresql://me:{PASSWORD}@db:port/app"),
        format!("postgresql://me:{PASSWORD}@x@db/app"),
        format!("mysql://me:{PASSWORD}@db/app"),
        format!("me:{PASSWORD}@db/app"),
        format!("postgresql://me:{PASSWORD}@db/app?sslmode=maybe"),
        format!("postgresql://me@db/app?pasword={PASSWORD}"),
        format!("host=db user=me password={PASSWORD} x={PASSWORD}"),
        format!("host=db user=me password=a {PASSWORD}"),
        PASSWORD.to_owned(),
    ];
    for url in &urls {
        places.push(variable("DATABASE_URL", url));
        places.push(Hidden { option: Some(url.clone()), ..variable("UNUSED", "") });
        places.push(file(".env", format!("DATABASE_URL='{url}'\n")));
        places.push(file("runner.toml", format!("[database]\nurl = \"{url}\"\n")));
        places.push(file("runner.toml", format!("[database]\nurl = [\"{url}\"]\n")));
        places.push(file("runner.toml", format!("database = \"{url}\"\n")));
    }
    places.push(file(".env", format!("DATABASE_URL=postgres://me:{PASSWORD} x@db\n")));
    let port = free_port().to_string();
    let with_host = |name, value: &str| Hidden {
        variables: vec![("PGHOST", "127.0.0.1".into()), ("PGPORT", port.clone()), (name, value.to_owned())],
        files: Vec::new(),
        option: None,
    };
    places.push(with_host("PGPASSWORD", PASSWORD));
    let mut compose = variable("DB_HOST", "127.0.0.1");
    compose.variables.extend([("DB_PORT", port.clone()), ("POSTGRES_PASSWORD", PASSWORD.to_owned())]);
    places.push(compose);
    let mut passfile = with_host("PGPASSFILE", &format!("{folder}/pgpass"));
    passfile.files.push(("pgpass", format!("*:*:*:*:{PASSWORD}\n")));
    places.push(passfile);
    for line in [format!("password={PASSWORD}"), format!("{PASSWORD}=x y"), format!("pass word {PASSWORD}")] {
        let mut service = variable("PGSERVICEFILE", &format!("{folder}/services"));
        service.files.push(("services", format!("[s]\nhost=127.0.0.1\nport={port}\n{line}\n")));
        service.option = Some("service=s".into());
        places.push(service);
    }
    places
}

#[test]
fn no_password_is_ever_shown() {
    let database = Database::new();
    let (before, after) = database.url.split_once("//owner@").expect("a user");
    let good = format!("{before}//owner:{PASSWORD}@{after}");
    let project = Project::without_database();
    project.tables(&["a"]);
    let folder = project.path("").display().to_string();
    let mut runs = 0;
    for (number, hidden) in places(&good, folder.trim_end_matches('/')).into_iter().enumerate() {
        for (file, text) in &hidden.files {
            project.write(file, text);
            let permissions = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(project.path(file), permissions).expect("it is ours");
        }
        for (at, command) in COMMANDS.iter().enumerate() {
            // Each place with each command, and each way of saying more with each
            // of both: not all of the product, which would take minutes.
            let loudly = LOUDLY[(number + at) % LOUDLY.len()];
            let option = hidden.option.iter().flat_map(|url| ["--database", url.as_str()]);
            let args: Vec<&str> = command.iter().chain(loudly).copied().chain(option).collect();
            let mut run = project.command(&args);
            run.envs(hidden.variables.iter().map(|(name, value)| (*name, value.as_str())));
            let finished = Finished::of(run.env("RUNNER_LOG", "trace"));
            let said = format!("{}{}", finished.stdout, finished.stderr);
            assert!(!said.contains(PASSWORD), "{args:?} {:?} {:?}: {said}", hidden.variables, hidden.files);
            runs += 1;
        }
        for (file, _) in &hidden.files {
            std::fs::remove_file(project.path(file)).expect("removes it");
        }
        project.write("runner.toml", "");
    }
    assert!(runs > 500, "{runs}");
}

#[test]
fn a_command_line_that_is_wrong_is_json_where_json_is_wanted() {
    let project = Project::without_database();
    let finished = project.run(&["upgrade", "--json", "--sngle-transaction", "head"]);
    assert_eq!(finished.code, 2);
    let answer: serde_json::Value = serde_json::from_str(finished.stdout.trim()).expect("JSON");
    assert_eq!((&answer["event"], &answer["exit_code"]), (&"error".into(), &2.into()));
    assert_eq!(answer["message"], "unexpected argument '--sngle-transaction' found");
    assert!(finished.stderr.contains("--single-transaction"), "{}", finished.stderr);
    assert_eq!(project.run(&["upgrade", "--nonsense", "head"]).stdout, "");
    assert!(project.ok(&["--json", "--version"]).starts_with("runner "));
}
