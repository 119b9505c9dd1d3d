use runner::run::{Migrator, UpdateOptions};
use serde_json::json;

use crate::cli::args::{Global, Resolve};
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::plugin;
use crate::cli::render::count;
use crate::cli::ui::Ui;

/// Build the components of all revisions of kind `rust`, and get all plugins
///
/// Plugins of runner.toml that are not in runner.lock are pinned; those that are, are fetched into
/// the store as they are pinned.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub resolve: Resolve,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let manager = plugin::manager(global)?;
    let new = manager.not_locked()?;
    if !new.is_empty() {
        let changes = context::block_on(manager.changes(&new))?;
        if let Some(change) = changes.iter().find(|change| change.needs_consent()) {
            return Err(CommandError::no_consent(change));
        }
        manager.accept(&changes, UpdateOptions { locked: args.resolve.locked })?;
    }
    let plugins = context::block_on(manager.fetch())?;
    let built = context::block_on(Migrator::build(manager.project()))?;
    if ui.json() {
        let components: Vec<_> = built
            .iter()
            .map(|built| json!({ "revision": built.revision, "path": built.path, "changed": built.changed }))
            .collect();
        ui.answer(&json!({ "components": components, "plugins": plugins }));
        return Ok(Exit::Done);
    }
    for component in &built {
        let word = if component.changed { "built" } else { "fresh" };
        ui.line(format_args!("{word} {} {}", component.revision, component.path.display()));
    }
    for name in &plugins {
        ui.line(format_args!("ready {name}"));
    }
    ui.note(format_args!("{}.", count(built.len() + plugins.len(), "component")));
    Ok(Exit::Done)
}
