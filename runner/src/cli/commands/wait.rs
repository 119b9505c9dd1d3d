use std::time::{Duration, Instant};

use runner::run::wait_for;
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::render::duration;
use crate::cli::span::span;
use crate::cli::ui::Ui;
use crate::cli::{context, progress};

/// Wait until the database takes a login
///
/// Ends at once where waiting does not help: a wrong password, a database that
/// does not exist, TLS that is refused. Needs no runner.toml where the database
/// is named otherwise.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How long to wait, as in `60s` or `5m`; exits with 7 when it is over
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = span)]
    timeout: Duration,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let location = context::location_without_project(global)?;
    let began = Instant::now();
    let reporter = progress::reporter(ui);
    context::block_on(wait_for(&location, args.timeout, &reporter))?;
    let waited = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match ui.json() {
        true => ui.event(&json!({ "event": "ready", "location": location.to_string(), "waited_ms": waited })),
        false => ui.note(format_args!("Ready after {}: {location}", duration(waited))),
    }
    Ok(Exit::Done)
}
