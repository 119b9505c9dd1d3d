//! What is drawn: revisions, the edges between them, and how each one stands.

use std::collections::{HashMap, HashSet};

use runner::run::Standing;

use crate::cli::printable::printable;
use crate::cli::view::View;

/// A graph to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Newest first: each node comes before those that it follows or depends on.
    pub nodes: Vec<Node>,
}

/// A revision to be drawn, or several in one. All texts are safe to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// The revision's id.
    pub id: String,
    /// Its message.
    pub message: String,
    /// The labels that begin here.
    pub labels: Vec<String>,
    /// Where it stands; none where no database was asked.
    pub standing: Option<Standing>,
    /// Whether no other revision on disk follows it.
    pub is_head: bool,
    /// Whether the database is here: no other applied revision follows it.
    pub is_current: bool,
    /// The nodes directly before it, by their places in the drawing.
    pub parents: Vec<usize>,
    /// The nodes of other branches that it depends on, likewise.
    pub depends_on: Vec<usize>,
    /// How many revisions it stands for: 1, or more where a stretch of them is
    /// drawn as one.
    pub stands_for: usize,
}

impl Node {
    /// Where it stands in the graph.
    pub fn places(&self) -> impl Iterator<Item = &'static str> {
        let places = [("current", self.is_current), ("head", self.is_head)];
        places.into_iter().filter(|(_, is_so)| *is_so).map(|(place, _)| place)
    }

    /// Its places and labels, as text shows them: `(head) [label]`.
    pub fn marks(&self) -> Vec<String> {
        let places = self.places().map(|place| format!("({place})"));
        places.chain(self.labels.iter().map(|label| format!("[{label}]"))).collect()
    }
}

/// One edge, by the places of its ends in the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What comes before.
    pub from: usize,
    /// What comes after.
    pub to: usize,
    /// Whether it is a dependency rather than a parent.
    pub is_dependency: bool,
}

impl Drawing {
    /// Draws some revisions of a view, which are given newest first, and the
    /// edges between them.
    pub fn new(view: &View, newest_first: &[usize]) -> Self {
        let current = view.applied_mask().map(|applied| view.graph().heads_of(&applied));
        let current: HashSet<usize> = current.into_iter().flatten().collect();
        let places = newest_first.iter().enumerate().map(|(place, &number)| (number, place)).collect();
        let node = |&number: &usize| Node {
            is_current: current.contains(&number),
            parents: placed(view.graph().parents(number), &places),
            depends_on: placed(view.graph().dependencies(number), &places),
            ..described(view, number)
        };
        Self { nodes: newest_first.iter().map(node).collect() }
    }

    /// All edges, in the order of the nodes after them.
    pub fn edges(&self) -> impl Iterator<Item = Edge> + '_ {
        self.nodes.iter().enumerate().flat_map(|(to, node)| {
            let parents = node.parents.iter().map(move |&from| Edge { from, to, is_dependency: false });
            let others = node.depends_on.iter().map(move |&from| Edge { from, to, is_dependency: true });
            parents.chain(others)
        })
    }
}

/// What is known of a revision; without where it is.
fn described(view: &View, number: usize) -> Node {
    let revision = view.graph().node(number);
    let disk = &view.on_disk().graph;
    Node {
        id: revision.id.to_string(),
        message: printable(view.message(&revision.id)).to_string(),
        labels: revision.labels.iter().map(ToString::to_string).collect(),
        standing: view.standing(&revision.id),
        is_head: disk.find(&revision.id).is_some_and(|number| disk.children(number).is_empty()),
        stands_for: 1,
        ..Node::default()
    }
}

/// Where the revisions are in the drawing; those that are not in it are left
/// out.
fn placed(numbers: &[usize], places: &HashMap<usize, usize>) -> Vec<usize> {
    let mut seen = HashSet::new();
    let placed = numbers.iter().filter_map(|number| places.get(number).copied());
    placed.filter(|place| seen.insert(*place)).collect()
}
