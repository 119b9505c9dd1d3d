//! The files of new revisions: names, templates, hooks, and the commands that
//! write and open them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Database, Finished, Project, filters};

macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        let value = $value;
        insta::with_settings!({ filters => filters() }, { insta::assert_snapshot!(value, @$expected) });
    };
}

/// `a`, and after it the branches `b`, labelled `shop`, and `c`.
fn two_heads() -> Project {
    let project = Project::without_database();
    project.tables(&["a"]);
    for (id, label) in [("b", "labels = [\"shop\"]\n"), ("c", "")] {
        let manifest = crate::support::manifest(id, "a", "sql", label);
        project.write(&format!("migrations/{id}/migration.toml"), manifest);
        project.write(&format!("migrations/{id}/upgrade.sql"), format!("CREATE TABLE t_{id} (id int);\n"));
        project.write(&format!("migrations/{id}/downgrade.sql"), format!("DROP TABLE t_{id};\n"));
    }
    project
}

/// Runs a command that makes a revision and returns its manifest without the
/// time.
#[track_caller]
fn made(project: &Project, args: &[&str]) -> String {
    let dir = project.ok(args);
    let text = read(project, &format!("{}/migration.toml", dir.trim_end()));
    text.lines().filter(|line| !line.starts_with("created")).collect::<Vec<_>>().join("\n")
}

fn read(project: &Project, path: &str) -> String {
    let path = project.path(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the program says where it must not write a revision.
#[track_caller]
fn refused(project: &Project, args: &[&str]) -> String {
    let before = entries(project);
    let Finished { code, stdout, stderr } = project.run(args);
    assert_eq!(entries(project), before, "something was written: {stdout}");
    format!("exit code {code}\n{stderr}")
}

fn entries(project: &Project) -> usize {
    std::fs::read_dir(project.path("migrations")).expect("a folder").count()
}

/// Writes a program of the shell.
fn program(project: &Project, path: &str, text: &str) {
    project.write(path, format!("#!/bin/sh\n{text}"));
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(project.path(path), executable).expect("changes the mode");
}

#[test]
fn a_revision_is_made_as_its_flags_say() {
    let project = two_heads();
    let args = ["revision", "-m", "say \"hi\"", "--rev-id", "d", "--head", "shop@head"];
    snapshot!(made(&project, &[&args[..], &["--branch-label", "offers", "--depends-on", "c"]].concat()), @r#"
    revision = "d"
    parents = ["b"]
    message = "say \"hi\""
    labels = ["offers"]
    depends_on = ["c"]
    kind = "sql"

    [capabilities]
    "#);
    snapshot!(made(&project, &["revision", "--rev-id", "e", "--head", "base", "--depends-on", "shop", "--depends-on", "c"]), @r#"
    revision = "e"
    parents = []
    message = "empty message"
    labels = []
    depends_on = ["shop", "c"]
    kind = "sql"

    [capabilities]
    "#);
    snapshot!(made(&project, &["revision", "--rev-id", "f", "--head", "heads", "-m", "all of them"]), @r#"
    revision = "f"
    parents = ["c", "d", "e"]
    message = "all of them"
    labels = []
    depends_on = []
    kind = "sql"

    [capabilities]
    "#);
    snapshot!(made(&project, &["revision", "--rev-id", "g", "--head", "a", "--splice", "-m", "aside"]), @r#"
    revision = "g"
    parents = ["a"]
    message = "aside"
    labels = []
    depends_on = []
    kind = "sql"

    [capabilities]
    "#);
    snapshot!(project.ok(&["heads"]), @r"
    f (offers, shop) (head) (mergepoint)
    g (head)
    ");
}

#[test]
fn a_prefix_becomes_a_whole_id() {
    let project = Project::without_database();
    project.tables(&["abcdef"]);
    let manifest = made(&project, &["revision", "--head", "base", "--depends-on", "abc", "--rev-id", "x"]);
    assert!(manifest.contains("depends_on = [\"abcdef\"]"), "{manifest}");
    let manifest = made(&project, &["revision", "--head", "abc"]);
    assert!(manifest.contains("parents = [\"abcdef\"]"), "{manifest}");
}

#[test]
fn a_revision_that_does_not_fit_is_refused_before_anything_is_written() {
    let project = two_heads();
    snapshot!(refused(&project, &["revision", "-m", "x"]), @r"
    exit code 1
    Error: there are 2 heads: `b`, `c`
    Hint: Name the one that the new revision follows: `--head ID`, or `--head LABEL@head`.
    Hint: Or bring them together with `runner merge heads`.
    ");
    snapshot!(refused(&project, &["revision", "-m", "x", "--head", "a"]), @r"
    exit code 1
    Error: the new revision does not fit
    Caused by:
    1: revision `a` is not a head: `b`, `c` follow it
    Hint: Pass `--splice` to begin a new branch there.
    ");
    snapshot!(refused(&project, &["revision", "--head", "b", "--rev-id", "c", "--branch-label", "shop"]), @r"
    exit code 1
    Error: the new revision does not fit
    Caused by:
    1: revision `c` exists twice: in migrations/c and in the new revision
    2: label `shop` is claimed by `b` and by `c`
    ");
    snapshot!(refused(&project, &["revision", "--head", "b", "--branch-label", "c", "--rev-id", "shop"]), @r"
    exit code 1
    Error: the new revision does not fit
    Caused by:
    1: label `shop` of `b` is also the id of a revision
    2: label `c` of `shop` is also the id of a revision
    ");
    snapshot!(refused(&project, &["revision", "--head", "b", "--depends-on", "b", "--rev-id", "x"]), @r"
    exit code 1
    Error: the new revision does not fit
    Caused by:
    1: revision `x` depends on `b`, which is its parent already (the new revision)
    ");
    snapshot!(refused(&project, &["revision", "--head", "b", "--depends-on", "nowhere"]), @r"
    exit code 1
    Error: no revision's id begins with `nowhere`, and no branch has that label
    Hint: Run `runner history` to see the revisions.
    ");
    snapshot!(refused(&project, &["revision", "--head", "b", "-m", "two\nlines"]), @r"
    exit code 1
    Error: the message must be one line of text
    ");
    snapshot!(refused(&project, &["revision", "--head", "b", "--rev-id", "a@b"]), @r"
    exit code 2
    error: invalid value 'a@b' for '--rev-id <ID>': `a@b` holds '@'; letters, digits, `_` and `.` are allowed

    For more information, try '--help'.
    ");
    snapshot!(refused(&project, &["revision", "--head", "b@"]), @r"
    exit code 2
    Error: `b@` is not a target: an id, `head`, `base`, `+N` or `-N` is expected
      b@
        ^
    ");
}

#[test]
fn a_merge_brings_branches_together_and_can_be_taken_back() {
    let database = Database::new();
    let project = two_heads();
    let database_args = |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(["--database", database.url.as_str()]).collect();
        project.ok(&args)
    };
    snapshot!(made(&project, &["merge", "heads", "--rev-id", "m"]), @r#"
    revision = "m"
    parents = ["b", "c"]
    message = "merge b and c"
    labels = []
    depends_on = []
    kind = "sql"

    [capabilities]
    "#);
    database_args(&["upgrade", "head"]);
    assert_eq!(database_args(&["current"]), "m (shop) (head) (mergepoint)\n");
    database_args(&["downgrade", "b"]);
    assert!(database.has("t_b") && database.has("t_c"), "a merge takes back nothing");
    assert_eq!(database_args(&["current"]).lines().count(), 2);
}

#[test]
fn a_merge_that_merges_nothing_is_refused() {
    let project = two_heads();
    snapshot!(refused(&project, &["merge", "a", "b", "--splice"]), @r"
    exit code 1
    Error: the new revision does not fit
    Caused by:
    1: revision `a` comes before `b`, so there is nothing to merge
    ");
    snapshot!(refused(&project, &["merge", "b", "b"]), @r"
    exit code 1
    Error: the new revision does not fit
    Caused by:
    1: revision `b` is named twice
    ");
    snapshot!(refused(&project, &["merge", "shop"]), @r"
    exit code 1
    Error: a merge takes at least two revisions; only `b` is named
    Hint: Run `runner heads` to see the heads.
    ");
    let manifest = made(&project, &["merge", "b", "c", "-m", "m", "--rev-id", "m", "--branch-label", "both"]);
    assert!(manifest.contains("labels = [\"both\"]"), "{manifest}");
    snapshot!(refused(&project, &["merge", "b", "c"]), @r"
    exit code 1
    Error: the new revision does not fit
    Caused by:
    1: revision `b` is not a head: `m` follows it
    2: revision `c` is not a head: `m` follows it
    Hint: Pass `--splice` to begin a new branch there.
    ");
    made(&project, &["merge", "b", "c", "--splice"]);
}

#[test]
fn what_took_nothing_to_apply_takes_nothing_to_take_back() {
    let database = Database::new();
    let project = Project::new(&database);
    project.sql("a", "", "-- nothing\n", "-- nothing\n");
    project.sql("b", "a", "CREATE TABLE t_b (id int);", "-- nothing\n");
    project.ok(&["upgrade", "a"]);
    project.ok(&["downgrade", "base"]);
    project.ok(&["upgrade", "b"]);
    let said = project.fails(5, &["downgrade", "base"]);
    assert!(said.contains("has no `downgrade.sql`, or one without a statement"), "{said}");
}

#[test]
fn revisions_go_to_the_folder_of_their_parent() {
    let project = Project::without_database();
    project.write(
        "runner.toml",
        "[migrations]\ndirs = [{ path = \"core\", package = \"core\" }, { path = \"app\", package = \"app\" }]\n",
    );
    std::fs::create_dir(project.path("core")).expect("a folder");
    std::fs::create_dir(project.path("app")).expect("a folder");
    snapshot!(refused(&project, &["revision"]), @r"
    exit code 1
    Error: the project has several folders of migrations
    Hint: Pass one of them with `--version-path`: core, app.
    ");
    snapshot!(refused(&project, &["revision", "--version-path", "migrations"]), @r"
    exit code 1
    Error: migrations is no folder of migrations of this project
    Hint: Pass one of them with `--version-path`: core, app.
    ");
    let at = ["--version-path", "core", "--rev-id", "a"];
    made(&project, &[&["revision"], &at[..]].concat());
    let json = project.ok(&["revision", "--head", "core:head", "--rev-id", "b", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["revision"], &json["parents"][0]), (&"core:b".into(), &"core:a".into()));
    let path = json["path"].as_str().expect("a path");
    assert!(path.starts_with("core/") && path.ends_with("_b_empty_message"), "{path}");
    assert!(
        read(&project, &format!("{path}/migration.toml")).contains("revision = \"b\"\nparents = [\"a\"]\n")
    );
    let args =
        ["revision", "--head", "base", "--version-path", "app", "--rev-id", "a", "--depends-on", "core:b"];
    let manifest = made(&project, &args);
    assert!(manifest.contains("depends_on = [\"core:b\"]"), "{manifest}");
    snapshot!(project.ok(&["heads"]), @r"
    app:a (head)
    core:b (head)
    ");
}

#[test]
fn folders_are_named_by_the_template() {
    let project = Project::without_database();
    let name = |config: &str, args: &[&str]| {
        project.write("runner.toml", format!("[migrations]\n{config}"));
        let args = [&["revision", "-m", "Add the users' table"], args].concat();
        let dir = project.ok(&args);
        let dir = dir.trim_end().strip_prefix("migrations/").expect("below it").to_owned();
        std::fs::remove_dir_all(project.path("migrations").join(&dir)).expect("removes it");
        dir
    };
    let short = "file_template = \"{rev}_{slug}\"\ntruncate_slug_length = 9\n";
    assert_eq!(name(short, &["--rev-id", "a1"]), "a1_add_the");
    let dated =
        name("file_template = \"{year}/{month}/{day}_{rev}\"\nrecursive = true\n", &["--rev-id", "a1"]);
    let shape: Vec<usize> = dated.split('/').map(str::len).collect();
    assert_eq!(shape, [4, 2, 5], "{dated}");
    let hour = |zone: &str| {
        let config = format!("file_template = \"{{epoch}}_{{hour}}\"\ntimezone = \"{zone}\"\n");
        let name = name(&config, &[]);
        let (epoch, hour) = name.split_once('_').expect("two parts");
        let (epoch, hour): (i64, i64) = (epoch.parse().expect("a number"), hour.parse().expect("a number"));
        (hour - epoch / 3600).rem_euclid(24)
    };
    assert_eq!((hour("utc"), hour("Asia/Tokyo"), hour("asia/dubai")), (0, 9, 4));
}

#[test]
fn names_that_cannot_be_are_refused() {
    let project = Project::without_database();
    let said = |config: &str| {
        project.write("runner.toml", format!("[migrations]\n{config}\n"));
        refused(&project, &["revision", "-m", "-", "--rev-id", "a"])
    };
    snapshot!(said("file_template = \"{revision}\""), @r"
    exit code 1
    Error: runner.toml:2:17: `file_template` knows no token `{revision}`; there are `{rev}`, `{slug}`, `{epoch}`, `{year}`, `{month}`, `{day}`, `{hour}`, `{minute}`, `{second}`
    ");
    snapshot!(said("timezone = \"Europe/Atlantis\""), @r"
    exit code 1
    Error: runner.toml:2:12: there is no time zone `Europe/Atlantis`; write `utc`, `local` or a name as in `Europe/Berlin`
    ");
    snapshot!(said("truncate_slug_length = 0"), @r"
    exit code 1
    Error: runner.toml:2:24: invalid value: integer `0`, expected a nonzero usize
    ");
    snapshot!(said("file_template = \"{year}/{rev}\"").replace(&jiff_year(), "[year]"), @r"
    exit code 1
    Error: migrations/[year]/a would not be found again: migrations is not searched deeper
    Hint: Set `recursive = true` in [migrations] in runner.toml, or leave `/` out of `file_template`.
    ");
    snapshot!(said("file_template = \"{slug}\""), @r#"
    exit code 1
    Error: `file_template` makes "" of this revision, which cannot be a folder's name
    Hint: Put `{rev}` into `file_template` in runner.toml.
    "#);
    project.write("runner.toml", "[migrations]\nfile_template = \"{slug}\"\n");
    project.ok(&["revision", "-m", "Add users"]);
    snapshot!(refused(&project, &["revision", "-m", "add  USERS"]), @r"
    exit code 1
    Error: migrations/add_users exists already: `file_template` makes the same name of two revisions
    Hint: Put `{rev}` into `file_template` in runner.toml.
    ");
}

fn jiff_year() -> String {
    jiff::Timestamp::now().strftime("%Y").to_string()
}

#[test]
fn a_project_has_its_own_templates() {
    let project = Project::without_database();
    project.write("runner.toml", "[migrations]\ntemplates = \"own\"\nfile_template = \"{rev}\"\n");
    project.write("own/sql/upgrade.sql", "-- ours: ${message} (${revision} after ${parents})\n");
    project.write("own/sql/migration.toml", "revision = \"${revision}\"\nparents = [${parents}]\nmessage = \"${message}\"\nlabels = [${labels}]\ndepends_on = [${depends_on}]\nkind = \"${kind}\"\n[capabilities]\nddl = [\"public\"]\n");
    project.ok(&["revision", "-m", "first", "--rev-id", "a"]);
    project.ok(&["revision", "-m", "say \"hi\"", "--rev-id", "b"]);
    snapshot!(read(&project, "migrations/b/upgrade.sql"), @r#"-- ours: say "hi" (b after a)"#);
    snapshot!(read(&project, "migrations/b/migration.toml"), @r#"
    revision = "b"
    parents = ["a"]
    message = "say \"hi\""
    labels = []
    depends_on = []
    kind = "sql"
    [capabilities]
    ddl = ["public"]
    "#);
    snapshot!(project.ok(&["list-templates"]), @r"
    Templates of projects, for `runner init --template NAME`:
      generic   runner.toml and a folder for migrations
      rust      the same, and a cargo workspace for revisions of kind `rust`
      dated     one folder a year and a month, searched recursively
      packages  two packages of migrations, each with its own folder and ids
      multidb   two databases as named sections, for `runner --name NAME`
    Templates of revisions, for `runner revision --kind NAME` and `runner merge`:
      sql       upgrade.sql and downgrade.sql (own/sql)
      rust      a Rust crate against plugin-sdk (built in)
      merge     a revision that brings branches together, without statements (built in)
    ");
    let json: serde_json::Value =
        serde_json::from_str(&project.ok(&["list_templates", "--json"])).expect("JSON");
    assert_eq!((&json["revision"][0]["path"], &json["version"]), (&"own/sql".into(), &1.into()));
    assert!(project.ok(&["list-templates", "-v"]).contains("${message}     the message\n"));
}

#[test]
fn a_template_that_is_wrong_is_refused_with_its_place() {
    let project = Project::without_database();
    project.write("runner.toml", "[migrations]\ntemplates = \"own\"\n");
    snapshot!(refused(&project, &["revision"]), @r"
    exit code 1
    Error: the folder of templates own does not exist
    Hint: It is `templates` in [migrations] in runner.toml.
    ");
    project.write("own/sql/upgrade.sql", "-- ${message}\n--  ${mesage}\n");
    snapshot!(refused(&project, &["revision"]), @r"
    exit code 1
    Error: own/sql/upgrade.sql:2:5: there is no token `${mesage}`
    Hint: Run `runner list-templates -v` to see the tokens.
    ");
    project.write("own/sql/upgrade.sql", [0x2d, 0xff]);
    snapshot!(refused(&project, &["revision"]), @r"
    exit code 1
    Error: own/sql/upgrade.sql is not UTF-8 (byte 1)
    ");
    project.write("own/sql/upgrade.sql", "");
    project
        .write("own/sql/migration.toml", "revision = \"a\"\nparents = []\nmessage = \"m\"\nkind = \"sql\"\n");
    snapshot!(refused(&project, &["revision", "--rev-id", "b"]), @r#"
    exit code 1
    Error: own/sql/migration.toml does not take over the revision's `revision`
    Hint: Let it say `revision = "${revision}"`.
    "#);
}

#[test]
fn hooks_run_on_what_was_written() {
    let project = Project::without_database();
    program(&project, "tools/mark", "echo \"$1 in $(basename \"$PWD\")\" >> \"$2\"; echo heard\n");
    project.write(
        "runner.toml",
        "[migrations]\nfile_template = \"{rev}\"\n\
         [[hooks]]\nname = \"mark\"\ncommand = [\"./mark\", \"-- marked\", \"{file}\"]\nfiles = [\"up*.sql\"]\ncwd = \"tools\"\n\
         [[hooks]]\nname = \"list\"\ncommand = [\"sh\", \"-c\", \"ls $0 > $0/listed\", \"{dir}\"]\non = [\"sql\"]\n\
         [[hooks]]\nname = \"never\"\ncommand = [\"false\"]\non = [\"rust\"]\n",
    );
    let finished = project.run(&["revision", "--rev-id", "a", "-v"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (0, "migrations/a\n"), "{}", finished.stderr);
    assert!(finished.stderr.contains("Ran hook `mark`: ./mark -- marked /"), "{}", finished.stderr);
    assert!(finished.stderr.contains("heard"), "{}", finished.stderr);
    assert!(read(&project, "migrations/a/upgrade.sql").ends_with("-- marked in tools\n"));
    assert!(!read(&project, "migrations/a/downgrade.sql").contains("marked"));
    assert!(read(&project, "migrations/a/listed").contains("migration.toml"));
    project.sql("x", "", "", "");
    project.ok(&["merge", "a", "x", "--rev-id", "m"]);
    assert!(read(&project, "migrations/m/upgrade.sql").ends_with("-- marked in tools\n"));
}

#[test]
fn a_hook_that_fails_is_reported_and_the_files_stay() {
    let project = Project::without_database();
    let said = |id: &str, hook: &str| {
        project.write(
            "runner.toml",
            format!("[migrations]\nfile_template = \"{{rev}}\"\n[[hooks]]\nname = \"format\"\n{hook}\n"),
        );
        let finished = project.run(&["revision", "--rev-id", id, "--head", "base"]);
        assert!(finished.code != 0 && project.path(&format!("migrations/{id}/upgrade.sql")).is_file());
        let here = project.path("").display().to_string();
        let real = project.path("").canonicalize().expect("it is there").display().to_string();
        let said = finished.stderr.replace(&here, "[project]/").replace(&real, "[project]");
        format!("exit code {}\n{}{said}", finished.code, finished.stdout)
    };
    snapshot!(said("a", "command = [\"sh\", \"-c\", \"echo no such style >&2; exit 3\"]"), @r"
    exit code 1
    migrations/a
    Error: hook `format` failed: `sh -c echo no such style >&2; exit 3` ended with exit status: 3
    Caused by:
    1: no such style
    The revision was written all the same: migrations/a
    ");
    snapshot!(said("b", "command = [\"no_such_program\", \"{file}\"]"), @r"
    exit code 1
    migrations/b
    Error: hook `format`: there is no program `no_such_program`
    The revision was written all the same: migrations/b
    Hint: Install it, or name it with its path; the path of `./x` begins where the hook runs.
    ");
    snapshot!(said("c", "command = [\"true\"]\ncwd = \"nowhere\""), @r"
    exit code 1
    migrations/c
    Error: hook `format` is to run in [project]/nowhere, which is no folder
    The revision was written all the same: migrations/c
    ");
    project.write("runner.toml", "[[hooks]]\nname = \"format\"\ncommand = [\"f\", \"{files}\"]\n");
    snapshot!(refused(&project, &["revision"]), @r"
    exit code 1
    Error: runner.toml:3:11: `{files}` is no token of a hook's command; there are `{file}` and `{dir}`
    ");
}

/// Runs a command with an editor that writes down what it is to open.
fn edited(project: &Project, args: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = project.command(args);
    command.env_remove("VISUAL").env_remove("EDITOR").envs(environment.iter().copied());
    let output = command.output().expect("the program runs");
    let opened = project.path("opened");
    let text = std::fs::read_to_string(&opened).unwrap_or_default();
    let _ = std::fs::remove_file(opened);
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    format!("{text}exit code {}\n{stderr}", output.status.code().expect("it ends by itself"))
}

#[test]
fn a_revision_is_opened_in_the_editor() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b"]);
    project.ok(&["upgrade", "a"]);
    program(&project, "my editor", "echo editor \"$@\" >> opened\n");
    let editor = [("VISUAL", "'./my editor' --wait"), ("EDITOR", "false")];
    snapshot!(edited(&project, &["edit", "head"], &editor), @r"
    editor --wait migrations/b/upgrade.sql migrations/b/downgrade.sql
    exit code 0
    ");
    snapshot!(edited(&project, &["edit", "current"], &editor), @r"
    editor --wait migrations/a/upgrade.sql migrations/a/downgrade.sql
    exit code 0
    Revision a is applied: an edit stops the next `runner upgrade`.
    ");
    snapshot!(edited(&project, &["edit", "b", "--manifest"], &[("EDITOR", "'./my editor'"), ("VISUAL", "")]), @r"
    editor migrations/b/migration.toml
    exit code 0
    ");
    let made = edited(&project, &["revision", "-m", "c", "--edit", "--rev-id", "c"], &editor);
    assert!(made.contains("_c_c/upgrade.sql") && made.contains("exit code 0"), "{made}");
    snapshot!(edited(&project, &["edit", "b"], &[]), @r#"
    exit code 1
    Error: no editor is configured
    Hint: Set VISUAL or EDITOR, as in `export EDITOR=vim` or `export EDITOR="code --wait"`.
    "#);
    snapshot!(edited(&project, &["edit", "b"], &[("EDITOR", "exit 4;")]), @r"
    exit code 1
    Error: the editor `exit 4;` ended with exit status: 4
    ");
    let absent = edited(&project, &["edit", "b"], &[("EDITOR", "no_such_editor")]);
    assert!(absent.contains("Hint: Set EDITOR to an editor that is installed."), "{absent}");
    snapshot!(edited(&project, &["edit", "base"], &editor), @r"
    exit code 1
    Error: `base` names no revision
    Hint: Run `runner history` to see the revisions.
    ");
    snapshot!(edited(&project, &["edit", "nowhere"], &editor), @r"
    exit code 1
    Error: no revision's id begins with `nowhere`, and no branch has that label
    Hint: Run `runner history` to see the revisions.
    ");
    std::fs::remove_dir_all(project.path("migrations")).expect("removes");
    project.tables(&[]);
    std::fs::create_dir(project.path("migrations")).expect("a folder");
    snapshot!(edited(&project, &["edit", "current"], &editor), @r"
    exit code 1
    Revision a is applied: an edit stops the next `runner upgrade`.
    Error: revision `a` is applied and not on disk
    ");
}

#[test]
fn a_folder_that_looks_like_a_revision_is_not_passed_over() {
    let project = Project::without_database();
    project.write("migrations/a/upgrade.sql", "");
    project.write("migrations/notes/readme.md", "");
    snapshot!(project.fails(1, &["history"]), @r"
    Error: the revisions cannot be read
    Caused by:
    1: migrations/a holds upgrade.sql and no migration.toml, so it is no revision
    Hint: Make revisions with `runner revision`, which writes a migration.toml; or move the folder elsewhere.
    ");
}

/// Fills in a revision that creates a table and returns its folder.
fn fill(project: &Project, dir: &str, table: &str) {
    let dir = Path::new(dir.trim_end());
    std::fs::write(
        project.path("").join(dir).join("upgrade.sql"),
        format!("CREATE TABLE {table} (id int);\n"),
    )
    .expect("writes");
    std::fs::write(project.path("").join(dir).join("downgrade.sql"), format!("DROP TABLE {table};\n"))
        .expect("writes");
}

/// Makes a project from a template and returns what runs the program in it.
fn initialised<'a>(project: &'a Project, template: &str) -> impl Fn(&[&str]) -> String + 'a {
    project.ok(&["init", "shop", "--template", template]);
    |args| project.ok(&[args, &["--config", "shop/runner.toml"]].concat())
}

/// Lets all guests of all tests be built in one folder.
fn share_guests(project: &Project) {
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/guests");
    let dir = "dir = \"migrations\"\n";
    let config = read(project, "shop/runner.toml");
    project.write("shop/runner.toml", config.replace(dir, &format!("{dir}target_dir = {target:?}\n")));
}

#[test]
fn projects_of_the_templates_generic_and_dated_work() {
    for template in ["generic", "dated"] {
        let database = Database::new();
        let project = Project::new(&database);
        let run = initialised(&project, template);
        fill(&project, &run(&["revision", "-m", "one"]), "one");
        fill(&project, &run(&["revision", "-m", "two"]), "two");
        run(&["upgrade", "head"]);
        assert!(database.has("one") && database.has("two"), "{template}");
        run(&["downgrade", "base"]);
        assert!(!database.has("one"), "{template}");
        let said = project.fails(1, &["init", "shop", "-t", template]);
        assert!(said.contains("shop/runner.toml exists already"), "{said}");
    }
}

#[test]
fn a_project_of_the_template_rust_works() {
    let database = Database::new();
    let project = Project::new(&database);
    let run = initialised(&project, "rust");
    let workspace = read(&project, "shop/migrations/Cargo.toml");
    assert!(workspace.contains("plugin-sdk = {"), "{workspace}");
    fill(&project, &run(&["revision", "-m", "one"]), "one");
    run(&["revision", "-m", "count", "--kind", "rust"]);
    assert_eq!(read(&project, "shop/migrations/Cargo.toml"), workspace, "the one that there is serves");
    share_guests(&project);
    run(&["upgrade", "head"]);
    assert!(database.has("one"));
}

#[test]
fn crates_are_built_in_dated_folders_too() {
    let project = Project::without_database();
    let run = initialised(&project, "dated");
    run(&["revision", "-m", "one"]);
    run(&["revision", "-m", "count", "--kind", "rust"]);
    share_guests(&project);
    assert!(run(&["build"]).starts_with("built "));
}

#[test]
fn a_project_of_the_template_packages_works() {
    let database = Database::new();
    let project = Project::new(&database);
    let run = initialised(&project, "packages");
    let at = |package: &str| format!("shop/migrations/{package}");
    let core = run(&["revision", "-m", "one", "--head", "base", "--version-path", &at("core")]);
    fill(&project, &core, "one");
    let app = ["revision", "-m", "two", "--head", "base", "--depends-on", "core:head"];
    fill(&project, &run(&[&app[..], &["--version-path", &at("app")]].concat()), "two");
    let next = run(&["revision", "-m", "three", "--head", "core:head"]);
    assert!(next.starts_with("shop/migrations/core/"), "{next}");
    run(&["upgrade", "heads"]);
    assert!(database.has("one") && database.has("two"));
    assert!(run(&["heads"]).contains("app:"));
}

#[test]
fn a_project_of_the_template_multidb_works() {
    let databases = [Database::new(), Database::new()];
    let project = Project::without_database();
    let run = initialised(&project, "multidb");
    for (database, name) in databases.iter().zip(["engine1", "engine2"]) {
        fill(&project, &run(&["--name", name, "revision", "-m", name]), name);
        run(&["--name", name, "upgrade", "head", "--database", &database.url]);
    }
    assert!(databases[0].has("engine1") && !databases[0].has("engine2"));
    assert!(databases[1].has("engine2") && !databases[1].has("engine1"));
}

#[test]
fn a_template_of_projects_that_does_not_exist_is_refused() {
    let project = Project::without_database();
    let said = project.fails(2, &["init", "shop", "--template", "genric"]);
    assert!(said.contains("possible values: generic, rust, dated, packages, multidb"), "{said}");
    assert!(said.contains("a similar value exists: 'generic'"), "{said}");
    assert!(!project.path("shop").exists());
}
