//! The main job on the embedded server, from a bare machine.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{Result, cargo, root, run, shown, target_dir};
use crate::setup::{self, Need};

/// The revision before the repair.
const DAMAGED: &str = "d41f6a3c9e27";

/// Where the demo's database is kept.
fn database() -> PathBuf {
    target_dir().join("demo/database")
}

/// Builds the runner and runs the repository's own migrations.
pub fn demo() -> Result<()> {
    setup::ensure(&[Need::Build])?;
    run(&mut cargo(&["build", "--release", "--package", "runner", "--features", "embedded"]))?;
    let folder = database();
    if folder.exists() {
        // Every demo begins with an empty database.
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    run(&mut runner(&["build"]))?;
    run(&mut runner(&["plugin", "list"]))?;
    run(&mut runner(&["history"]))?;
    let upgraded = upgrade_and_listen()?;
    run(&mut on_database(&["graph"]))?;
    run(&mut on_database(&["current", "--verbose"]))?;
    run(&mut on_database(&["upgrade", "head"]))?;
    report(&upgraded);
    Ok(())
}

fn runner(args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(args).current_dir(root());
    command
}

fn program() -> PathBuf {
    target_dir().join("release/runner")
}

fn location() -> String {
    format!("embedded:{}", shortest(&database()).display())
}

/// A path as one would type it in the repository's top folder.
fn shortest(path: &Path) -> PathBuf {
    path.strip_prefix(root()).unwrap_or(path).to_owned()
}

fn on_database(args: &[&str]) -> Command {
    let mut command = runner(args);
    command.args(["--database", &location()]);
    command
}

/// Runs the upgrade, shows what it says, and returns it.
fn upgrade_and_listen() -> Result<Vec<String>> {
    let mut command = on_database(&["upgrade", "head"]);
    let line = shown(&command);
    eprintln!("$ {line}");
    let broken = |error: std::io::Error| format!("`{line}` cannot be run: {error}");
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(broken)?;
    let mut said = Vec::new();
    for text in BufReader::new(child.stderr.take().expect("standard error is piped")).lines() {
        let text = text.map_err(broken)?;
        eprintln!("{text}");
        said.push(text);
    }
    let status = child.wait().map_err(broken)?;
    if status.success() { Ok(said) } else { Err(format!("`{line}` failed ({status})")) }
}

/// Ends with what changed.
fn report(said: &[String]) {
    println!("\nWhat changed:");
    for line in said.iter().filter(|line| is_result(line)) {
        println!("{}", line.trim_end());
    }
    println!("\nThe database is kept in {}. To take the repair back:", shortest(&database()).display());
    println!("  {} downgrade {DAMAGED} --database {}", shortest(&program()).display(), location());
}

/// Lines that tell of an applied revision, or of a migration's own result.
fn is_result(line: &str) -> bool {
    let first = line.split_whitespace().next();
    matches!(first, Some("applied" | "info" | "before:" | "after:"))
}
