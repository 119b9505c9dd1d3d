use std::time::Duration;

use runner::revision::Direction;
use runner::run::{Options, ScriptOptions};

use crate::cli::args::{Global, Resolve};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::span::{Wait, span};
use crate::cli::ui::Ui;
use crate::cli::{context, progress, summary};

/// Apply revisions, up to a target
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// `head`, `heads`, `+N`, an id or the unique beginning of one, `LABEL@head`, `PACKAGE:head`, `ID+2`
    // `-1` is answered by us: it belongs to `downgrade`.
    #[arg(allow_negative_numbers = true)]
    target: String,

    /// Print a script for psql instead of running anything; no database is needed
    ///
    /// TARGET can be a range FROM:TO then; without FROM the script begins at the base.
    #[arg(long)]
    sql: bool,

    /// Run all steps in one transaction
    #[arg(long, conflicts_with = "sql")]
    single_transaction: bool,

    /// Do not build crates; fail if a component is not built
    #[arg(long)]
    no_build: bool,

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
    pub resolve: Resolve,
}

/// Where to go, and how.
pub struct Way<'a> {
    pub direction: Direction,
    pub target: &'a str,
    pub options: Options,
    pub tag: Option<String>,
    pub sql: bool,
    pub wait: Wait,
    pub lock_wait: Option<Duration>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let options = Options {
        single_transaction: args.single_transaction,
        no_build: args.no_build,
        params: global.params.clone(),
        backups: context::backups(args.no_backup),
    };
    let Args { tag, sql, wait, lock_wait, .. } = args.clone();
    let target = &args.target;
    go(Way { direction: Direction::Upgrade, target, options, tag, sql, wait, lock_wait }, global, ui)
}

/// Goes to a target, either way, or writes the script that does.
pub fn go(way: Way<'_>, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    if way.sql {
        return write(way, global, ui);
    }
    let Way { direction, target: text, options, tag, wait, lock_wait, .. } = way;
    let target = context::target(text)?;
    let migrator = context::migrator(global, progress::reporter(ui))?.tagged(tag);
    let migrator = migrator.waiting(wait.limit).waiting_for_lock(lock_wait);
    context::refuse_range(text, migrator.project())?;
    let summary = context::run_interruptibly(&migrator, migrator.go(direction, &target, options))?;
    let verb = match direction {
        Direction::Upgrade => "applied",
        Direction::Downgrade => "reverted",
    };
    summary::show(&summary, verb, ui);
    Ok(Exit::Done)
}

fn write(way: Way<'_>, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    if way.wait.limit.is_some() {
        return Err(CommandError::nothing_to_wait_for());
    }
    let scripter = context::scripter(global, progress::reporter(ui))?.tagged(way.tag);
    let (from, to) = context::script_range(way.target, scripter.project())?;
    let options = ScriptOptions { no_build: way.options.no_build, params: way.options.params };
    let script = context::block_on(scripter.go(way.direction, from.as_ref(), &to, &options))?;
    ui.script(&script);
    Ok(Exit::Done)
}
