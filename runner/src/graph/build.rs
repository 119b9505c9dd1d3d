//! From a list of revisions to a graph, or to everything that is wrong with it.

use std::collections::BTreeSet;

use semver::Version;

use crate::revision::{Label, Requirement, RevisionId};

use super::edges::Edges;
use super::names::{Meaning, Names};
use super::versions::{Bound, Bounds, Required};
use super::{GraphError, walk};

/// What the graph has to know of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: RevisionId,
    /// The revisions directly before it. Without a package, one of the
    /// revision's own package is meant if there is one.
    pub parents: Vec<RevisionId>,
    /// Revisions of other branches that must come before it, by id or label.
    pub depends_on: Vec<String>,
    /// The versions of other packages that it depends on.
    pub requires: Vec<Required>,
    /// The version since which it is part of its package, if it says so.
    pub since: Option<Version>,
    /// The labels that begin here.
    pub labels: Vec<Label>,
    /// Where it comes from, for messages: a folder, or the ledger.
    pub origin: String,
}

impl Node {
    /// With what a manifest says in `depends_on`; `place` says where an entry is
    /// written.
    pub fn depending_on(self, entries: &[String], place: impl Fn(&str) -> String) -> Self {
        let (mut depends_on, mut requires) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry.parse::<Requirement>() {
                Ok(range) if Requirement::is_meant(entry) => {
                    requires.push(Required { range, place: place(entry) });
                }
                _ => depends_on.push(entry.clone()),
            }
        }
        Self { depends_on, requires, ..self }
    }

    /// A revision of which only the id is known.
    pub fn bare(id: RevisionId) -> Self {
        Self {
            id,
            parents: Vec::new(),
            depends_on: Vec::new(),
            requires: Vec::new(),
            since: None,
            labels: Vec::new(),
            origin: "the ledger".to_owned(),
        }
    }
}

/// The revisions and their edges. Nodes are numbered in the order of their ids,
/// so that the same set of revisions gives the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    names: Names,
    parents: Edges,
    /// Parents first, then what `depends_on` names.
    before: Edges,
    children: Edges,
    /// Children, and what depends on the node.
    after: Edges,
    /// Those of `before` that versions of packages ask for.
    bounds: Bounds,
}

impl Graph {
    /// Builds the graph, or reports everything that is wrong with it.
    pub fn build(mut nodes: Vec<Node>) -> Result<Self, Vec<GraphError>> {
        nodes.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.origin.cmp(&b.origin)));
        let mut errors = Vec::new();
        let names = Names::index(&nodes, &mut errors);
        let mut graph = Self { names, ..Self::default() };
        for node in &nodes {
            graph.connect(node, &nodes, &mut errors);
        }
        graph.bounds = Bounds::of(&nodes, &graph.parents, &mut errors);
        graph.before = graph.bounds.added_to(graph.before, nodes.len());
        graph.nodes = nodes;
        graph.children = graph.parents.turned();
        graph.after = graph.before.turned();
        for cycle in walk::cycles(graph.nodes.len(), |node| graph.before.of(node)) {
            let explained = graph.bounds.explained(&cycle, &graph.nodes);
            errors.push(explained.unwrap_or_else(|| GraphError::Cycle(graph.ids(&cycle))));
        }
        if errors.is_empty() { Ok(graph) } else { Err(errors) }
    }

    /// Adds a node's edges of both kinds.
    fn connect(&mut self, node: &Node, nodes: &[Node], errors: &mut Vec<GraphError>) {
        let package = node.id.package();
        let mut before = Vec::with_capacity(node.parents.len() + node.depends_on.len());
        for parent in &node.parents {
            match self.names.parent(parent, package) {
                Meaning::One(found) => before.push(found),
                Meaning::Several(found) => errors.push(ambiguous(node, parent.as_str(), &found, nodes)),
                Meaning::Nothing => errors.push(GraphError::UnknownParent {
                    id: node.id.clone(),
                    parent: parent.clone(),
                    origin: node.origin.clone(),
                }),
            }
        }
        self.parents.push(&before);
        let parents = before.len();
        for dependency in &node.depends_on {
            let (id, origin) = (node.id.clone(), node.origin.clone());
            match self.names.meaning(dependency, package) {
                Meaning::One(found) if before[..parents].contains(&found) => {
                    let dependency = dependency.clone();
                    errors.push(GraphError::RedundantDependency { id, dependency, origin });
                }
                Meaning::One(found) => before.push(found),
                Meaning::Several(found) => errors.push(ambiguous(node, dependency, &found, nodes)),
                Meaning::Nothing => {
                    let dependency = dependency.clone();
                    errors.push(GraphError::UnknownDependency { id, dependency, origin });
                }
            }
        }
        self.before.push(&before);
    }

    /// The orders that versions of packages ask for.
    pub fn bounds(&self) -> Vec<Bound> {
        self.bounds.all()
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
        self.names.id(id.as_str())
    }

    /// The number of the revision at which this label begins.
    pub fn find_label(&self, label: &str) -> Option<usize> {
        self.names.label(label)
    }

    /// The revision that a whole name stands for: an id with or without its
    /// package, or a label.
    pub(super) fn meaning(&self, name: &str) -> Meaning {
        self.names.meaning(name, None)
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
        self.parents.of(number)
    }

    /// What must come before a revision: its parents, then what it depends on.
    pub fn before(&self, number: usize) -> &[usize] {
        self.before.of(number)
    }

    /// What it depends on.
    pub fn dependencies(&self, number: usize) -> &[usize] {
        &self.before(number)[self.parents(number).len()..]
    }

    /// What cannot be without a revision: its children, and what depends on it.
    pub fn after(&self, number: usize) -> &[usize] {
        self.after.of(number)
    }

    /// The revisions that name this one as a parent.
    pub fn children(&self, number: usize) -> &[usize] {
        self.children.of(number)
    }

    /// The revisions that no other one names as a parent.
    pub fn heads(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&number| self.children(number).is_empty()).collect()
    }

    /// The revisions of `set` that no other one of `set` names as a parent.
    pub fn heads_of(&self, set: &[bool]) -> Vec<usize> {
        let is_head = |&number: &usize| set[number] && !self.children(number).iter().any(|&child| set[child]);
        (0..self.nodes.len()).filter(is_head).collect()
    }

    /// The revisions of `set` that nothing else of `set` needs, neither as a
    /// parent nor through `depends_on`.
    pub fn tips_of(&self, set: &[bool]) -> Vec<usize> {
        let is_tip = |&number: &usize| set[number] && !self.after(number).iter().any(|&next| set[next]);
        (0..self.nodes.len()).filter(is_tip).collect()
    }

    /// The revisions without parents.
    pub fn bases(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&number| self.parents(number).is_empty()).collect()
    }

    /// Everything that must be applied for `starts` to be applied, as a mask.
    pub fn needed_for(&self, starts: impl IntoIterator<Item = usize>) -> Vec<bool> {
        walk::reachable(self.len(), starts, |number| self.before.of(number))
    }

    /// Everything that cannot stay when `starts` go, as a mask.
    pub fn gone_with(&self, starts: impl IntoIterator<Item = usize>) -> Vec<bool> {
        walk::reachable(self.len(), starts, |number| self.after.of(number))
    }

    /// `targets` and everything that must come before them, in such an order.
    pub fn order_of(&self, targets: &[usize]) -> Vec<usize> {
        walk::ordered(self.len(), targets.iter().copied(), |number| self.before.of(number))
    }

    /// The ids of some revisions.
    pub fn ids(&self, numbers: &[usize]) -> Vec<RevisionId> {
        numbers.iter().map(|&number| self.nodes[number].id.clone()).collect()
    }

    /// The ids of the revisions of a mask.
    pub fn ids_in(&self, mask: &[bool]) -> BTreeSet<RevisionId> {
        (0..self.len()).filter(|&number| mask[number]).map(|number| self.node(number).id.clone()).collect()
    }

    /// Some revisions as a mask over all of them. Ids that the graph does not
    /// know are left out.
    pub fn mask<'a>(&self, ids: impl IntoIterator<Item = &'a RevisionId>) -> Vec<bool> {
        let mut mask = vec![false; self.len()];
        for number in ids.into_iter().filter_map(|id| self.find(id)) {
            mask[number] = true;
        }
        mask
    }

    /// All revisions in an order in which each comes after its parents and
    /// after what it depends on; branches stay together.
    pub fn order(&self) -> Vec<usize> {
        walk::ordered(self.len(), 0..self.len(), |number| self.before.of(number))
    }
}

fn ambiguous(node: &Node, name: &str, candidates: &[usize], nodes: &[Node]) -> GraphError {
    GraphError::AmbiguousName {
        id: node.id.clone(),
        name: name.to_owned(),
        candidates: candidates.iter().map(|&number| nodes[number].id.clone()).collect(),
        origin: node.origin.clone(),
    }
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
                // The id's own colon, if it is one of a package, has no space after it.
                let (name, rest) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
                let (rest, labels) = rest.split_once('!').unwrap_or((rest, ""));
                let (parents, depends_on) = rest.split_once('|').unwrap_or((rest, ""));
                Node {
                    id: id(name.trim()),
                    parents: words(parents).iter().map(|parent| id(parent)).collect(),
                    depends_on: words(depends_on),
                    requires: Vec::new(),
                    since: None,
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
    fn every_cycle_is_written_out() {
        insta::assert_snapshot!(errors("a: b\nb: a\nx: z\ny: x\nz: y"), @r"
        revisions form a cycle: `a` → `b` → `a`
        revisions form a cycle: `x` → `z` → `y` → `x`
        ");
    }

    #[test]
    fn names_are_looked_up_in_the_own_package_first_and_then_everywhere() {
        let graph = graph("a:\np:a:\np:b: a\nq:c: b\nd: p:b | c");
        let parents = |name: &str| {
            let number = graph.find(&id(name)).expect("a revision");
            names(&graph, graph.before(number))
        };
        assert_eq!(parents("p:b"), "p:a", "the own package first");
        assert_eq!(parents("q:c"), "p:b", "the only one of that name");
        assert_eq!(parents("d"), "p:b q:c");
        insta::assert_snapshot!(errors("p:a:\nq:a:\nb: a | a"), @r"
        revision `b` names `a`, which several packages have: `p:a`, `q:a` (migrations/b)
        revision `b` names `a`, which several packages have: `p:a`, `q:a` (migrations/b)
        ");
    }

    #[test]
    fn prefixes_are_found_in_order() {
        let graph = graph("ab1:\nab2: ab1\nac: ab2");
        assert_eq!(graph.ids_with_prefix("ab").collect::<Vec<_>>(), [0, 1]);
        assert_eq!(graph.ids_with_prefix("").count(), 3);
        assert_eq!(graph.ids_with_prefix("b").count(), 0);
    }
}
