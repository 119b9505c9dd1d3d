//! The repository's own commands: `cargo xtask COMMAND`.
//!
//! They do all their own set-up, and say what they install before they do. No
//! dependencies, so that they start in seconds on a machine that has nothing
//! yet.

mod demo;
mod hostile;
mod hostile_servers;
mod run;
mod setup;
#[path = "../../runner/src/source/toolchain.rs"]
#[expect(dead_code, reason = "finding a compiler is all that is needed here")]
mod toolchain;

use std::process::ExitCode;

use run::{FEATURES, Result, cargo, run};
use setup::Need;

const USAGE: &str = "\
The repository's own commands

Usage: cargo xtask COMMAND

Commands:
  demo         Run the migrations in migrations/ on the embedded PostgreSQL
  test         Run all tests, on a PostgreSQL that they start and stop
  lint         Check the formatting and the lints
  bench NAME   Measure, and print ratios (data, deploy, graph, plugins,
               policy, start)
  storm        Kill runners at random moments, start fifty at once, fill a disk;
               `cargo xtask storm --kills N` for another number than 1000
  hostile      Replay hostile SQL through the runner; `cargo xtask hostile --help`
  setup        Only install what the other commands need
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["demo"] => demo::demo(),
        ["test", rest @ ..] => test(rest),
        ["lint"] => lint(),
        ["storm"] => storm("1000"),
        ["storm", "--kills", kills] => storm(kills),
        ["bench", name, rest @ ..] => bench(name, rest),
        ["hostile", rest @ ..] => hostile::hostile(rest),
        ["setup"] => setup::ensure(&[Need::Build, Need::Server, Need::Alembic]),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All tests of all crates; what follows is passed on to them.
fn test(rest: &[&str]) -> Result<()> {
    setup::ensure(&[Need::Build, Need::Server, Need::Alembic])?;
    let mut command = cargo(&["test", "--release", "--workspace", "--features", FEATURES]);
    run(command.args(rest))
}

/// The storms of the integration tests, at full size.
fn storm(kills: &str) -> Result<()> {
    let number: u32 =
        kills.parse().map_err(|_| format!("`--kills` needs a number, and {kills:?} is none"))?;
    setup::ensure(&[Need::Build, Need::Server])?;
    let scope = ["--release", "--workspace", "--features", FEATURES, "--test", "integration"];
    let mut command = cargo(&["test"]);
    command.args(scope).args(["--", "storm::", "--nocapture"]);
    run(command.env("RUNNER_STORM_KILLS", number.to_string()))
}

fn lint() -> Result<()> {
    setup::ensure(&[Need::Build])?;
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    let scope = ["--release", "--workspace", "--all-targets", "--features", FEATURES];
    run(cargo(&["clippy"]).args(scope).args(["--", "--deny", "warnings"]))
}

fn bench(name: &str, rest: &[&str]) -> Result<()> {
    setup::ensure(&[Need::Build, Need::Server])?;
    if name == "data" || name == "deploy" {
        // Its peers in Python are left out where there is none.
        setup::ensure(&[Need::Alembic]).unwrap_or_else(|error| eprintln!("warning: {error}"));
    }
    // The same features as for the tests, so that what they built is used again.
    let scope = ["--workspace", "--features", FEATURES, "--bench", "bench"];
    run(cargo(&["bench"]).args(scope).args(["--", name]).args(rest))
}
