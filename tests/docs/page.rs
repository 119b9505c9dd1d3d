//! A page whose commands are run: in its order, in one folder, on one database.
//!
//! A command is a line of a block of `sh`. What a page does not show, because the
//! reader's situation is there already, is a line of a comment that begins with
//! `<!-- sh`. A command ends with exit code 0 unless ` # exits N` follows it.
//!
//! Such a comment finds this repository in `CHECKOUT`, in `PLUGIN_TARGET` a folder for
//! what cargo makes of new crates, which the tests share, and what the test gives it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Database, without_settings};

/// A command of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its line in the page, from 1.
    pub line: usize,
    pub command: String,
    /// The exit code that it has to end with.
    pub code: i32,
}

/// The commands of a page's blocks.
pub fn commands(page: &str) -> Vec<Shown> {
    let (mut shown, mut ends) = (Vec::new(), None);
    for (line, text) in (1..).zip(page.lines()) {
        match (text, ends) {
            ("```sh", None) => ends = Some("```"),
            ("<!-- sh", None) => ends = Some("-->"),
            (text, Some(end)) if text == end => ends = None,
            (text, Some(_)) => shown.push(command(line, text)),
            (_, None) => {}
        }
    }
    shown
}

fn command(line: usize, text: &str) -> Shown {
    let (command, code) = match text.rsplit_once(" # exits ") {
        Some((command, code)) => (command, code.parse().expect("an exit code is a number")),
        None => (text, 0),
    };
    Shown { line, command: command.to_owned(), code }
}

/// Runs the commands of a page on an empty database, from an empty folder.
/// They find these variables.
pub fn run(page: &str, commands: &[Shown], variables: &[(&str, &str)]) {
    let (database, folder) = (Database::new(), tempfile::tempdir().expect("a folder"));
    let mut here = folder.path().to_owned();
    for Shown { line, command, code } in commands {
        if let Some(dir) = command.strip_prefix("cd ") {
            here.push(dir);
            continue;
        }
        let mut shell = shell(command, &here, &database);
        let homes = ["XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG"];
        shell.envs(homes.map(|name| (name, folder.path().join(".home").join(name))));
        shell.envs(variables.iter().copied());
        let output = shell.output().expect("there is a shell");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(
            output.status.code(),
            Some(*code),
            "{page}:{line}: `{command}`\n{}{}",
            said(&output.stdout),
            said(&output.stderr)
        );
    }
}

/// A command, as a user would type it.
fn shell(command: &str, here: &Path, database: &Database) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-ec", command]).current_dir(here).stdin(Stdio::null());
    let program = Path::new(env!("CARGO_BIN_EXE_runner")).parent().expect("it is in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        std::iter::once(program.to_owned()).chain(std::env::split_paths(&path)).collect();
    shell.env("PATH", std::env::join_paths(folders).expect("no folder's name holds a colon"));
    without_settings(&mut shell);
    shell.env_remove("VISUAL");
    shell.env("DATABASE_URL", &database.url).env("EDITOR", "true").env("USER", "tester");
    shell.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    shell.env("CHECKOUT", concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    shell.env("PLUGIN_TARGET", concat!(env!("CARGO_TARGET_TMPDIR"), "/plugin-target"));
    shell
}
