use std::path::PathBuf;

use runner::source::{ConfigError, INIT_TEMPLATES, Project, TEMPLATE_TOKENS, Template};
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// List the templates of new projects and of new revisions
///
/// A project has its own templates in the folder that `templates` in
/// [migrations] in runner.toml names: its folders `sql`, `rust` and `merge` take
/// the place of those that are built in. With `--verbose` their tokens are listed
/// too.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = project_if_any(global)?;
    let mut revisions = Vec::new();
    for template in Template::ALL {
        let folder = project.as_ref().map(|project| template.folder(project)).transpose()?;
        revisions.push((template, folder.flatten()));
    }
    match ui.json() {
        true => ui.answer(&answer(&revisions)),
        false => list(&revisions, ui),
    }
    Ok(Exit::Done)
}

/// The project, if the command is run in one.
fn project_if_any(global: &Global) -> Result<Option<Project>, CommandError> {
    if global.config.is_none() {
        let here = std::env::current_dir()
            .map_err(|error| CommandError::user("the current folder is gone", error))?;
        if let Err(ConfigError::NotFound(_)) = Project::find(&here) {
            return Ok(None);
        }
    }
    context::project(global).map(Some)
}

fn answer(revisions: &[(Template, Option<PathBuf>)]) -> serde_json::Value {
    let project =
        INIT_TEMPLATES.map(|template| json!({ "name": template.name, "summary": template.summary }));
    let revision = revisions.iter().map(|(template, folder)| {
        json!({ "name": template.name(), "summary": template.summary(), "path": folder })
    });
    let token = TEMPLATE_TOKENS.map(|(name, meaning)| json!({ "name": name, "meaning": meaning }));
    json!({ "project": project, "revision": revision.collect::<Vec<_>>(), "token": token })
}

fn list(revisions: &[(Template, Option<PathBuf>)], ui: &Ui) {
    ui.line("Templates of projects, for `runner init --template NAME`:");
    for template in INIT_TEMPLATES {
        ui.line(format_args!("  {:<10}{}", template.name, template.summary));
    }
    ui.line("Templates of revisions, for `runner revision --kind NAME` and `runner merge`:");
    for (template, folder) in revisions {
        let origin = folder.as_ref().map_or("built in".into(), |folder| folder.display().to_string());
        ui.line(format_args!("  {:<10}{} ({origin})", template.name(), template.summary()));
    }
    if ui.is_verbose() {
        ui.line("Tokens in the files of a template of revisions:");
        for (name, meaning) in TEMPLATE_TOKENS {
            ui.line(format_args!("  {:<15}{meaning}", format!("${{{name}}}")));
        }
    }
}
