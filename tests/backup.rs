//! A backup before a run: made by pg_dump, restored by pg_restore, and nothing
//! is changed where there is none.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Database, Finished, Project};

const PG_DUMP: &str =
    "[backup]\ncommand = [\"pg_dump\", \"--format=custom\", \"--file={file}\", \"{url}\"]\n";
const PASSWORD: &str = "hunter2-and-more";

fn project(config: &str, tables: &[&str]) -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.write("runner.toml", config);
    project.tables(tables);
    (database, project)
}

/// A project whose backups a shell script makes, with the file as `$1`.
fn scripted(script: &str, more: &str) -> (Database, Project) {
    let config = format!(
        "[backup]\ncommand = [\"./back up.sh\", \"{{file}}\", \"{{url}}\", \"{{revision}}\"]\n{more}"
    );
    let (database, project) = project(&config, &["a"]);
    let file = project.path("back up.sh");
    project.write("back up.sh", format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(file, Permissions::from_mode(0o755)).expect("is ours");
    (database, project)
}

/// The names of the backups, oldest first.
fn backups(project: &Project) -> Vec<String> {
    let entries = std::fs::read_dir(project.path("backups")).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().expect("is UTF-8")).collect();
    names.sort();
    names
}

/// With a password in its URL, which the server does not ask for.
fn with_password(project: &Project, database: &Database, args: &[&str]) -> Finished {
    let url = database.url.replace('@', &format!(":{PASSWORD}@"));
    Finished::of(project.command(args).env("DATABASE_URL", url))
}

#[test]
fn a_backup_restores_what_was_there() {
    let (database, project) = project(PG_DUMP, &["a", "b"]);
    project.ok(&["upgrade", "a"]);
    database.rows("INSERT INTO public.t_a VALUES (1), (2)");
    let before = database.dump();
    let finished = project.run(&["upgrade", "head", "--json"]);
    let lines: Vec<Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events[..3], ["planned", "backup-started", "backup-finished"], "{events:?}");
    let backup = &lines.last().expect("the end")["backup"];
    let file = backup["file"].as_str().expect("a file");
    assert_eq!(lines[1]["file"], file);
    assert_eq!(std::fs::metadata(file).expect("is there").len(), backup["bytes"]);
    assert_eq!(std::fs::metadata(file).expect("is there").permissions().mode() & 0o777, 0o600);
    let name = backups(&project).pop().expect("a backup");
    assert!(
        name.starts_with(&format!("{}@127.0.0.1_", database.name)) && name.ends_with("Z-a.dump"),
        "{name}"
    );
    // As the summary says: into an empty database.
    let other = Database::of_superuser();
    let restore = backup["restore"].as_str().expect("pg_dump's own format");
    let restore = restore.replace("URL", &format!("'{}'", other.url));
    let restored = Finished::of(Command::new("sh").args(["-c", &restore]));
    assert_eq!(restored.code, 0, "{restore}: {}", restored.stderr);
    assert_eq!(other.dump(), before);
    assert_eq!(project.ok(&["current"]), "b (head)\n");
    let elsewhere = Finished::of(project.command(&["current"]).env("DATABASE_URL", &other.url));
    assert_eq!(elsewhere.stdout, "a\n", "the ledger is a part of it");
}

#[test]
fn only_a_run_that_changes_something_has_one() {
    let (_database, project) = project(PG_DUMP, &["a", "b"]);
    project.ok(&["plan", "head"]);
    project.ok(&["upgrade", "head", "--no-backup"]);
    project.ok(&["upgrade", "head"]);
    assert!(backups(&project).is_empty());
    project.ok(&["redo"]);
    assert_eq!(backups(&project).len(), 1, "one for both ways");
    project.ok(&["downgrade", "a"]);
    assert_eq!(backups(&project).len(), 2);
    project.write("runner.toml", format!("{PG_DUMP}downgrade = false\n"));
    project.ok(&["downgrade", "base"]);
    assert_eq!(backups(&project).len(), 2);
    project.ok(&["upgrade", "head"]);
    assert_eq!(backups(&project).len(), 3);
    project.ok(&["redo"]);
    assert_eq!(backups(&project).len(), 4);
    project.ok(&["redo", "--no-backup"]);
    assert_eq!(backups(&project).len(), 4);
}

#[test]
fn the_password_is_in_the_environment_and_nowhere_else() {
    let script = "env | grep '^PG' | sort > said\nprintf '%s\\n' \"$0\" \"$@\" > args\necho x > \"$1\"\necho >&2 \"$PGPASSWORD\"";
    let (database, project) = scripted(script, "");
    let finished = with_password(&project, &database, &["upgrade", "head", "-vv"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let read = |file: &str| std::fs::read_to_string(project.path(file)).expect("the script wrote it");
    let (said, args) = (read("said"), read("args"));
    for line in [format!("PGPASSWORD={PASSWORD}"), "PGSSLMODE=disable".into(), "PGHOST=127.0.0.1".into()] {
        assert!(said.lines().any(|one| one == line), "{line} in {said}");
    }
    for text in [&args, &finished.stderr, &finished.stdout] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    let url = format!("postgresql://owner@127.0.0.1:{}/{}", port(&database), database.name);
    assert_eq!(args.lines().skip(2).collect::<Vec<_>>(), [url.as_str(), "base"]);
    assert!(args.contains(".dump.partial"), "it has another name until it is whole");
    // What libpq would prefer to what it is told does not reach the program.
    let mut command = project.command(&["redo"]);
    Finished::of(command.env("PGSERVICE", "other").env("PGHOSTADDR", "10.0.0.1"));
    assert!(!read("said").contains("other") && !read("said").contains("10.0.0.1"));
}

fn port(database: &Database) -> &str {
    let rest = database.url.rsplit(':').next().expect("a port");
    rest.split('/').next().expect("a port")
}

#[test]
fn without_a_backup_nothing_is_changed() {
    let failing = "echo \"cannot: $PGPASSWORD\" >&2\necho half > \"$1\"\nexit 3";
    for (script, more, expected) in [
        (failing, "", "ended with exit status: 3:"),
        ("exit 0", "", "succeeded and wrote nothing to"),
        ("rm \"$1\"", "", "succeeded and wrote nothing to"),
        ("rm \"$1\"; mkdir \"$1\"", "", "succeeded and wrote nothing to"),
        ("echo half > \"$1\"\nsleep 60", "timeout = \"300ms\"\n", "was ended after 0 s"),
        ("kill -9 $$", "", "ended with signal: 9"),
    ] {
        let (database, project) = scripted(script, more);
        let finished = with_password(&project, &database, &["upgrade", "head"]);
        assert_eq!(finished.code, 1, "{script}: {}", finished.stderr);
        let said = finished.stderr;
        assert!(
            said.contains("no backup was made, so nothing was changed") && said.contains(expected),
            "{said}"
        );
        assert!(said.contains("--no-backup") && !said.contains(PASSWORD), "{said}");
        assert!(!database.has("t_a") && !database.has("runner.revision"), "{script}");
        let left = backups(&project);
        assert!(left.is_empty() || script.contains("mkdir"), "{left:?}");
        project.ok(&["upgrade", "head", "--no-backup"]);
    }
    let (_, project) = scripted(failing, "");
    assert!(project.fails(1, &["upgrade", "head"]).contains("cannot: "), "what it said is told");
}

#[test]
fn what_is_not_there_is_named() {
    let (database, project) = project("[backup]\ncommand = [\"pg_damp\", \"{file}\"]\n", &["a"]);
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("there is no program `pg_damp`") && said.contains("postgresql-client"), "{said}");
    project.write("runner.toml", format!("{PG_DUMP}dir = \"runner.toml\"\n"));
    assert!(project.fails(1, &["upgrade", "head"]).contains("runner.toml cannot be used for a backup"));
    let refused = PG_DUMP.replace("\"{url}\"", "\"postgresql://nobody@127.0.0.1:1/x\"");
    project.write("runner.toml", refused);
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("pg_dump: error: connection to server"), "{said}");
    assert!(!database.has("t_a"));
    for (config, expected) in [
        ("[backup]\nkeep = 3\n", "runner.toml:1:1: [backup] has no `command`"),
        ("[backup]\ncommand = [\"x\", \"{password}\", \"{file}\"]\n", "`{password}` stands for nothing"),
        ("[backup]\ncommand = [\"x\"]\n", "has to write to `{file}`"),
        ("[backup]\ncommand = [\"x\", \"{file}\"]\nkeep = 0\n", "runner.toml:3:8"),
    ] {
        project.write("runner.toml", config);
        let said = project.fails(1, &["upgrade", "head"]);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn old_backups_go_when_a_new_one_is_there() {
    let (database, project) = scripted("[ -e fail ] && exit 1\necho x > \"$1\"", "keep = 2\n");
    project.ok(&["upgrade", "head"]);
    let foreign = ["notes.txt", "other@127.0.0.1-20200101T000000000Z-a.dump"];
    for name in foreign {
        project.write(&format!("backups/{name}"), "not ours");
    }
    for _ in 0..3 {
        project.ok(&["redo"]);
    }
    let names = backups(&project);
    assert_eq!(names.len(), 2 + foreign.len(), "{names:?}");
    assert!(foreign.iter().all(|name| names.iter().any(|one| one == name)), "{names:?}");
    project.write("fail", "");
    project.fails(1, &["redo"]);
    assert_eq!(backups(&project), names, "a failure removes nothing");
    assert!(database.has("t_a"));
}

#[test]
fn a_failure_names_the_backup() {
    let (_database, project) = project(PG_DUMP, &["a"]);
    project.sql("b", "a", "SELECT 1/0;", "");
    let said = project.fails(5, &["upgrade", "head"]);
    let name = backups(&project).pop().expect("a backup");
    assert!(said.contains("The backup from before this run is /") && said.contains(&name), "{said}");
    assert!(said.contains("restore it into an empty database with: pg_restore --dbname URL '/"), "{said}");
    project.sql("b", "a", "SELECT 1;", "");
    let done = project.run(&["upgrade", "head"]).stderr;
    assert!(
        done.contains("Backing up to /") && done.contains("The backup from before this run is /"),
        "{done}"
    );
    let plain = PG_DUMP.replace("custom", "plain");
    project.write("runner.toml", plain);
    assert!(project.run(&["redo"]).stderr.contains("counterpart of `backup.command`"));
}

#[test]
fn the_program_ends_with_the_run() {
    let (database, project) = scripted("sleep 97 &\necho $! > pid\necho half > \"$1\"\nwait", "");
    let child = project.command(&["upgrade", "head"]).stderr(Stdio::piped()).spawn().expect("starts");
    let pid = project.path("pid");
    let began = Instant::now();
    while std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')) == false {
        assert!(began.elapsed() < Duration::from_secs(30), "the backup does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    let told = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("runs").success());
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(130 | 143)), "{:?} {said}", output.status);
    assert!(told.elapsed() < Duration::from_secs(2), "{:?}", told.elapsed());
    let sleeper = std::fs::read_to_string(pid).expect("reads");
    let is_there = Path::new("/proc").join(sleeper.trim()).join("cmdline");
    let began = Instant::now();
    while std::fs::read(&is_there).is_ok_and(|line| !line.is_empty()) {
        assert!(began.elapsed() < Duration::from_secs(5), "what the script began goes on");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!database.has("t_a") && backups(&project).is_empty());
}

#[cfg(feature = "embedded")]
#[test]
fn the_embedded_server_has_none() {
    let project = Project::at("embedded".into());
    project.write("runner.toml", PG_DUMP);
    project.tables(&["a"]);
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(
        said.contains("the embedded server cannot be backed up") && said.contains("--no-backup"),
        "{said}"
    );
    project.ok(&["upgrade", "head", "--no-backup"]);
}
