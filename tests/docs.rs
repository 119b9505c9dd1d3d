//! The commands of docs/alembic.md, run as the page says: in its order, in one
//! project, on one database.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Database;

const PAGE: &str = include_str!("../docs/alembic.md");

/// Every command and flag of Alembic, as its own help prints them.
const ALEMBIC: &[(&str, &[&str])] = &[
    ("branches", &["-v", "--verbose"]),
    ("check", &[]),
    ("current", &["--check-heads", "-v", "--verbose"]),
    ("downgrade", &["--sql", "--tag"]),
    ("edit", &[]),
    ("ensure_version", &["--sql"]),
    ("heads", &["-v", "--verbose", "--resolve-dependencies"]),
    ("history", &["-r", "--rev-range", "-v", "--verbose", "-i", "--indicate-current"]),
    ("init", &["--template", "--package"]),
    ("list_templates", &[]),
    ("merge", &["-m", "--branch-label", "--rev-id", "--splice"]),
    (
        "revision",
        &[
            "-m",
            "--autogenerate",
            "--sql",
            "--head",
            "--splice",
            "--branch-label",
            "--version-path",
            "--rev-id",
            "--depends-on",
        ],
    ),
    ("show", &[]),
    ("stamp", &["--sql", "--tag", "--purge"]),
    ("upgrade", &["--sql", "--tag"]),
];

/// Alembic's options of every command.
const GLOBAL: &[&str] =
    &["-h", "--help", "--version", "-c", "--config", "-n", "--name", "-x", "--raiseerr", "-q", "--quiet"];

/// A command of the page.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    line: usize,
    command: String,
    code: i32,
}

#[test]
fn every_command_of_the_page_does_what_the_page_says() {
    let (database, folder) = (Database::new(), tempfile::tempdir().expect("a folder"));
    let shown = shown();
    assert!(shown.len() > 80, "only {} commands were found", shown.len());
    let mut here = folder.path().to_owned();
    for Shown { line, command, code } in shown {
        if let Some(dir) = command.strip_prefix("cd ") {
            here.push(dir);
            continue;
        }
        let output = shell(&command, &here, &database).output().expect("there is a shell");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(
            output.status.code(),
            Some(code),
            "docs/alembic.md:{line}: `{command}`\n{}{}",
            said(&output.stdout),
            said(&output.stderr)
        );
    }
}

#[test]
fn every_command_and_flag_of_alembic_has_a_row() {
    let rows: Vec<&str> = rows().map(|(_, [alembic, _, _])| alembic).collect();
    for (command, flags) in ALEMBIC {
        let of_command = |row: &&&str| row.contains(&format!("`{command}"));
        assert!(rows.iter().any(|row| of_command(&row)), "{command} has no row");
        for flag in *flags {
            let has = |row: &&&str| of_command(row) && words(row).any(|word| word == *flag);
            assert!(rows.iter().any(|row| has(&row)), "`{command} {flag}` has no row");
        }
    }
    for flag in GLOBAL {
        assert!(rows.iter().any(|row| words(row).any(|word| word == *flag)), "`{flag}` has no row");
    }
}

/// A command of the page, as a user would type it.
fn shell(command: &str, here: &Path, database: &Database) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-ec", command]).current_dir(here).stdin(Stdio::null());
    let program = Path::new(env!("CARGO_BIN_EXE_runner")).parent().expect("it is in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        std::iter::once(program.to_owned()).chain(std::env::split_paths(&path)).collect();
    shell.env("PATH", std::env::join_paths(folders).expect("no folder's name holds a colon"));
    for name in ["RUNNER_CONFIG", "RUNNER_LOG", "VISUAL"] {
        shell.env_remove(name);
    }
    shell.env("DATABASE_URL", &database.url).env("EDITOR", "true").env("USER", "tester");
    shell.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    shell
}

/// The commands of the page: those of its blocks, and those of the last column
/// of its tables.
fn shown() -> Vec<Shown> {
    let (mut shown, mut in_block) = (Vec::new(), false);
    for (number, text) in (1..).zip(PAGE.lines()) {
        if text.starts_with("```") {
            in_block = text == "```sh";
        } else if in_block {
            shown.push(Shown { line: number, command: text.to_owned(), code: 0 });
        }
        if let Some((_, [_, _, cell])) = rows().find(|(line, _)| *line == number) {
            shown.extend(of_cell(number, cell));
        }
    }
    shown
}

/// The rows of the tables that have commands, as their cells.
fn rows() -> impl Iterator<Item = (usize, [&'static str; 3])> {
    let cells = |text: &'static str| -> Option<[&str; 3]> {
        let inner = text.strip_prefix("| ")?.strip_suffix('|')?;
        let cells: Vec<&str> = inner.split(" | ").map(str::trim).collect();
        cells.try_into().ok()
    };
    let rows = (1..).zip(PAGE.lines()).filter_map(move |(line, text)| Some((line, cells(text)?)));
    rows.filter(|(_, [_, _, shown])| *shown != "shown by")
}

/// The commands of a cell: each in backticks, and perhaps `(exits N)` after it.
fn of_cell(line: usize, cell: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for (number, part) in cell.split('`').enumerate() {
        if number % 2 == 1 {
            shown.push(Shown { line, command: part.replace("\\|", "|"), code: 0 });
        } else if let Some(code) = part.trim().strip_prefix("(exits ").and_then(|rest| rest.strip_suffix(')'))
        {
            let last = shown.last_mut().expect("a command comes before its exit code");
            last.code = code.parse().expect("an exit code is a number");
        }
    }
    shown
}

/// The words of a cell, without what marks them as code.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    cell.split([' ', '`', ',']).filter(|word| !word.is_empty())
}
