use runner::revision::RevisionId;
use runner::run::{RunError, State};
use serde_json::{Value, json};

use crate::cli::args::Global;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::progress;
use crate::cli::span::Wait;
use crate::cli::ui::Ui;
use crate::cli::view::{Listing, View};

/// Show where the database is: the heads of what is applied
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Exit with 3 if a revision on disk is not applied, with 4 if an applied one was edited or is missing
    #[arg(long)]
    check_heads: bool,

    #[command(flatten)]
    wait: Wait,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let view = View::open_within(global, true, args.wait, &progress::reporter(ui))?;
    let current = view.state.current_heads();
    match ui.json() {
        true => ui.answer(&answer(&view.state, &current)),
        false => show(&view, &current, ui),
    }
    if args.check_heads {
        view.state.check_current().map_err(RunError::from)?;
    }
    Ok(Exit::Done)
}

fn show(view: &View, current: &[RevisionId], ui: &Ui) {
    let listing = Listing::new(view);
    for number in current.iter().filter_map(|id| view.graph().find(id)) {
        match ui.is_verbose() {
            true => listing.details(number).iter().for_each(|line| ui.line(line)),
            false => ui.line(listing.name(number)),
        }
    }
    view.state.partly.values().for_each(|partly| ui.note(partly));
    if current.is_empty() {
        ui.note("No revision is applied.");
    }
}

fn answer(state: &State, current: &[RevisionId]) -> Value {
    let head = |id: &RevisionId| {
        let applied = &state.applied[id];
        let on_disk = state.on_disk.graph.find(id);
        json!({
            "revision": id,
            "message": applied.message,
            "applied_at": applied.applied_at,
            "applied_by": applied.applied_by,
            "component": applied.component_digest,
            "is_head": on_disk.is_some_and(|number| state.on_disk.graph.children(number).is_empty()),
            "on_disk": on_disk.is_some(),
        })
    };
    json!({
        "current": current.iter().map(head).collect::<Vec<_>>(),
        "applied": state.applied.len(),
        "partly": state.partly.values().collect::<Vec<_>>(),
    })
}
