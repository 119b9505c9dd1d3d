//! The `runner` command.

#![warn(clippy::print_stdout, clippy::print_stderr, clippy::exit)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
