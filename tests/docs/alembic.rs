//! The commands of docs/alembic.md, run as the page says: in its order, in one
//! project, on one database.

use super::page::{self, Shown};

const PAGE: &str = include_str!("../../docs/alembic.md");

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

#[test]
fn every_command_of_the_page_does_what_the_page_says() {
    let shown = shown();
    assert!(shown.len() > 80, "only {} commands were found", shown.len());
    page::run("docs/alembic.md", &shown, &[]);
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

/// The commands of the page: those of its blocks, and those of the last column
/// of its tables.
fn shown() -> Vec<Shown> {
    let mut shown = page::commands(PAGE);
    shown.extend(rows().flat_map(|(line, [_, _, cell])| of_cell(line, cell)));
    // As the page is read; the commands of a cell stay in their order.
    shown.sort_by_key(|shown| shown.line);
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
