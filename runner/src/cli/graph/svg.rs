//! The graph as a picture that needs nothing else: boxes in layers, the newest
//! at the top, with a legend.
//!
//! The colours follow the reader's light or dark scheme; the picture brings its
//! own background, so that it can be read on any page. librsvg and others know
//! no variables in style sheets: each class is written out.

mod legend;
mod node;
mod style;

use std::fmt::Write as _;

use super::layout::{Point, layered};
use super::model::{Drawing, Edge};

/// Around everything, in pixels.
const MARGIN: f64 = 24.0;

/// Draws the graph. It should have been simplified: the time grows faster than
/// the number of nodes.
pub fn svg(drawing: &Drawing) -> String {
    let width = node::width(drawing);
    let boxes: Vec<_> = drawing.nodes.iter().map(|node| node::size(node, width)).collect();
    let edges: Vec<Edge> = drawing.edges().collect();
    let layout = layered(&boxes, &edges.iter().map(|edge| (edge.from, edge.to)).collect::<Vec<_>>());
    let inner = layout.size.width.max(legend::LEAST_WIDTH);
    let indent = MARGIN + (inner - layout.size.width) / 2.0;
    let legend = legend::legend(drawing, inner);
    let below = layout.size.height + 2.5 * MARGIN;
    let height = below + legend.height;
    let mut svg = opening(inner + 2.0 * MARGIN, height, drawing.nodes.len());
    let _ = writeln!(svg, "<g transform=\"translate({indent} {MARGIN})\">");
    for (edge, route) in edges.iter().zip(&layout.routes) {
        svg.push_str(&path(edge, route));
    }
    for (node, (centre, size)) in drawing.nodes.iter().zip(layout.centres.iter().zip(&boxes)) {
        svg.push_str(&node::node(node, *centre, *size));
    }
    let _ = writeln!(svg, "</g>\n<g transform=\"translate({MARGIN} {below})\">\n{}</g>\n</svg>", legend.svg);
    svg
}

fn opening(width: f64, height: f64, boxes: usize) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"revision graph\">\n"
    );
    let _ = writeln!(svg, "<title>Revision graph ({boxes} boxes)</title>");
    let _ = writeln!(svg, "<style>\n{}</style>", style::sheet());
    svg.push_str(style::MARKERS);
    svg.push_str("<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n");
    svg
}

/// A smooth line along the route: through the middles between its points, which
/// pull it.
fn path(edge: &Edge, route: &[Point]) -> String {
    let (class, marker) = if edge.is_dependency { ("dependency", "open") } else { ("edge", "arrow") };
    let mut line = String::new();
    if let [first, inner @ .., last] = route {
        let _ = write!(line, "M{:.1} {:.1}", first.x, first.y);
        for (at, point) in inner.iter().enumerate() {
            let end = inner.get(at + 1).map_or(*last, |next| middle(*point, *next));
            let _ = write!(line, "Q{:.1} {:.1} {:.1} {:.1}", point.x, point.y, end.x, end.y);
        }
        if inner.is_empty() {
            let _ = write!(line, "L{:.1} {:.1}", last.x, last.y);
        }
    }
    format!("<path class=\"{class}\" marker-end=\"url(#{marker})\" d=\"{line}\"/>\n")
}

fn middle(a: Point, b: Point) -> Point {
    Point { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 }
}

/// Text in XML. What XML cannot hold at all is escaped by whoever made the
/// drawing.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
