//! The command line: parse, call the library, show.
//!
//! One command a file. `ui` alone prints; `exit_code` alone says what a number
//! means; only the modules here read the environment.

mod args;
mod author;
mod commands;
mod context;
mod database;
mod database_error;
mod editor;
mod error;
mod exit_code;
mod graph;
mod hints;
mod plugin;
mod printable;
mod progress;
mod render;
mod sandbox_error;
mod ui;
mod view;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the program and says how it ended.
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == context::COMPILE) {
        return runner::host::compile_child_main();
    }
    let args = args::Args::parse();
    let ui = ui::Ui::new(&args.global);
    ui.start_logging();
    let result = commands::run(args, &ui);
    match result {
        Ok(code) => code.into(),
        Err(error) => ui.report(&error).into(),
    }
}
