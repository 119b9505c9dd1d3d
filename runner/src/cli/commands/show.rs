use runner::ledger::Recorded;
use runner::revision::{Capabilities, Manifest, RevisionId};
use runner::run::{Migrator, OnDisk};
use runner::source::Found;
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::render::{count, duration};
use crate::cli::ui::Ui;

/// Show one revision; where a database is configured, also how it was applied
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `head`, an id, or the unique beginning of one
    revision: String,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = context::project(global)?;
    let on_disk = Migrator::on_disk(&project)?;
    let resolved = resolve(&on_disk, &args.revision);
    let id = match (&resolved, RevisionId::new(args.revision.as_str())) {
        (Ok(id), _) => id.clone(),
        // It may be in the ledger alone.
        (Err(_), Ok(id)) => id,
        (Err(_), Err(_)) => return resolved.map(|_| Exit::Done),
    };
    let recorded = match context::location(global, &project)? {
        None => None,
        Some(_) => context::block_on(context::migrator(global, context::silent())?.recorded(&id))?,
    };
    let found = on_disk.revisions.get(&id);
    let manifest = match (found, &recorded) {
        (Some(found), _) => &found.manifest,
        (None, Some(recorded)) => &recorded.manifest,
        (None, None) => return resolved.map(|_| Exit::Done),
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
    Ok(Exit::Done)
}

fn resolve(on_disk: &OnDisk, text: &str) -> Result<RevisionId, CommandError> {
    let found = match text {
        "head" => on_disk.graph.head(),
        id => on_disk.graph.resolve(id),
    };
    let number = found.map_err(|error| CommandError::target(&error))?;
    Ok(on_disk.graph.node(number).id.clone())
}

fn show(manifest: &Manifest, found: Option<&Found>, recorded: Option<&Recorded>, ui: &Ui) {
    let field = |name: &str, value: &str| ui.line(format_args!("{name:<14}{value}"));
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
    field("Kind:", manifest.kind.as_str());
    match found {
        Some(found) => field("Path:", &found.dir.display().to_string()),
        None => field("Path:", "missing on disk"),
    }
    for line in grants(&manifest.capabilities) {
        field("May:", &line);
    }
    if let Some(recorded) = recorded {
        field(
            "Applied:",
            &format!("{} by {} ({})", recorded.applied_at, recorded.applied_by, recorded.actor),
        );
        let work = format!("{}, {}", count(recorded.statements, "statement"), count(recorded.rows, "row"));
        field("Took:", &format!("{}, {work}", duration(recorded.duration_ms)));
        field("Component:", &recorded.component_digest.to_string());
        field("Sources:", &recorded.source_digest.to_string());
    }
}

/// The grants of a manifest in words.
fn grants(capabilities: &Capabilities) -> Vec<String> {
    let lists = [
        ("read", &capabilities.read),
        ("write", &capabilities.write),
        ("truncate", &capabilities.truncate),
        ("lock", &capabilities.lock),
        ("create and alter objects in", &capabilities.ddl),
        ("drop objects in", &capabilities.drop),
        ("change row-level security of", &capabilities.rls),
        ("grant privileges to", &capabilities.grant),
        ("create the extensions", &capabilities.extension),
        ("call from triggers", &capabilities.trigger),
    ];
    let mut grants: Vec<String> = lists
        .iter()
        .filter(|(_, targets)| !targets.is_empty())
        .map(|(verb, targets)| format!("{verb} {}", targets.join(", ")))
        .collect();
    if capabilities.code.is_some() {
        grants.push("create code in the database".into());
    }
    if capabilities.set_local {
        grants.push("set the transaction's time-outs".into());
    }
    if capabilities.random {
        grants.push("use random bytes".into());
    }
    grants
}
