use runner::revision::Direction;
use runner::run::Options;
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::render::{count, heads};
use crate::cli::ui::Ui;
use crate::cli::{context, progress};

/// Apply revisions, up to a target
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `head`, `heads`, `+N`, an id or the unique beginning of one, `LABEL@head`, `PACKAGE:head`, `ID+2`
    // `-1` is answered by us: it belongs to `downgrade`.
    #[arg(allow_negative_numbers = true)]
    target: String,

    /// Run all steps in one transaction
    #[arg(long)]
    single_transaction: bool,

    /// Do not build crates; fail if a component is not built
    #[arg(long)]
    no_build: bool,

    /// Write this into the journal, beside each step
    #[arg(long)]
    tag: Option<String>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let options = Options {
        single_transaction: args.single_transaction,
        no_build: args.no_build,
        params: global.params.clone(),
    };
    go(Direction::Upgrade, &args.target, options, args.tag.clone(), global, ui)
}

/// Goes to a target, either way.
pub fn go(
    direction: Direction,
    target: &str,
    options: Options,
    tag: Option<String>,
    global: &Global,
    ui: &Ui,
) -> Result<Exit, CommandError> {
    let target = context::target(target)?;
    let migrator = context::migrator(global, progress::reporter(ui))?.tagged(tag);
    let summary = context::run_interruptibly(&migrator, migrator.go(direction, &target, options))?;
    if ui.json() {
        ui.answer(&json!({ "event": "finished", "steps": summary.steps, "heads": summary.heads }));
    } else if summary.steps.is_empty() {
        ui.note(format_args!("Nothing to do: the database is at {}", heads(&summary.heads)));
    } else {
        let verb = match direction {
            Direction::Upgrade => "applied",
            Direction::Downgrade => "reverted",
        };
        ui.note(format_args!(
            "Done: {} {verb}; the database is at {}",
            count(summary.steps.len(), "revision"),
            heads(&summary.heads)
        ));
    }
    Ok(Exit::Done)
}
