use std::time::Duration;

use runner::run::Options;

use crate::cli::args::{Global, Resolve};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::span::span;
use crate::cli::ui::Ui;
use crate::cli::{context, progress, summary};

/// Take revisions back, and apply them again as they are on disk now
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How far to go back: what `downgrade` takes
    #[arg(default_value = "-1", allow_negative_numbers = true)]
    target: String,

    /// Run each direction in one transaction
    #[arg(long)]
    single_transaction: bool,

    /// Do not build crates; fail if a component is not built
    #[arg(long)]
    no_build: bool,

    /// Do not make the backup that [backup] in runner.toml asks for
    #[arg(long)]
    no_backup: bool,

    /// Wait for another runner for at most so long; `0s` not at all (default: `session.lock_wait`, 5m)
    #[arg(long, value_name = "TIME", value_parser = span)]
    lock_wait: Option<Duration>,

    #[command(flatten)]
    pub resolve: Resolve,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let target = context::target(&args.target)?;
    let options = Options {
        single_transaction: args.single_transaction,
        no_build: args.no_build,
        params: global.params.clone(),
        backups: context::backups(args.no_backup),
    };
    let migrator = context::migrator(global, progress::reporter(ui))?.waiting_for_lock(args.lock_wait);
    let summary = context::run_interruptibly(&migrator, migrator.redo(&target, options))?;
    summary::show(&summary, "run", ui);
    Ok(Exit::Done)
}
