use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::history;
use crate::cli::args::Global;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::graph::{self, Drawing, Node, Simplified};
use crate::cli::render::count;
use crate::cli::ui::{Ui, without_colours};
use crate::cli::view::View;

/// Draw the revision graph, newest first
///
/// Where a database is configured, it is asked what is applied: revisions are
/// then told apart as applied, pending (not applied yet), changed (edited after
/// they were applied) and missing (applied, and not on disk).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these: `a:b`, `a:`, `:b`, `current:`, `-3:` (both ends included)
    #[arg(short, long, value_name = "RANGE", allow_hyphen_values = true)]
    rev_range: Option<String>,

    /// What to draw it as; without it, what the file's name ends in, else text
    #[arg(short, long, value_name = "FORMAT", conflicts_with = "json")]
    format: Option<Format>,

    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE", conflicts_with = "json")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines and signs, for a terminal
    Text,
    /// A picture that needs nothing else
    Svg,
    /// A diagram for Markdown
    Mermaid,
    /// Graphviz's language
    Dot,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let format = format(args)?;
    let range = history::range(args.rev_range.as_deref(), global)?;
    let view = View::open_with_database_if_any(global)?;
    if !view.knows_database {
        ui.note("No database is configured: what is applied is not known, and not drawn.");
    }
    let drawing = Drawing::new(&view, &view.range(&range)?);
    if ui.json() {
        ui.answer(&answer(&drawing));
        return Ok(Exit::Done);
    }
    if view.graph().is_empty() {
        ui.note("There are no revisions yet.");
    }
    let text = drawn(&drawing, format, ui);
    match &args.output {
        None => ui.text(&text),
        Some(file) => write(file, &without_colours(&text))?,
    }
    Ok(Exit::Done)
}

/// What is asked for, else what the file's name says.
fn format(args: &Args) -> Result<Format, CommandError> {
    let by_name = |file: &PathBuf| {
        let suffix = file.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default();
        match suffix.to_ascii_lowercase().as_str() {
            "txt" => Ok(Format::Text),
            "svg" => Ok(Format::Svg),
            "mmd" | "mermaid" => Ok(Format::Mermaid),
            "dot" | "gv" => Ok(Format::Dot),
            _ => Err(CommandError::unknown_picture(file)),
        }
    };
    match (args.format, &args.output) {
        (Some(format), _) => Ok(format),
        (None, Some(file)) => by_name(file),
        (None, None) => Ok(Format::Text),
    }
}

fn drawn(drawing: &Drawing, format: Format, ui: &Ui) -> String {
    match format {
        Format::Text => graph::text(drawing),
        Format::Dot => graph::dot(drawing),
        Format::Svg => graph::svg(&simplified(drawing, ui)),
        Format::Mermaid => graph::mermaid(&simplified(drawing, ui)),
    }
}

/// A drawing that is small enough for a picture, with a note if it had to
/// become smaller.
fn simplified(drawing: &Drawing, ui: &Ui) -> Drawing {
    let Simplified { drawing, in_stretches } = graph::simplify(drawing);
    if in_stretches > 0 {
        ui.note(format_args!(
            "{} of the history are drawn in boxes for several: there are too many for one picture. \
             `--format text` and `--format dot` have all of them.",
            count(in_stretches, "revision")
        ));
    }
    drawing
}

fn write(file: &Path, text: &str) -> Result<(), CommandError> {
    let unwritable = |error| CommandError::user(&format!("{} cannot be written", file.display()), error);
    std::fs::write(file, text).map_err(unwritable)
}

fn answer(drawing: &Drawing) -> Value {
    let node = |node: &Node| {
        json!({
            "revision": node.id,
            "message": node.message,
            "labels": node.labels,
            "standing": node.standing,
            "is_head": node.is_head,
            "is_current": node.standing.map(|_| node.is_current),
        })
    };
    let edges: Vec<Value> = drawing
        .edges()
        .map(|edge| {
            json!({
                "from": drawing.nodes[edge.from].id,
                "to": drawing.nodes[edge.to].id,
                "kind": if edge.is_dependency { "depends_on" } else { "parent" },
            })
        })
        .collect();
    json!({ "nodes": drawing.nodes.iter().map(node).collect::<Vec<_>>(), "edges": edges })
}
