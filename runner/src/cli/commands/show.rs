use runner::ledger::Recorded;
use runner::revision::{Manifest, RevisionId};
use runner::source::Found;
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::printable::printable;
use crate::cli::render::{count, duration, grants_in_words};
use crate::cli::ui::Ui;
use crate::cli::view::View;

/// Show a revision; where a database is configured, also how it was applied
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An id or the unique beginning of one, `head`, `heads`, `current`, `LABEL@head`, `head-1`
    #[arg(allow_negative_numbers = true)]
    revision: String,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let target = context::target(&args.revision)?;
    let view = match target.needs_database() {
        true => View::open(global, true)?,
        false => View::open_with_database_if_any(global)?,
    };
    let numbers = view.locate(&target)?;
    for id in view.graph().ids(&numbers) {
        show_one(&view, &id, global, ui)?;
    }
    if numbers.is_empty() {
        ui.note(format_args!("`{target}` is before every revision."));
    }
    Ok(Exit::Done)
}

fn show_one(view: &View, id: &RevisionId, global: &Global, ui: &Ui) -> Result<(), CommandError> {
    let recorded = match view.applied(id) {
        None => None,
        Some(_) => context::block_on(context::migrator(global, context::silent())?.recorded(id))?,
    };
    let found = view.on_disk().revisions.get(id);
    let on_disk = found.map(|found| &found.manifest);
    // It may have been taken back between the two questions.
    let Some(manifest) = on_disk.or(recorded.as_ref().map(|recorded| &recorded.manifest)) else {
        return Ok(());
    };
    if ui.json() {
        ui.answer(&json!({
            "manifest": manifest,
            "path": found.map(|found| &found.dir),
            "source_digest": found.map(|found| found.source_digest),
            "applied": recorded,
        }));
    } else {
        show(manifest, found, recorded.as_ref(), ui);
    }
    Ok(())
}

fn show(manifest: &Manifest, found: Option<&Found>, recorded: Option<&Recorded>, ui: &Ui) {
    let field = |name: &str, value: &str| ui.line(format_args!("{name:<14}{}", printable(value)));
    field("Revision:", manifest.revision.as_str());
    field("Message:", &manifest.message);
    let parents: Vec<_> = manifest.parents.iter().map(ToString::to_string).collect();
    field("Parents:", if parents.is_empty() { "<base>".into() } else { parents.join(", ") }.as_str());
    if !manifest.depends_on.is_empty() {
        field("Depends on:", &manifest.depends_on.join(", "));
    }
    if !manifest.labels.is_empty() {
        field("Labels:", &manifest.labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    }
    if let Some(since) = &manifest.since {
        field("Since:", &since.to_string());
    }
    field("Kind:", manifest.kind.as_str());
    if let Some(plugin) = &manifest.plugin {
        field("Plugin:", &String::from(plugin.clone()));
    }
    match found {
        Some(found) => field("Path:", &found.dir.display().to_string()),
        None => field("Path:", "missing on disk"),
    }
    for line in grants_in_words(manifest) {
        field("May:", &line);
    }
    if let Some(recorded) = recorded {
        field(
            "Applied:",
            &format!("{} by {} ({})", recorded.applied_at, recorded.applied_by, recorded.actor),
        );
        let work = format!("{}, {}", count(recorded.statements, "statement"), count(recorded.rows, "row"));
        field("Took:", &format!("{}, {work}", duration(recorded.duration_ms)));
        if let Some(confinement) = recorded.confinement {
            field("Isolation:", confinement.as_str());
        }
        if let Some(plugin) = &recorded.manifest.plugin {
            field("Ran:", &String::from(plugin.clone()));
        }
        let component = recorded.component_digest.map(|digest| digest.to_string());
        field("Component:", component.as_deref().unwrap_or("none"));
        field("Sources:", &recorded.source_digest.to_string());
    }
}
