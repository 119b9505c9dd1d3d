//! The main job on the embedded server, from a bare machine.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::run::{Result, cargo, root, run, shown};
use crate::setup::{self, Need};

/// Where the demo's database is kept, below the top folder.
const DATABASE: &str = "target/demo/database";

/// Builds the runner and runs the repository's own migrations.
pub fn demo() -> Result<()> {
    setup::ensure(&[Need::Build])?;
    run(&mut cargo(&["build", "--release", "--package", "runner", "--features", "embedded"]))?;
    let folder = root().join(DATABASE);
    if folder.exists() {
        // Every demo begins with an empty database.
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    run(&mut runner(&["build"]))?;
    run(&mut runner(&["history"]))?;
    let upgraded = upgrade_and_listen()?;
    run(&mut on_database(&["current", "--verbose"]))?;
    run(&mut on_database(&["upgrade", "head"]))?;
    report(&upgraded);
    Ok(())
}

fn runner(args: &[&str]) -> Command {
    let mut command = Command::new(root().join("target/release/runner"));
    command.args(args).current_dir(root());
    command
}

fn on_database(args: &[&str]) -> Command {
    let mut command = runner(args);
    command.args(["--database", &format!("embedded:{DATABASE}")]);
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
    println!("\nThe database is kept in {DATABASE}. To take the repair back:");
    println!("  target/release/runner downgrade -1 --database embedded:{DATABASE}");
}

/// Lines that tell of an applied revision, or of a migration's own result.
fn is_result(line: &str) -> bool {
    let first = line.split_whitespace().next();
    matches!(first, Some("applied" | "info" | "before:" | "after:"))
}
