use runner::graph::Graph;
use runner::run::{Migrator, OnDisk};
use serde_json::{Value, json};

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// List the revisions on disk, newest first
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = context::project(global)?;
    let on_disk = Migrator::on_disk(&project)?;
    let mut order = on_disk.graph.order();
    order.reverse();
    if ui.json() {
        let revisions: Vec<Value> = order.iter().map(|&number| answer(&on_disk, number)).collect();
        ui.answer(&json!({ "revisions": revisions }));
        return Ok(Exit::Done);
    }
    for number in order {
        match ui.is_verbose() {
            true => details(&on_disk, number, ui),
            false => ui.line(line(&on_disk, number)),
        }
    }
    if on_disk.graph.is_empty() {
        ui.note("There are no revisions yet.");
    }
    Ok(Exit::Done)
}

/// `parent -> revision (marks), message`, as Alembic prints it.
fn line(on_disk: &OnDisk, number: usize) -> String {
    let node = on_disk.graph.node(number);
    let message = &on_disk.revisions[&node.id].manifest.message;
    format!("{} -> {}{}, {message}", parents(&on_disk.graph, number), node.id, marks(&on_disk.graph, number))
}

fn parents(graph: &Graph, number: usize) -> String {
    match graph.parents(number) {
        [] => "<base>".into(),
        parents => graph.ids(parents).iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Labels, and where the revision stands in the graph.
fn marks(graph: &Graph, number: usize) -> String {
    let node = graph.node(number);
    let mut marks = String::new();
    if !node.labels.is_empty() {
        let labels: Vec<_> = node.labels.iter().map(ToString::to_string).collect();
        marks.push_str(&format!(" ({})", labels.join(", ")));
    }
    match graph.children(number).len() {
        0 => marks.push_str(" (head)"),
        1 => {}
        _ => marks.push_str(" (branchpoint)"),
    }
    if graph.parents(number).len() > 1 {
        marks.push_str(" (mergepoint)");
    }
    marks
}

fn details(on_disk: &OnDisk, number: usize, ui: &Ui) {
    let node = on_disk.graph.node(number);
    let found = &on_disk.revisions[&node.id];
    ui.line(format_args!("Rev: {}{}", node.id, marks(&on_disk.graph, number)));
    ui.line(format_args!("Parent: {}", parents(&on_disk.graph, number)));
    if !node.depends_on.is_empty() {
        ui.line(format_args!("Depends on: {}", node.depends_on.join(", ")));
    }
    ui.line(format_args!("Path: {}", found.dir.display()));
    ui.line(format_args!("Kind: {}", found.manifest.kind.as_str()));
    if let Some(created) = &found.manifest.created {
        ui.line(format_args!("Created: {created}"));
    }
    ui.line(format_args!("\n    {}\n", found.manifest.message));
}

fn answer(on_disk: &OnDisk, number: usize) -> Value {
    let node = on_disk.graph.node(number);
    let found = &on_disk.revisions[&node.id];
    json!({
        "revision": node.id,
        "parents": node.parents,
        "depends_on": node.depends_on,
        "labels": node.labels,
        "message": found.manifest.message,
        "kind": found.manifest.kind,
        "path": found.dir,
        "source_digest": found.source_digest,
        "is_head": on_disk.graph.children(number).is_empty(),
    })
}
