use std::time::Duration;

use serde_json::json;

use crate::cli::args::Global;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::span::span;
use crate::cli::ui::Ui;
use crate::cli::{context, progress};

/// Make the ledger's tables, or upgrade them, and nothing else
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print a script for psql instead of changing anything; no database is needed
    #[arg(long)]
    sql: bool,

    /// Wait for another runner for at most so long; `0s` not at all (default: `session.lock_wait`, 5m)
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "sql")]
    lock_wait: Option<Duration>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    if args.sql {
        ui.script(&context::scripter(global, context::silent())?.ensure_version());
        return Ok(Exit::Done);
    }
    let migrator = context::migrator(global, progress::reporter(ui))?.waiting_for_lock(args.lock_wait);
    let changed = context::run_interruptibly(&migrator, migrator.ensure_version())?;
    match (ui.json(), changed) {
        (true, _) => ui.event(&json!({ "event": "ensured", "changed": changed })),
        (false, true) => ui.note("Done: the ledger has the tables of this runner."),
        (false, false) => ui.note("Nothing to do: the ledger has the tables of this runner."),
    }
    Ok(Exit::Done)
}
