use runner::run::Migrator;
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// List the revisions on disk that no other one follows
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = context::project(global)?;
    let on_disk = Migrator::on_disk(&project)?;
    let heads = on_disk.graph.ids(&on_disk.graph.heads());
    if ui.json() {
        ui.answer(&json!({ "heads": heads }));
        return Ok(Exit::Done);
    }
    for id in heads {
        match ui.is_verbose() {
            true => ui.line(format_args!("{id} (head) {}", on_disk.revisions[&id].manifest.message)),
            false => ui.line(format_args!("{id} (head)")),
        }
    }
    Ok(Exit::Done)
}
