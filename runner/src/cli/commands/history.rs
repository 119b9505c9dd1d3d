use runner::graph::TargetRange;
use serde_json::{Value, json};

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;
use crate::cli::view::{Listing, View};

/// List the revisions on disk, newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these: `a:b`, `a:`, `:b`, `current:`, `-3:` (both ends included)
    #[arg(short, long, value_name = "RANGE", allow_hyphen_values = true)]
    rev_range: Option<String>,

    /// Mark where the database is
    #[arg(short, long)]
    indicate_current: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let range = range(args.rev_range.as_deref(), global)?;
    let view = View::open(global, args.indicate_current || range.needs_database())?;
    let order = view.range(&range)?;
    let listing = if args.indicate_current { Listing::with_current(&view) } else { Listing::new(&view) };
    if ui.json() {
        let revisions: Vec<Value> = order.iter().map(|&number| listing.json(number)).collect();
        ui.answer(&json!({ "revisions": revisions }));
        return Ok(Exit::Done);
    }
    for &number in &order {
        match ui.is_verbose() {
            true => listing.details(number).iter().for_each(|line| ui.line(line)),
            false => ui.line(listing.line(number)),
        }
    }
    if view.graph().is_empty() {
        ui.note("There are no revisions yet.");
    }
    Ok(Exit::Done)
}

/// What the option `-r` says; without it, everything.
pub fn range(text: Option<&str>, global: &Global) -> Result<TargetRange, CommandError> {
    let Some(text) = text else {
        return Ok(TargetRange::default());
    };
    context::range(text, &context::project(global)?)
}
