//! One box: its sign, id, standing, message and marks.

use std::fmt::Write as _;

use runner::run::Standing;
use unicode_width::UnicodeWidthStr as _;

use super::escaped;
use crate::cli::graph::layout::{Point, Size};
use crate::cli::graph::look::look;
use crate::cli::graph::model::{Drawing, Node};
use crate::cli::printable::wrapped;

/// A column of the fixed-width font of ids, in pixels.
const ID_COLUMN: f64 = 7.9;

/// A column of the other font, in pixels: wide enough for most texts.
const COLUMN: f64 = 6.7;

/// Between a box and what is in it, in pixels.
const PADDING: f64 = 12.0;

/// Between lines of text, in pixels.
const LINE: f64 = 17.0;

/// The least width of a box, in pixels.
const LEAST_WIDTH: f64 = 270.0;

/// Columns of a message's line, and how many lines there are at most.
const MESSAGE: (usize, usize) = (36, 3);

/// The width of all boxes: as much as the longest of the first lines and of the
/// marks needs.
pub fn width(drawing: &Drawing) -> f64 {
    let needed = drawing.nodes.iter().map(|node| {
        let word = if node.standing.is_some() { 70.0 } else { 0.0 };
        let first = 24.0 + columns(&node.id) * ID_COLUMN + word;
        let marks: f64 = node.marks().iter().map(|mark| pill_width(mark) + 6.0).sum();
        first.max(marks) + 2.0 * PADDING
    });
    needed.fold(LEAST_WIDTH, f64::max).ceil()
}

/// The size of a node's box.
pub fn size(node: &Node, width: f64) -> Size {
    let lines = 1 + message(node, width).len();
    let marks = if node.marks().is_empty() { 0.0 } else { 24.0 };
    let height = 2.0 * PADDING + LINE * lines as f64 - 4.0 + marks;
    Size { width, height }
}

fn message(node: &Node, width: f64) -> Vec<String> {
    // Boxes that are wider for the sake of an id have room for more text.
    let columns = ((width - 2.0 * PADDING) / COLUMN) as usize;
    wrapped(&node.message, columns.max(MESSAGE.0), MESSAGE.1)
}

fn columns(text: &str) -> f64 {
    text.width() as f64
}

fn pill_width(text: &str) -> f64 {
    columns(text) * 6.6 + 14.0
}

/// Draws a node. The title is what a reader sees who points at it.
pub fn node(node: &Node, centre: Point, size: Size) -> String {
    let (x, y) = (centre.x - size.width / 2.0, centre.y - size.height / 2.0);
    let mut classes = look(node.standing).name.to_owned();
    if node.is_current {
        classes.push_str(" current");
    }
    let mut svg = format!("<g class=\"{classes}\" transform=\"translate({x:.1} {y:.1})\">\n");
    let _ = writeln!(svg, "<title>{}</title>", escaped(&format!("{} {}", node.id, node.message)));
    if node.stands_for > 1 {
        svg.push_str(&outline(size, 5.0));
    }
    svg.push_str(&outline(size, 0.0));
    if node.standing == Some(Standing::Changed) {
        let inner = Size { width: size.width - 6.0, height: size.height - 6.0 };
        svg.push_str(&outline_at(3.0, inner));
    }
    svg.push_str(&lines(node, size));
    svg.push_str("</g>\n");
    svg
}

fn outline(size: Size, offset: f64) -> String {
    outline_at(offset, size)
}

fn outline_at(at: f64, size: Size) -> String {
    let Size { width, height } = size;
    format!(
        "<rect class=\"box\" x=\"{at}\" y=\"{at}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"8\"/>\n"
    )
}

fn lines(node: &Node, size: Size) -> String {
    let first = PADDING + 10.0;
    let mut svg = sign(node.standing, PADDING + 6.0, first - 4.5);
    let _ = writeln!(
        svg,
        "<text class=\"id\" x=\"{}\" y=\"{first}\">{}</text>",
        PADDING + 20.0,
        escaped(&node.id)
    );
    if node.standing.is_some() {
        let _ = writeln!(
            svg,
            "<text class=\"word\" x=\"{}\" y=\"{first}\" text-anchor=\"end\">{}</text>",
            size.width - PADDING,
            look(node.standing).name
        );
    }
    let mut y = first;
    for line in message(node, size.width) {
        y += LINE;
        let _ = writeln!(svg, "<text x=\"{PADDING}\" y=\"{y}\">{}</text>", escaped(&line));
    }
    svg.push_str(&pills(node, y + 10.0));
    svg
}

/// Where the node stands, filled; its labels, outlined.
fn pills(node: &Node, y: f64) -> String {
    let places = node.places().map(|place| (place, " place"));
    let labels = node.labels.iter().map(|label| (label.as_str(), ""));
    let mut svg = String::new();
    let mut x = PADDING;
    for (text, class) in places.chain(labels) {
        let width = pill_width(text);
        let _ = writeln!(
            svg,
            "<rect class=\"pill{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"18\" rx=\"9\"/>\
             <text class=\"tag{class}\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x + width / 2.0,
            y + 13.0,
            escaped(text)
        );
        x += width + 6.0;
    }
    svg
}

/// The shape that stands for a standing, around a point.
pub fn sign(standing: Option<Standing>, x: f64, y: f64) -> String {
    match standing {
        None => format!("<circle class=\"sign\" cx=\"{x}\" cy=\"{y}\" r=\"2.5\"/>\n"),
        Some(Standing::Applied) => format!("<circle class=\"sign\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>\n"),
        Some(Standing::Pending) => format!("<circle class=\"sign hollow\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>\n"),
        Some(Standing::Changed) => {
            format!("<path class=\"sign\" transform=\"translate({x} {y})\" d=\"M0 -6L6 0L0 6L-6 0z\"/>\n")
        }
        Some(Standing::Missing) => {
            format!("<path class=\"sign\" transform=\"translate({x} {y})\" d=\"M-5 -5L5 5M-5 5L5 -5\"/>\n")
        }
    }
}
