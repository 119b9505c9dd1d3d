//! `cargo xtask hostile`: the replay of hostile SQL (`tests/hostile`).

use std::path::Path;

use crate::hostile_servers;
use crate::run::{FEATURES, Result, cargo, run};
use crate::setup::{self, Need};

/// Builds the runner and the replay, and runs it with these arguments.
pub fn hostile(args: &[&str]) -> Result<()> {
    setup::ensure(&[Need::Build, Need::Server])?;
    let mut command = cargo(&["test", "--release", "--workspace", "--features", FEATURES]);
    command.args(["--test", "hostile", "--"]);
    let mut before = "";
    for arg in args {
        match before {
            "--postgres" => command.arg(hostile_servers::programs(arg)?),
            _ => command.arg(absolute(arg)),
        };
        before = arg;
    }
    run(&mut command)
}

/// A file's path from anywhere: cargo runs the replay in another folder.
fn absolute(arg: &str) -> String {
    let path = Path::new(arg);
    match path.canonicalize() {
        Ok(path) if !arg.starts_with('-') && path.is_file() => path.display().to_string(),
        _ => arg.to_owned(),
    }
}
