//! What runs after files were written: hooks, and the editor.

use super::{program, read, refused, snapshot};
use crate::support::{Database, Project, filters};

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
