//! `cargo xtask hostile`: the replay as a program of its own.

#[path = "mod.rs"]
mod hostile;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use all of it")]
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    hostile::command::main()
}
