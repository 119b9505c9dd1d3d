//! Asking Alembic for the SQL of single revisions.
//!
//! A driver of ours is put into a script directory of its own, and Alembic's
//! program loads it as that directory's env.py: so it runs in whichever Python
//! has Alembic, and needs nothing installed. The driver then runs the project's
//! env.py, offline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::layout::Layout;

const DRIVER: &str = include_str!("driver.py");

/// The table of versions, unless env.py names another.
const USUAL_TABLE: &str = "alembic_version";

/// How many lines of Alembic's own complaint are shown.
const SHOWN_LINES: usize = 5;

/// What Alembic says of a project's revisions.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Offline {
    /// Its version.
    pub alembic: String,
    /// By revision.
    pub revisions: BTreeMap<String, Said>,
    /// What env.py itself sends, around the revisions.
    pub around: Vec<String>,
    /// The table of versions.
    pub version_table: Option<String>,
    /// Its schema, where env.py names one.
    pub version_table_schema: Option<String>,
    error: Option<Trouble>,
}

impl Offline {
    /// The table of versions as SQL spells it, where it is not the usual one.
    pub fn qualified_version_table(&self) -> Option<String> {
        let table = self.version_table.as_deref()?;
        match self.version_table_schema.as_deref() {
            None if table == USUAL_TABLE => None,
            None => Some(quoted(table)),
            Some(schema) => Some(format!("{}.{}", quoted(schema), quoted(table))),
        }
    }
}

/// A name, with quotes where they are needed.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    if name.starts_with(plain) && name.chars().all(|c| plain(c) || c.is_ascii_digit()) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What Alembic says of one revision.
#[derive(Clone, Debug, Deserialize)]
pub struct Said {
    /// The attributes as Python has them, each sorted.
    pub down_revision: Vec<String>,
    /// See above.
    pub branch_labels: Vec<String>,
    /// See above.
    pub depends_on: Vec<String>,
    /// What `upgrade()` sends.
    pub upgrade: Sent,
    /// What `downgrade()` sends.
    pub downgrade: Sent,
}

/// What a function sends offline.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sent {
    /// Its statements.
    Statements(Vec<String>),
    /// It cannot be run offline.
    Error(Trouble),
}

/// An exception.
#[derive(Clone, Debug, Deserialize)]
pub struct Trouble {
    /// What it says.
    pub text: String,
    /// The line of the file that it is about.
    pub line: Option<usize>,
}

/// Why Alembic said nothing.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The program cannot be started.
    #[error("Alembic (`{}`) cannot be run", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ended without an answer.
    #[error("Alembic (`{}`) failed: {said}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// The end of what it said.
        said: String,
    },
    /// The project's env.py fails.
    #[error("{place} cannot be run offline: {text}")]
    Environment {
        /// The file, with the line where that is known.
        place: String,
        /// The exception.
        text: String,
    },
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

#[derive(Serialize)]
struct Request<'a> {
    cwd: PathBuf,
    ini: Option<PathBuf>,
    toml: Option<PathBuf>,
    section: &'a str,
    script_dir: PathBuf,
    revisions: &'a [&'a str],
}

/// Runs a project's env.py, offline, and returns the SQL of some revisions.
/// `scratch` is an empty folder for the driver.
pub fn run_offline(
    program: &Path,
    layout: &Layout,
    revisions: &[&str],
    scratch: &Path,
) -> Result<Offline, OfflineError> {
    let scratch = absolute(scratch);
    let ini = scratch.join("alembic.ini");
    write(&scratch.join("env.py"), DRIVER)?;
    write(&ini, "[alembic]\nscript_location = %(here)s\nversion_locations = %(here)s\n")?;
    let request = Request {
        cwd: absolute(&layout.root),
        ini: layout.ini.as_deref().map(absolute),
        toml: layout.toml.as_deref().map(absolute),
        section: &layout.section,
        script_dir: absolute(&layout.script_dir),
        revisions,
    };
    let request = serde_json::to_string(&request).expect("our own values serialise");
    write(&scratch.join("request.json"), &request)?;
    let started = Command::new(located(program))
        .arg("-c")
        .arg(&ini)
        .arg("current")
        // A pyproject.toml of the folder would count, too; here is none.
        .current_dir(&scratch)
        .stdin(Stdio::null())
        .output();
    let output = started.map_err(|source| OfflineError::Start { program: program.to_owned(), source })?;
    let answer = std::fs::read(scratch.join("result.json")).unwrap_or_default();
    let answer: Offline = serde_json::from_slice(&answer).map_err(|_| OfflineError::Failed {
        program: program.to_owned(),
        said: last_lines(&output.stderr, &output.stdout),
    })?;
    match answer.error {
        None => Ok(answer),
        Some(Trouble { text, line }) => {
            let file = layout.env_py();
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            Err(OfflineError::Environment { place: format!("{}{line}", file.display()), text })
        }
    }
}

/// A program with a folder is found from here, not from where it is run.
fn located(program: &Path) -> PathBuf {
    match program.components().count() {
        0 | 1 => program.to_owned(),
        _ => absolute(program),
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn write(path: &Path, text: &str) -> Result<(), OfflineError> {
    std::fs::write(path, text).map_err(|source| OfflineError::Io { path: path.to_owned(), source })
}

fn last_lines(stderr: &[u8], stdout: &[u8]) -> String {
    let text = [stdout, stderr].map(String::from_utf8_lossy).concat();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    match lines.len() {
        0 => "it said nothing".to_owned(),
        count => lines[count.saturating_sub(SHOWN_LINES)..].join("\n"),
    }
}
