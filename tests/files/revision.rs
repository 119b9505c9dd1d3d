//! `revision` and `merge`: the graph that they make, and what they refuse.

use super::{made, read, refused, snapshot, two_heads};
use crate::support::{Database, Project, filters};

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
    "#);
    snapshot!(made(&project, &["revision", "--rev-id", "e", "--head", "base", "--depends-on", "shop", "--depends-on", "c"]), @r#"
    revision = "e"
    parents = []
    message = "empty message"
    labels = []
    depends_on = ["shop", "c"]
    kind = "sql"
    "#);
    snapshot!(made(&project, &["revision", "--rev-id", "f", "--head", "heads", "-m", "all of them"]), @r#"
    revision = "f"
    parents = ["c", "d", "e"]
    message = "all of them"
    labels = []
    depends_on = []
    kind = "sql"
    "#);
    snapshot!(made(&project, &["revision", "--rev-id", "g", "--head", "a", "--splice", "-m", "aside"]), @r#"
    revision = "g"
    parents = ["a"]
    message = "aside"
    labels = []
    depends_on = []
    kind = "sql"
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
