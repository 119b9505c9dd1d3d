//! The graph in Mermaid's language, for Markdown.

use std::fmt::Write as _;

use runner::run::Standing;

use super::look::{self, look};
use super::model::{Drawing, Node};
use crate::cli::printable::shortened;

/// The longest message that is shown whole, in columns.
const LONGEST_MESSAGE: usize = 48;

/// Writes the graph. Nodes have names of their own, since ids can hold
/// characters that mean something to Mermaid.
pub fn mermaid(drawing: &Drawing) -> String {
    let mut text = String::from("flowchart BT\n");
    for (place, node) in drawing.nodes.iter().enumerate() {
        let (open, close) = shape(node.standing);
        let class = look(node.standing).name;
        let _ = writeln!(text, "  r{place}{open}\"{}\"{close}:::{class}", label(node));
    }
    for edge in drawing.edges() {
        let arrow = if edge.is_dependency { "-.->" } else { "-->" };
        let _ = writeln!(text, "  r{} {arrow} r{}", edge.from, edge.to);
    }
    text.push_str(&classes(drawing));
    text
}

/// The brackets of a shape: each standing has one of its own.
fn shape(standing: Option<Standing>) -> (&'static str, &'static str) {
    match standing {
        None | Some(Standing::Applied) => ("[", "]"),
        Some(Standing::Pending) => ("([", "])"),
        Some(Standing::Changed) => ("{{", "}}"),
        Some(Standing::Missing) => ("[/", "/]"),
    }
}

fn label(node: &Node) -> String {
    let mut first = escaped(&node.id);
    if node.standing.is_some() {
        let _ = write!(first, " {} {}", look(node.standing).sign, look(node.standing).name);
    }
    let mut lines = vec![first, escaped(&shortened(&node.message, LONGEST_MESSAGE))];
    let marks = node.marks();
    if !marks.is_empty() {
        lines.push(escaped(&marks.join(" ")));
    }
    lines.join("<br/>")
}

/// The colours of the standings that there are; a box's text has the colour that
/// fits its filling, whatever the theme.
fn classes(drawing: &Drawing) -> String {
    let mut text = String::new();
    for standing in
        look::ALL.into_iter().filter(|standing| drawing.nodes.iter().any(|node| node.standing == *standing))
    {
        let look = look(standing);
        let border = match standing {
            Some(Standing::Pending) => ",stroke-dasharray:5 3",
            Some(Standing::Missing) => ",stroke-dasharray:2 3",
            _ => "",
        };
        let _ = writeln!(
            text,
            "  classDef {} fill:{},stroke:{},color:#1b2430{border}",
            look.name, look.light.fill, look.light.stroke
        );
    }
    for (place, _) in drawing.nodes.iter().enumerate().filter(|(_, node)| node.is_current) {
        let _ = writeln!(text, "  style r{place} stroke-width:3px");
    }
    text
}

/// Text inside quotes, with Mermaid's own entities: it reads HTML, Markdown and,
/// between dollars, mathematics there.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '*' | '_' | '~' | '$' => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
            other => escaped.push(other),
        }
    }
    escaped
}
