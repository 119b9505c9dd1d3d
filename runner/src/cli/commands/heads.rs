use serde_json::json;

use crate::cli::args::Global;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;
use crate::cli::view::{Listing, View};

/// List the revisions on disk that no other one follows
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Treat `depends_on` like parents: leave out what another revision needs
    #[arg(long)]
    resolve_dependencies: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let view = View::open(global, false)?;
    let graph = view.graph();
    let heads = match args.resolve_dependencies {
        true => graph.tips_of(&vec![true; graph.len()]),
        false => graph.heads(),
    };
    if ui.json() {
        ui.answer(&json!({ "heads": graph.ids(&heads) }));
        return Ok(Exit::Done);
    }
    let listing = Listing::new(&view);
    for number in heads {
        match ui.is_verbose() {
            true => listing.details(number).iter().for_each(|line| ui.line(line)),
            false => ui.line(listing.name(number)),
        }
    }
    Ok(Exit::Done)
}
