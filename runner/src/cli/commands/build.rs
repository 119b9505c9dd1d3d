use runner::run::Migrator;
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::render::count;
use crate::cli::ui::Ui;

/// Build the components of all revisions of kind `rust`
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = context::project(global)?;
    let built = Migrator::build(&project)?;
    if ui.json() {
        let components: Vec<_> = built
            .iter()
            .map(|built| json!({ "revision": built.revision, "path": built.path, "changed": built.changed }))
            .collect();
        ui.answer(&json!({ "components": components }));
        return Ok(Exit::Done);
    }
    for component in &built {
        let word = if component.changed { "built" } else { "fresh" };
        ui.line(format_args!("{word} {} {}", component.revision, component.path.display()));
    }
    ui.note(format_args!("{}.", count(built.len(), "component")));
    Ok(Exit::Done)
}
