use serde_json::{Value, json};

use crate::cli::args::Global;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;
use crate::cli::view::{Listing, View};

/// List the revisions after which the graph divides, with the ways on
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let view = View::open(global, false)?;
    let graph = view.graph();
    let listing = Listing::new(&view);
    let points: Vec<usize> =
        graph.order().into_iter().rev().filter(|&number| graph.children(number).len() > 1).collect();
    if ui.json() {
        let branches: Vec<Value> = points
            .iter()
            .map(|&number| {
                json!({ "revision": graph.node(number).id, "children": graph.ids(graph.children(number)) })
            })
            .collect();
        ui.answer(&json!({ "branches": branches }));
        return Ok(Exit::Done);
    }
    for &number in &points {
        match ui.is_verbose() {
            true => listing.details(number).iter().for_each(|line| ui.line(line)),
            false => ui.line(listing.described(number)),
        }
        for &child in graph.children(number) {
            ui.line(format_args!("    -> {}", listing.described(child)));
        }
    }
    if points.is_empty() {
        ui.note("There are no branches.");
    }
    Ok(Exit::Done)
}
