//! The graph in Graphviz's language.

use std::fmt::Write as _;

use runner::run::Standing;

use super::look::look;
use super::model::{Drawing, Node};
use crate::cli::printable::shortened;

/// The longest message that is shown whole, in columns.
const LONGEST_MESSAGE: usize = 48;

/// Writes the graph. Nodes are named by the revisions' ids.
pub fn dot(drawing: &Drawing) -> String {
    let mut text = String::from(
        "digraph revisions {\n  rankdir=BT;\n  node [shape=box, fontname=\"sans-serif\", fontsize=11];\n  edge [color=\"#7b8794\"];\n",
    );
    for node in &drawing.nodes {
        let _ = writeln!(text, "  {} [{}];", quoted(&node.id), attributes(node));
    }
    for edge in drawing.edges() {
        let (from, to) = (quoted(&drawing.nodes[edge.from].id), quoted(&drawing.nodes[edge.to].id));
        let style = if edge.is_dependency { " [style=dashed, arrowhead=empty]" } else { "" };
        let _ = writeln!(text, "  {from} -> {to}{style};");
    }
    text.push_str("}\n");
    text
}

fn attributes(node: &Node) -> String {
    let look = look(node.standing);
    let style = match node.standing {
        None | Some(Standing::Applied | Standing::Changed) => "filled,rounded",
        Some(Standing::Pending) => "filled,rounded,dashed",
        Some(Standing::Missing) => "filled,dotted",
    };
    let mut attributes = format!(
        "label={}, tooltip={}, style=\"{style}\", fillcolor=\"{}\", color=\"{}\", fontcolor=\"#1b2430\"",
        quoted(&label(node)),
        quoted(&node.message),
        look.light.fill,
        look.light.stroke
    );
    if node.standing == Some(Standing::Changed) {
        attributes.push_str(", peripheries=2");
    }
    if node.is_current {
        attributes.push_str(", penwidth=2.5");
    }
    attributes
}

fn label(node: &Node) -> String {
    let mut first = node.id.clone();
    if node.standing.is_some() {
        let _ = write!(first, " {} {}", look(node.standing).sign, look(node.standing).name);
    }
    let marks = node.marks();
    let mut lines = vec![first, shortened(&node.message, LONGEST_MESSAGE)];
    if !marks.is_empty() {
        lines.push(marks.join(" "));
    }
    lines.join("\n")
}

/// A quoted string. Beside quotes Graphviz reads backslashes (`\l`, `\N`) and
/// HTML's entities in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '&' => quoted.push_str("&amp;"),
            '\n' => quoted.push_str("\\n"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
