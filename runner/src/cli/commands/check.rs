use runner::run::{NotCurrent, Reader, State};
use serde_json::{Value, json};

use crate::cli::args::{Global, Resolve};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::render::{count, heads};
use crate::cli::span::Wait;
use crate::cli::ui::Ui;
use crate::cli::{context, progress};

/// Say in one line, and by the exit code, whether the database is up to date
///
/// Exits with 0 if it is, with 3 if a revision on disk is not applied, with 4 if an
/// applied one was edited or is missing, and with 7 if the database cannot be
/// reached. Takes no lock and changes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    wait: Wait,

    #[command(flatten)]
    pub resolve: Resolve,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let (project, location) = context::project_and_location(global)?;
    let reader = Reader::new(project, location).waiting(args.wait.limit);
    let state = context::block_on(reader.state(&progress::reporter(ui)))?;
    let found = state.check_current();
    let exit = match &found {
        Ok(()) => Exit::Done,
        Err(found) => exit_of(found),
    };
    match ui.json() {
        true => ui.answer(&answer(&state, found.as_ref().err(), exit)),
        false => ui.line(line(&state, found.as_ref().err())),
    }
    Ok(exit)
}

/// Drift comes first: it is what `upgrade` would stop at.
pub fn exit_of(found: &NotCurrent) -> Exit {
    if found.drift.is_empty() { Exit::Pending } else { Exit::Drift }
}

fn line(state: &State, found: Option<&NotCurrent>) -> String {
    let Some(found) = found else {
        return format!("up to date: the database is at {}", heads(&state.current_heads()));
    };
    let pending = (!found.pending.is_empty()).then(|| {
        let ids: Vec<_> = found.pending.iter().map(ToString::to_string).collect();
        format!("{} not applied ({})", count(ids.len(), "revision"), ids.join(", "))
    });
    let drift = found.drift.iter().map(ToString::to_string);
    let partly = found.partly.iter().map(ToString::to_string);
    let word = if found.drift.is_empty() { "pending" } else { "drift" };
    format!("{word}: {}", drift.chain(partly).chain(pending).collect::<Vec<_>>().join("; "))
}

fn answer(state: &State, found: Option<&NotCurrent>, exit: Exit) -> Value {
    let standing = match exit {
        Exit::Done => "current",
        Exit::Drift => "drift",
        _ => "pending",
    };
    json!({
        "standing": standing,
        "current": state.current_heads(),
        "heads": state.on_disk.graph.ids(&state.on_disk.graph.heads()),
        "pending": found.map(|found| &found.pending[..]).unwrap_or_default(),
        "partly": found.map(|found| &found.partly[..]).unwrap_or_default(),
        "drift": found.map(|found| found.drift.iter().map(ToString::to_string).collect::<Vec<_>>())
            .unwrap_or_default(),
        "exit_code": exit as u8,
    })
}
