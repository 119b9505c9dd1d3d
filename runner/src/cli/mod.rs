//! The command line: parse, call the library, show.
//!
//! One command a file. `ui` alone prints; `exit_code` alone says what a number
//! means; only the modules here read the environment.

mod args;
mod author;
mod bundle_error;
mod commands;
mod connect_error;
mod context;
mod database;
mod database_error;
mod editor;
mod error;
mod exit_code;
mod facts;
mod graph;
mod hints;
mod import_error;
mod interrupt;
mod logging;
mod origin;
mod plugin;
mod prepare_error;
mod printable;
mod progress;
mod render;
mod sandbox_error;
mod span;
mod summary;
mod target_error;
#[cfg(feature = "otlp")]
mod telemetry;
mod ui;
mod usage;
mod view;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the program and says how it ended.
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == context::COMPILE) {
        return runner::host::compile_child_main();
    }
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage::report(error),
    };
    let (quiet, verbose) = (args.global.quiet, args.global.verbose);
    let ui = ui::Ui::new(&args.global);
    let logging = logging::Logging::start(&ui, quiet, verbose);
    let command = std::env::args().skip(1).find(|word| args::Args::is_command(word)).unwrap_or_default();
    let run = || match commands::run(args, &ui) {
        Ok(code) => code,
        Err(error) => ui.report(&error),
    };
    let exit = logging.within(&command, run, |exit| *exit as u8);
    let told_to_stop = matches!(exit, exit_code::Exit::Interrupted | exit_code::Exit::Terminated);
    logging.end(told_to_stop);
    exit.into()
}
