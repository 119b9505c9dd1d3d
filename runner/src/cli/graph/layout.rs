//! Where boxes and edges are drawn: layers, by the method of Sugiyama.

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir};

/// The gap between the boxes of a layer, in pixels.
const BETWEEN_BOXES: f64 = 32.0;

/// The gap between layers, in pixels.
const BETWEEN_LAYERS: f64 = 40.0;

/// A point, in pixels from the left and from the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// A size, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

/// Where everything goes.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The size of the whole.
    pub size: Size,
    /// The boxes' centres.
    pub centres: Vec<Point>,
    /// The edges' points, from the border of one box to that of the other.
    pub routes: Vec<Vec<Point>>,
}

/// Places boxes so that what an edge leads to is above what it comes from.
/// Edges are pairs of boxes' numbers; no pair may occur twice, and no edges may
/// form a cycle.
pub fn layered(boxes: &[Size], edges: &[(usize, usize)]) -> Layout {
    let options = GraphOptions { directed: true, multigraph: false, compound: false };
    let mut graph: Graph<NodeLabel, EdgeLabel> = Graph::with_options(options);
    for (number, size) in boxes.iter().enumerate() {
        let label = NodeLabel { width: size.width, height: size.height, ..NodeLabel::default() };
        graph.set_node(number.to_string(), Some(label));
    }
    for (from, to) in edges {
        graph.set_edge(from.to_string(), to.to_string(), Some(EdgeLabel::default()), None);
    }
    let options = LayoutOptions {
        rankdir: RankDir::BT,
        nodesep: BETWEEN_BOXES,
        ranksep: BETWEEN_LAYERS,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    read(&graph, boxes, edges)
}

fn read(graph: &Graph<NodeLabel, EdgeLabel>, boxes: &[Size], edges: &[(usize, usize)]) -> Layout {
    let centre = |number: usize| {
        let label = graph.node(&number.to_string()).expect("it was put in");
        Point { x: label.x.expect("it was placed"), y: label.y.expect("it was placed") }
    };
    let route = |(from, to): &(usize, usize)| {
        let label = graph.edge(&from.to_string(), &to.to_string(), None).expect("it was put in");
        label.points.iter().map(|point| Point { x: point.x, y: point.y }).collect()
    };
    let centres: Vec<Point> = (0..boxes.len()).map(centre).collect();
    let routes: Vec<Vec<Point>> = edges.iter().map(route).collect();
    let corners = centres
        .iter()
        .zip(boxes)
        .map(|(centre, size)| Point { x: centre.x + size.width / 2.0, y: centre.y + size.height / 2.0 });
    let size = corners.chain(routes.iter().flatten().copied()).fold(
        Size { width: 0.0, height: 0.0 },
        |size, point| Size { width: size.width.max(point.x), height: size.height.max(point.y) },
    );
    Layout { size, centres, routes }
}
