//! What the signs and lines of a picture mean: only those that it has.

use std::fmt::Write as _;

use runner::run::Standing;

use super::node::sign;
use crate::cli::graph::look::{self, look};
use crate::cli::graph::model::Drawing;

/// The least width of a legend, in pixels: that of its widest item and more.
pub const LEAST_WIDTH: f64 = 300.0;

/// From line to line, in pixels.
const LINE: f64 = 22.0;

/// A legend.
pub struct Legend {
    /// Its height, in pixels.
    pub height: f64,
    /// Its parts, from 0 0 on.
    pub svg: String,
}

struct Item {
    /// In pixels.
    width: f64,
    /// The sign, around 12 0, and the text.
    svg: String,
}

/// Explains what is in a drawing, in lines no longer than `width`.
pub fn legend(drawing: &Drawing, width: f64) -> Legend {
    let (mut x, mut y) = (0.0, 0.0);
    let mut svg = String::new();
    for item in items(drawing) {
        if x > 0.0 && x + item.width > width {
            (x, y) = (0.0, y + LINE);
        }
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">{}</g>", item.svg);
        x += item.width;
    }
    Legend { height: y + LINE, svg }
}

fn items(drawing: &Drawing) -> Vec<Item> {
    let has = |standing: Option<Standing>| drawing.nodes.iter().any(|node| node.standing == standing);
    let meaning = |standing| match standing {
        None => "revision",
        Some(Standing::Applied) => "applied",
        Some(Standing::Pending) => "pending: not applied yet",
        Some(Standing::Changed) => "changed: edited after it was applied",
        Some(Standing::Missing) => "missing: applied, not on disk",
    };
    let mut items: Vec<Item> = look::ALL
        .into_iter()
        .filter(|standing| has(*standing))
        .map(|standing| {
            item(
                &format!("<g class=\"{}\">{}</g>", look(standing).name, sign(standing, 12.0, 0.0)),
                meaning(standing),
            )
        })
        .collect();
    let edges: Vec<_> = drawing.edges().map(|edge| edge.is_dependency).collect();
    if edges.contains(&false) {
        items.push(item(&line("edge", "arrow"), "is followed by"));
    }
    if edges.contains(&true) {
        items.push(item(&line("dependency", "open"), "is needed by (depends_on)"));
    }
    items
}

fn line(class: &str, marker: &str) -> String {
    format!("<path class=\"{class}\" marker-end=\"url(#{marker})\" d=\"M0 0L24 0\"/>")
}

fn item(sign: &str, text: &str) -> Item {
    let width = 32.0 + text.len() as f64 * 6.3 + 16.0;
    Item { width, svg: format!("{sign}<text class=\"note\" x=\"32\" y=\"4\">{text}</text>") }
}
