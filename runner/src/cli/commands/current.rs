use runner::revision::RevisionId;
use runner::run::State;
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// Show where the database is: the heads of what is applied
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let migrator = context::migrator(global, context::silent())?;
    let state = context::block_on(migrator.state())?;
    let current = state.current_heads();
    if ui.json() {
        ui.answer(&answer(&state, &current));
        return Ok(Exit::Done);
    }
    for id in &current {
        let marks = marks(&state, id);
        let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
        ui.line(format_args!("{id}{marks}"));
        if ui.is_verbose() {
            details(&state, id, ui);
        }
    }
    if current.is_empty() {
        ui.note("No revision is applied.");
    }
    Ok(Exit::Done)
}

/// What there is to say about a head of what is applied.
fn marks(state: &State, id: &RevisionId) -> Vec<&'static str> {
    let on_disk = &state.on_disk;
    match on_disk.graph.find(id) {
        None => vec!["missing on disk"],
        Some(number) if on_disk.graph.children(number).is_empty() => vec!["head"],
        Some(_) => Vec::new(),
    }
}

fn details(state: &State, id: &RevisionId, ui: &Ui) {
    let applied = &state.applied[id];
    ui.line(format_args!("    {}", applied.message));
    ui.line(format_args!("    applied {} by {}", applied.applied_at, applied.applied_by));
    ui.line(format_args!("    component {}", applied.component_digest));
}

fn answer(state: &State, current: &[RevisionId]) -> serde_json::Value {
    let head = |id: &RevisionId| {
        let applied = &state.applied[id];
        json!({
            "revision": id,
            "message": applied.message,
            "applied_at": applied.applied_at,
            "applied_by": applied.applied_by,
            "component": applied.component_digest,
            "is_head": marks(state, id) == ["head"],
            "on_disk": state.on_disk.revisions.contains_key(id),
        })
    };
    json!({ "current": current.iter().map(head).collect::<Vec<_>>(), "applied": state.applied.len() })
}
