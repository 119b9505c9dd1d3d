//! The files of new revisions: names, templates, hooks, and the commands that
//! write and open them.

mod hooks;
mod init;
mod names;
mod revision;
mod templates;

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Finished, Project};

macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        let value = $value;
        insta::with_settings!({ filters => filters() }, { insta::assert_snapshot!(value, @$expected) });
    };
}
pub(crate) use snapshot;

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
