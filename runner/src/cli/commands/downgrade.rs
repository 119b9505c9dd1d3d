use std::time::Duration;

use runner::revision::Direction;
use runner::run::Options;

use super::upgrade::{Way, go};
use crate::cli::args::{Global, ResolveKept};
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::span::{Wait, span};
use crate::cli::ui::Ui;

/// Take revisions back, down to a target
///
/// Runs the components that the ledger recorded when the revisions were
/// applied, so the folders need not be there.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// `base`, `-N`, an id or the unique beginning of one, `LABEL@-1`, `LABEL@base`, `head-2`
    #[arg(allow_negative_numbers = true)]
    target: String,

    /// Print a script for psql instead of running anything; no database is needed
    ///
    /// TARGET is a range FROM:TO then, and the revisions are taken as they are on disk.
    #[arg(long)]
    sql: bool,

    /// Run all steps in one transaction
    #[arg(long, conflicts_with = "sql")]
    single_transaction: bool,

    /// Do not make the backup that [backup] in runner.toml asks for
    #[arg(long, conflicts_with = "sql")]
    no_backup: bool,

    /// Wait for another runner for at most so long; `0s` not at all (default: `session.lock_wait`, 5m)
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "sql")]
    lock_wait: Option<Duration>,

    /// Write this into the journal, beside each step
    #[arg(long)]
    tag: Option<String>,

    #[command(flatten)]
    wait: Wait,

    #[command(flatten)]
    pub resolve: ResolveKept,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let options = Options {
        single_transaction: args.single_transaction,
        // What runs is in the ledger already; a script needs what is on disk.
        no_build: !args.sql,
        params: global.params.clone(),
        backups: context::backups(args.no_backup),
    };
    let Args { tag, sql, wait, lock_wait, .. } = args.clone();
    let target = &args.target;
    go(Way { direction: Direction::Downgrade, target, options, tag, sql, wait, lock_wait }, global, ui)
}
