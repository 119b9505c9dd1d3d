//! The graph as text, as `git log --graph` draws it.

use std::fmt::Write as _;

use clap::builder::styling::AnsiColor;
use renderdag::{Ancestor, GraphRowRenderer, Renderer as _};
use runner::run::Standing;

use super::look::look;
use super::model::{Drawing, Node};
use crate::cli::printable::shortened;
use crate::cli::ui::paint;

/// The longest message that is shown whole, in columns.
const LONGEST_MESSAGE: usize = 72;

/// Draws the graph, newest first, with colours for a terminal. Dependencies are
/// drawn dashed, and named.
pub fn text(drawing: &Drawing) -> String {
    let mut renderer = GraphRowRenderer::new().output().with_min_row_height(1).build_box_drawing();
    let mut text = String::new();
    for (place, node) in drawing.nodes.iter().enumerate() {
        let parents = node.parents.iter().map(|&parent| Ancestor::Parent(parent));
        let others = node.depends_on.iter().map(|&other| Ancestor::Ancestor(other));
        let sign = painted(look(node.standing).sign, node.standing);
        text += &renderer.next_row(place, parents.chain(others).collect(), sign, caption(drawing, node));
    }
    text
}

/// What stands beside a node.
fn caption(drawing: &Drawing, node: &Node) -> String {
    let mut caption = node.id.clone();
    if node.standing.is_some() {
        let _ = write!(caption, " {}", painted(look(node.standing).name, node.standing));
    }
    for mark in node.marks() {
        let _ = write!(caption, " {mark}");
    }
    let _ = write!(caption, " {}", shortened(&node.message, LONGEST_MESSAGE));
    if !node.depends_on.is_empty() {
        let ids: Vec<_> = node.depends_on.iter().map(|&other| drawing.nodes[other].id.as_str()).collect();
        let _ = write!(caption, "\n  depends on {}", ids.join(", "));
    }
    caption
}

fn painted(word: &str, standing: Option<Standing>) -> String {
    match standing {
        None => word.to_owned(),
        Some(Standing::Applied) => paint(word, AnsiColor::Green),
        Some(Standing::Pending) => paint(word, AnsiColor::Cyan),
        Some(Standing::Changed) => paint(word, AnsiColor::Yellow),
        Some(Standing::Missing) => paint(word, AnsiColor::Red),
    }
}
