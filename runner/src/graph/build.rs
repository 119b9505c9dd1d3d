//! From a list of revisions to a graph, or to everything that is wrong with it.

use std::collections::HashMap;
use std::fmt;

use crate::revision::{Label, RevisionId};

use super::walk;

/// What the graph has to know of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: RevisionId,
    /// The revisions directly before it.
    pub parents: Vec<RevisionId>,
    /// Revisions of other branches that must come before it, by id or label.
    pub depends_on: Vec<String>,
    /// The labels that begin here.
    pub labels: Vec<Label>,
    /// Where it comes from, for messages: a folder, or the ledger.
    pub origin: String,
}

/// One thing that is wrong with the set of revisions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two revisions share an id.
    #[error("revision `{id}` exists twice: in {first} and in {second}")]
    DuplicateId {
        /// The id.
        id: RevisionId,
        /// Where the first one is.
        first: String,
        /// Where the second one is.
        second: String,
    },
    /// A parent that does not exist.
    #[error("revision `{id}` names unknown parent `{parent}` ({origin})")]
    UnknownParent {
        /// The revision.
        id: RevisionId,
        /// What it names.
        parent: RevisionId,
        /// Where the revision is.
        origin: String,
    },
    /// A dependency that does not exist.
    #[error("revision `{id}` depends on unknown revision or label `{dependency}` ({origin})")]
    UnknownDependency {
        /// The revision.
        id: RevisionId,
        /// What it names.
        dependency: String,
        /// Where the revision is.
        origin: String,
    },
    /// A dependency that is a parent already.
    #[error("revision `{id}` depends on `{dependency}`, which is its parent already ({origin})")]
    RedundantDependency {
        /// The revision.
        id: RevisionId,
        /// What it names.
        dependency: String,
        /// Where the revision is.
        origin: String,
    },
    /// Two revisions claim a label.
    #[error("label `{label}` is claimed by `{first}` and by `{second}`")]
    DuplicateLabel {
        /// The label.
        label: Label,
        /// One of them.
        first: RevisionId,
        /// The other.
        second: RevisionId,
    },
    /// A label that is a revision's id.
    #[error("label `{label}` of `{id}` is also the id of a revision")]
    LabelIsId {
        /// The label.
        label: Label,
        /// The revision that claims it.
        id: RevisionId,
    },
    /// Revisions that wait for each other.
    #[error("revisions form a cycle: {}", Cycle(.0))]
    Cycle(Vec<RevisionId>),
}

struct Cycle<'a>(&'a [RevisionId]);

impl fmt::Display for Cycle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in self.0 {
            write!(f, "`{id}` → ")?;
        }
        // The cycle is closed: the first one again.
        if let Some(first) = self.0.first() {
            write!(f, "`{first}`")?;
        }
        Ok(())
    }
}

/// The revisions and their edges. Nodes are numbered in the order of their ids,
/// so that the same set of revisions gives the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    by_id: HashMap<RevisionId, usize>,
    by_label: HashMap<String, usize>,
    parents: Vec<Vec<usize>>,
    /// Parents first, then what `depends_on` names.
    before: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
    /// Children, then what depends on the node.
    after: Vec<Vec<usize>>,
}

impl Graph {
    /// Builds the graph, or reports everything that is wrong with it.
    pub fn build(mut nodes: Vec<Node>) -> Result<Self, Vec<GraphError>> {
        nodes.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.origin.cmp(&b.origin)));
        let mut errors = Vec::new();
        let by_id = index_ids(&nodes, &mut errors);
        let by_label = index_labels(&nodes, &by_id, &mut errors);
        let mut graph = Self { by_id, by_label, ..Self::default() };
        for node in &nodes {
            graph.connect(node, &mut errors);
        }
        graph.nodes = nodes;
        graph.turn_edges();
        if let Some(cycle) = walk::cycle(graph.nodes.len(), |node| &graph.before[node]) {
            errors.push(GraphError::Cycle(
                cycle.into_iter().map(|node| graph.nodes[node].id.clone()).collect(),
            ));
        }
        if errors.is_empty() { Ok(graph) } else { Err(errors) }
    }

    fn connect(&mut self, node: &Node, errors: &mut Vec<GraphError>) {
        let mut parents = Vec::with_capacity(node.parents.len());
        for parent in &node.parents {
            match self.by_id.get(parent) {
                Some(&found) => parents.push(found),
                None => errors.push(GraphError::UnknownParent {
                    id: node.id.clone(),
                    parent: parent.clone(),
                    origin: node.origin.clone(),
                }),
            }
        }
        let mut before = parents.clone();
        for dependency in &node.depends_on {
            let (id, origin) = (node.id.clone(), node.origin.clone());
            match self.resolve_exact(dependency) {
                None => {
                    errors.push(GraphError::UnknownDependency { id, dependency: dependency.clone(), origin })
                }
                Some(found) if parents.contains(&found) => {
                    errors.push(GraphError::RedundantDependency {
                        id,
                        dependency: dependency.clone(),
                        origin,
                    });
                }
                Some(found) => before.push(found),
            }
        }
        self.parents.push(parents);
        self.before.push(before);
    }

    fn turn_edges(&mut self) {
        self.children = turned(&self.parents);
        self.after = turned(&self.before);
    }

    fn resolve_exact(&self, name: &str) -> Option<usize> {
        let by_id = RevisionId::new(name).ok().and_then(|id| self.by_id.get(&id).copied());
        by_id.or_else(|| self.by_label.get(name).copied())
    }

    /// The number of revisions.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no revision.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The number of the revision with this id.
    pub fn find(&self, id: &RevisionId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The number of the revision at which this label begins.
    pub fn find_label(&self, label: &str) -> Option<usize> {
        self.by_label.get(label).copied()
    }

    /// A revision.
    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number]
    }

    /// The ids that begin with `prefix`, in their order.
    pub fn ids_with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = usize> + 'a {
        let first = self.nodes.partition_point(|node| node.id.as_str() < prefix);
        (first..self.nodes.len())
            .take_while(move |&number| self.nodes[number].id.as_str().starts_with(prefix))
    }

    /// A revision's parents.
    pub fn parents(&self, number: usize) -> &[usize] {
        &self.parents[number]
    }

    /// The revisions that name this one as a parent.
    pub fn children(&self, number: usize) -> &[usize] {
        &self.children[number]
    }

    /// The revisions that no other one names as a parent.
    pub fn heads(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&number| self.children[number].is_empty()).collect()
    }

    /// The revisions of `set` that no other one of `set` names as a parent.
    pub fn heads_of(&self, set: &[bool]) -> Vec<usize> {
        let is_head = |&number: &usize| set[number] && !self.children[number].iter().any(|&child| set[child]);
        (0..self.nodes.len()).filter(is_head).collect()
    }

    /// The revisions without parents.
    pub fn bases(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&number| self.parents[number].is_empty()).collect()
    }

    /// Everything that must be applied for `starts` to be applied, as a mask.
    pub fn needed_for(&self, starts: impl IntoIterator<Item = usize>) -> Vec<bool> {
        walk::reachable(self.len(), starts, |number| &self.before[number])
    }

    /// Everything that cannot stay when `starts` go, as a mask.
    pub fn gone_with(&self, starts: impl IntoIterator<Item = usize>) -> Vec<bool> {
        walk::reachable(self.len(), starts, |number| &self.after[number])
    }

    /// `targets` and everything that must come before them, in such an order.
    pub fn order_of(&self, targets: &[usize]) -> Vec<usize> {
        walk::ordered(self.len(), targets.iter().copied(), |number| &self.before[number])
    }

    /// All revisions in an order in which each comes after its parents and
    /// after what it depends on; branches stay together.
    pub fn order(&self) -> Vec<usize> {
        walk::ordered(self.len(), 0..self.len(), |number| &self.before[number])
    }
}

fn index_ids(nodes: &[Node], errors: &mut Vec<GraphError>) -> HashMap<RevisionId, usize> {
    let mut by_id = HashMap::with_capacity(nodes.len());
    for (number, node) in nodes.iter().enumerate() {
        let first = *by_id.entry(node.id.clone()).or_insert(number);
        if first != number {
            errors.push(GraphError::DuplicateId {
                id: node.id.clone(),
                first: nodes[first].origin.clone(),
                second: node.origin.clone(),
            });
        }
    }
    by_id
}

fn index_labels(
    nodes: &[Node],
    by_id: &HashMap<RevisionId, usize>,
    errors: &mut Vec<GraphError>,
) -> HashMap<String, usize> {
    let mut by_label = HashMap::new();
    for (number, node) in nodes.iter().enumerate() {
        for label in &node.labels {
            let is_id = RevisionId::new(label.as_str()).is_ok_and(|id| by_id.contains_key(&id));
            if is_id {
                errors.push(GraphError::LabelIsId { label: label.clone(), id: node.id.clone() });
            }
            let first = *by_label.entry(label.to_string()).or_insert(number);
            if first != number {
                let (first, second) = (nodes[first].id.clone(), node.id.clone());
                errors.push(GraphError::DuplicateLabel { label: label.clone(), first, second });
            }
        }
    }
    by_label
}

/// The same edges the other way round.
fn turned(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut result = vec![Vec::new(); edges.len()];
    for (from, targets) in edges.iter().enumerate() {
        for &to in targets {
            result[to].push(from);
        }
    }
    result
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn id(text: &str) -> RevisionId {
        RevisionId::new(text).expect("an id")
    }

    /// Reads `c: a b | dep ! label` lines: parents, then dependencies after
    /// `|`, then labels after `!`.
    pub(crate) fn nodes(text: &str) -> Vec<Node> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines
            .map(|line| {
                let (name, rest) = line.split_once(':').expect("a colon");
                let (rest, labels) = rest.split_once('!').unwrap_or((rest, ""));
                let (parents, depends_on) = rest.split_once('|').unwrap_or((rest, ""));
                Node {
                    id: id(name.trim()),
                    parents: words(parents).iter().map(|parent| id(parent)).collect(),
                    depends_on: words(depends_on),
                    labels: words(labels)
                        .into_iter()
                        .map(|label| Label::new(label).expect("a label"))
                        .collect(),
                    origin: format!("migrations/{}", name.trim()),
                }
            })
            .collect()
    }

    pub(crate) fn graph(text: &str) -> Graph {
        Graph::build(nodes(text)).expect("a sound graph")
    }

    pub(crate) fn names(graph: &Graph, numbers: &[usize]) -> String {
        let names: Vec<_> = numbers.iter().map(|&number| graph.node(number).id.to_string()).collect();
        names.join(" ")
    }

    fn errors(text: &str) -> String {
        let errors = Graph::build(nodes(text)).expect_err("not sound");
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn heads_and_bases() {
        let graph = graph("a:\nb: a\nc: a\nd: b c\nx:\ny: x | b");
        assert_eq!(names(&graph, &graph.heads()), "d y");
        assert_eq!(names(&graph, &graph.bases()), "a x");
        assert_eq!(names(&graph, &graph.order()), "a b c d x y");
    }

    #[test]
    fn structural_errors_are_reported_together() {
        insta::assert_snapshot!(errors("a:\na:\nb: nowhere\nc: a | b a nothing ! l\nd: a ! l b\ne: f\nf: e"), @r"
        revision `a` exists twice: in migrations/a and in migrations/a
        label `l` is claimed by `c` and by `d`
        label `b` of `d` is also the id of a revision
        revision `b` names unknown parent `nowhere` (migrations/b)
        revision `c` depends on `a`, which is its parent already (migrations/c)
        revision `c` depends on unknown revision or label `nothing` (migrations/c)
        revisions form a cycle: `e` → `f` → `e`
        ");
    }

    #[test]
    fn a_dependency_can_be_a_label_and_can_close_a_cycle() {
        insta::assert_snapshot!(errors("a: ! first\nb: a\nx: | late\ny: x ! late"), @"revisions form a cycle: `x` → `y` → `x`");
        let sound = graph("a: ! first\nx: | first");
        assert_eq!(names(&sound, &sound.order()), "a x");
    }

    #[test]
    fn prefixes_are_found_in_order() {
        let graph = graph("ab1:\nab2: ab1\nac: ab2");
        assert_eq!(graph.ids_with_prefix("ab").collect::<Vec<_>>(), [0, 1]);
        assert_eq!(graph.ids_with_prefix("").count(), 3);
        assert_eq!(graph.ids_with_prefix("b").count(), 0);
    }
}
