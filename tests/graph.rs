//! `graph`, `completions` and `man`: what the program prints and writes.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{Database, Project, manifest};

/// A branch and a merge, of which one branch is applied; one applied revision is
/// edited, and one is gone.
fn project() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    let create = |id: &str| format!("CREATE TABLE t_{id} (id int);");
    project.sql("a", "", &create("a"), "");
    project.sql("b", "a", &create("b"), "");
    project.sql("gone", "b", &create("gone"), "");
    project.ok(&["upgrade", "head"]);
    std::fs::remove_dir_all(project.path("migrations/gone")).expect("removes");
    project.sql("b", "a", "SELECT 1;", "");
    project.sql("c", "a", &create("c"), "");
    project.sql("d", "b c", &create("d"), "");
    (database, project)
}

#[test]
fn the_graph_tells_revisions_apart() {
    let (_database, project) = project();
    insta::assert_snapshot!(project.ok(&["graph"]), @r#"
    ✕  gone missing (current) message of gone
    │ ○  d pending (head) message of d
    ╭─┤
    │ ○  c pending message of c
    ◆ │  b changed message of b
    ├─╯
    ●  a applied message of a
    "#);
    let drawn = project.run(&["graph", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&drawn.stdout).expect("JSON");
    let nodes = json["nodes"].as_array().expect("nodes");
    let standing = |id: &str| {
        let node = nodes.iter().find(|node| node["revision"] == id).expect("it is there");
        (node["standing"].as_str().expect("known").to_owned(), node["is_current"] == true)
    };
    assert_eq!(standing("a"), ("applied".into(), false));
    assert_eq!(standing("b"), ("changed".into(), false));
    assert_eq!(standing("gone"), ("missing".into(), true));
    assert_eq!(standing("d"), ("pending".into(), false));
    assert!(
        json["edges"]
            .as_array()
            .expect("edges")
            .contains(&serde_json::json!({ "from": "c", "to": "d", "kind": "parent" }))
    );
}

#[test]
fn a_range_is_drawn_alone() {
    let (_database, project) = project();
    insta::assert_snapshot!(project.ok(&["graph", "-r", "c:"]), @r#"
    ✕  gone missing (current) message of gone
    │ ○  d pending (head) message of d
    ╭─┤
    │ ○  c pending message of c
    ◆  b changed message of b
    "#);
    project.fails(2, &["graph", "-r", "c:+"]);
}

#[test]
fn without_a_database_the_graph_is_drawn_from_the_folder() {
    let project = Project::without_database();
    project.tables(&["a", "b"]);
    let finished = project.run(&["graph"]);
    insta::assert_snapshot!(finished.stdout, @r#"
    *  b (head) message of b
    *  a message of a
    "#);
    assert_eq!(finished.stderr, "No database is configured: what is applied is not known, and not drawn.\n");
    let json: serde_json::Value = serde_json::from_str(&project.ok(&["graph", "--json"])).expect("JSON");
    assert!(json["nodes"][0]["standing"].is_null() && json["nodes"][0]["is_current"].is_null());
}

#[test]
fn a_file_is_drawn_as_its_name_says() {
    let project = Project::without_database();
    project.tables(&["a", "b"]);
    for (file, beginning) in [
        ("g.svg", "<svg "),
        ("g.mmd", "flowchart BT"),
        ("g.DOT", "digraph revisions"),
        ("g.gv", "digraph revisions"),
        ("g.txt", "*  b (head)"),
    ] {
        assert_eq!(project.ok(&["graph", "--color", "always", "-o", file]), "");
        let text = std::fs::read_to_string(project.path(file)).expect("it was written");
        assert!(text.starts_with(beginning), "{file}: {text}");
        assert!(!text.contains('\u{1b}'), "{file}: {text}");
    }
    assert!(project.ok(&["graph", "-f", "dot", "-o", "g.png"]).is_empty());
    let said = project.fails(2, &["graph", "-o", "g.pdf"]);
    assert!(said.contains("the name g.pdf does not say what to draw"), "{said}");
    let said = project.fails(1, &["graph", "-o", "nowhere/g.svg"]);
    assert!(said.contains("nowhere/g.svg cannot be written"), "{said}");
    project.fails(2, &["graph", "--json", "--format", "svg"]);
}

#[test]
fn a_long_history_is_drawn_in_boxes_for_several() {
    let project = Project::without_database();
    for number in 0..1_000 {
        let parent = if number == 0 { String::new() } else { format!("r{}", number - 1) };
        project.write(
            &format!("migrations/r{number}/migration.toml"),
            manifest(&format!("r{number}"), &parent, "sql", ""),
        );
        project.write(&format!("migrations/r{number}/upgrade.sql"), "SELECT 1;");
    }
    assert_eq!(project.ok(&["graph"]).lines().filter(|line| line.starts_with("*  r")).count(), 1_000);
    let finished = project.run(&["graph", "-f", "svg"]);
    assert!(finished.stdout.contains("998 revisions"), "{}", finished.stdout);
    assert!(
        finished.stderr.contains("998 revisions of the history are drawn in boxes"),
        "{}",
        finished.stderr
    );
}

/// Messages come from files and from databases, and must not reach the terminal
/// raw.
#[test]
fn messages_cannot_draw_on_the_terminal() {
    let database = Database::new();
    let project = Project::new(&database);
    let manifest = "revision = \"a\"\nparents = []\nmessage = \"x\\u001b[2Jy\\u009bz\"\nkind = \"sql\"\nlabels = [\"l\"]\n";
    project.write("migrations/a/migration.toml", manifest);
    project.write("migrations/a/upgrade.sql", "DO $$BEGIN RAISE EXCEPTION E'no\\x1b[31m'; END$$;");
    let failed = project.fails(5, &["upgrade", "head"]);
    assert!(failed.contains("no\\u{1b}[31m"), "{failed}");
    project.write("migrations/a/upgrade.sql", "SELECT 1;");
    let upgraded = project.run(&["upgrade", "head", "-v"]);
    let commands: [&[&str]; 7] = [
        &["graph"],
        &["graph", "-f", "svg"],
        &["history"],
        &["history", "-v"],
        &["heads", "-v"],
        &["current", "-v"],
        &["show", "a"],
    ];
    let shown = commands.map(|command| project.ok(command));
    for text in shown.iter().chain([&upgraded.stderr, &failed]) {
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
    }
    assert!(shown.iter().all(|text| text.contains("x\\u{1b}[2Jy\\u{9b}z")), "{shown:?}");
}

/// Feeds a program, and returns what it prints.
fn fed(program: &str, args: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program} {args:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn bash_completes_commands_and_options() {
    let project = Project::without_database();
    let script = project.ok(&["completions", "bash"]);
    let complete = |words: &str, last: usize| {
        let call = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={last}\n\
             _runner runner \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last}-1]}}\"\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        fed("bash", &["--norc"], &call)
    };
    assert_eq!(complete("runner upg", 1), "upgrade\n");
    assert_eq!(complete("runner graph --format s", 3), "svg\n");
    assert!(complete("runner graph --o", 2).contains("--output"));
    assert_eq!(complete("runner __", 1), "\n", "what the program calls itself for is no command");
}

#[test]
fn each_shell_gets_a_script() {
    let project = Project::without_database();
    for (shell, part) in [
        ("bash", "complete -F _runner"),
        ("elvish", "edit:completion:arg-completer[runner]"),
        ("fish", "complete -c runner"),
        ("nushell", "export extern \"runner graph\""),
        ("powershell", "Register-ArgumentCompleter"),
        ("zsh", "#compdef runner"),
    ] {
        let script = project.ok(&["completions", shell]);
        assert!(script.contains(part), "{shell}: {script}");
        assert!(script.contains("single-transaction"), "{shell}: {script}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let project = Project::without_database();
    let page = project.ok(&["man"]);
    assert!(page.contains(".TH runner 1"), "{page}");
    let finished = project.run(&["man", "--dir", "share/man1"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    for name in ["runner", "runner-upgrade", "runner-graph", "runner-man"] {
        let text = std::fs::read_to_string(project.path(&format!("share/man1/{name}.1"))).expect("a page");
        assert!(text.contains(".SH SYNOPSIS"), "{name}: {text}");
    }
    project.write("file", "");
    let said = project.fails(1, &["man", "--dir", "file"]);
    assert!(said.contains("the manual cannot be written to file"), "{said}");
}
