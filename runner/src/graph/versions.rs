//! Versions of packages: which edges `depends_on = ["billing@^1.2"]` means.
//!
//! A revision that asks for a range runs while the package is at a version that
//! lies in it: after all that the lowest such version has, and before the first
//! revision of a version beyond the range. That the lowest one counts, and not the
//! newest, keeps the edges as they are when the package grows.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use semver::Version;

use crate::revision::{Requirement, RevisionId};

use super::edges::Edges;
use super::{GraphError, Node, walk};

/// A range of versions that a revision asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Of which package, and which.
    pub range: Requirement,
    /// Where its manifest says so, for messages.
    pub place: String,
}

/// An order that a range asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The revision that asks.
    pub revision: RevisionId,
    /// What it asks for.
    pub required: Required,
    /// A revision of the package.
    pub other: RevisionId,
    /// The version since which that is part of it.
    pub version: Version,
    /// Whether it comes after the one that asks, since it is beyond the range.
    pub is_after: bool,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, required: Required { range, place }, other, version, is_after } = self;
        let side = if *is_after { "before" } else { "after" };
        write!(f, "`{revision}` requires `{range}` ({place}): it comes {side} `{other}` (version {version})")
    }
}

/// The edges that ranges ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    /// By the two nodes: the later one first.
    by_edge: HashMap<(usize, usize), Bound>,
}

impl Bounds {
    /// Finds them, or says why a range cannot be met.
    pub(super) fn of(nodes: &[Node], parents: &Edges, errors: &mut Vec<GraphError>) -> Self {
        let mut bounds = Self::default();
        if nodes.iter().all(|node| node.requires.is_empty() && node.since.is_none()) {
            return bounds;
        }
        let packages = Packages::of(nodes, parents, errors);
        for (number, node) in nodes.iter().enumerate() {
            for (package, required) in by_package(node) {
                match packages.bounds(number, node, package, &required) {
                    Ok(found) => bounds.by_edge.extend(found),
                    Err(error) => errors.push(error),
                }
            }
        }
        bounds
    }

    /// The edges with those of the ranges behind them.
    pub(super) fn added_to(&self, before: Edges, count: usize) -> Edges {
        if self.by_edge.is_empty() {
            return before;
        }
        let mut more: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &(later, earlier) in self.by_edge.keys() {
            more.entry(later).or_default().push(earlier);
        }
        let mut all = Edges::default();
        for node in 0..count {
            let mut targets = before.of(node).to_vec();
            let mut added = more.remove(&node).unwrap_or_default();
            added.sort_unstable();
            added.retain(|target| !targets.contains(target));
            targets.append(&mut added);
            all.push(&targets);
        }
        all
    }

    /// What is wrong with a cycle: a line for each of its edges, if a range is among
    /// them.
    pub(super) fn explained(&self, cycle: &[usize], nodes: &[Node]) -> Option<GraphError> {
        let next = cycle.iter().cycle().skip(1);
        let edges: Vec<(usize, usize)> = cycle.iter().copied().zip(next.copied()).collect();
        let package = edges.iter().find_map(|edge| self.by_edge.get(edge))?.required.range.package.clone();
        let line = |edge: &(usize, usize)| match self.by_edge.get(edge) {
            Some(bound) => bound.to_string(),
            None => format!(
                "`{}` comes after `{}` ({})",
                nodes[edge.0].id, nodes[edge.1].id, nodes[edge.0].origin
            ),
        };
        Some(GraphError::VersionConflict { package, reasons: edges.iter().map(line).collect() })
    }

    /// All of them, by their revisions.
    pub(super) fn all(&self) -> Vec<Bound> {
        let mut all: Vec<_> = self.by_edge.iter().collect();
        all.sort_unstable_by_key(|(edge, _)| **edge);
        all.into_iter().map(|(_, bound)| bound.clone()).collect()
    }
}

/// What a node asks for, by package.
fn by_package(node: &Node) -> BTreeMap<&str, Vec<&Required>> {
    let mut packages: BTreeMap<&str, Vec<&Required>> = BTreeMap::new();
    for required in &node.requires {
        packages.entry(required.range.package.as_str()).or_default().push(required);
    }
    packages
}

/// The revisions of each package.
struct Packages<'a> {
    nodes: &'a [Node],
    parents: &'a Edges,
    /// The version since which each is there.
    since: Vec<Option<Version>>,
    members: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Packages<'a> {
    fn of(nodes: &'a [Node], parents: &'a Edges, errors: &mut Vec<GraphError>) -> Self {
        let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, node) in nodes.iter().enumerate() {
            if let Some(package) = node.id.package() {
                members.entry(package).or_default().push(number);
            }
        }
        let mut since: Vec<Option<Version>> = vec![None; nodes.len()];
        for number in walk::ordered(nodes.len(), 0..nodes.len(), |node| parents.of(node)) {
            let of_same = |parent: &&usize| nodes[**parent].id.package() == nodes[number].id.package();
            let inherited =
                parents.of(number).iter().filter(of_same).filter_map(|&parent| since[parent].clone()).max();
            if let (Some(since), Some(before)) = (&nodes[number].since, &inherited)
                && since < before
            {
                let (id, origin) = (nodes[number].id.clone(), nodes[number].origin.clone());
                errors.push(GraphError::SinceGoesBack {
                    id,
                    since: since.clone(),
                    before: before.clone(),
                    origin,
                });
            }
            since[number] = nodes[number].since.clone().or(inherited);
        }
        Self { nodes, parents, since, members }
    }

    /// The edges of what one node asks of one package.
    fn bounds(
        &self,
        number: usize,
        node: &Node,
        package: &str,
        required: &[&Required],
    ) -> Result<Vec<((usize, usize), Bound)>, GraphError> {
        let members = self.members(node, package, required)?;
        let has = |member: &&usize| self.since[**member].is_some();
        let known: Vec<usize> = members.iter().filter(has).copied().collect();
        let version = |member: usize| self.since[member].as_ref().expect("those without one are left out");
        let fits = |found: &&Version| required.iter().all(|one| one.range.takes(found));
        let lowest = known.iter().map(|&member| version(member)).filter(fits).min();
        let lowest = lowest.ok_or_else(|| self.no_version(node, required, &known))?;
        let (within, rest): (Vec<usize>, Vec<usize>) =
            known.iter().copied().partition(|&member| version(member) <= lowest);
        let bound = |member: usize, required: &Required, is_after| Bound {
            revision: node.id.clone(),
            required: required.clone(),
            other: self.nodes[member].id.clone(),
            version: version(member).clone(),
            is_after,
        };
        // Where several are asked for, the one with the highest lowest version rules.
        let ruling = required.iter().max_by_key(|one| {
            known.iter().map(|&member| version(member)).filter(|found| one.range.takes(found)).min()
        });
        let ruling = ruling.expect("a node is asked about a package that it names");
        let is_parent_of_one =
            |member: &usize, of: &[usize]| of.iter().any(|&other| self.parents.of(other).contains(member));
        let tips = within.iter().filter(|member| !is_parent_of_one(member, &within));
        let mut edges: Vec<_> = tips.map(|&tip| ((number, tip), bound(tip, ruling, false))).collect();
        let beyond = |member: &usize| {
            required.iter().find(|one| one.range.is_passed_by(version(*member), lowest)).copied()
        };
        let passed: Vec<(usize, &Required)> =
            rest.iter().filter_map(|member| Some((*member, beyond(member)?))).collect();
        let is_first = |(member, _): &&(usize, &Required)| {
            !self.parents.of(*member).iter().any(|parent| passed.iter().any(|(other, _)| other == parent))
        };
        let firsts = passed.iter().filter(is_first);
        edges.extend(firsts.map(|&(first, by)| ((first, number), bound(first, by, true))));
        Ok(edges)
    }

    /// The revisions of a package that a node may ask for.
    fn members(&self, node: &Node, package: &str, required: &[&Required]) -> Result<&[usize], GraphError> {
        let asked = || required.iter().map(|one| (*one).clone()).collect::<Vec<_>>();
        if node.id.package() == Some(package) {
            return Err(GraphError::OwnPackage { id: node.id.clone(), required: asked() });
        }
        self.members.get(package).map(Vec::as_slice).ok_or_else(|| GraphError::UnknownPackage {
            id: node.id.clone(),
            required: asked(),
            near: nearest(package, self.members.keys().copied()),
        })
    }

    fn no_version(&self, node: &Node, required: &[&Required], known: &[usize]) -> GraphError {
        let mut versions: Vec<Version> =
            known.iter().filter_map(|&member| self.since[member].clone()).collect();
        versions.sort();
        versions.dedup();
        let required = required.iter().map(|one| (*one).clone()).collect();
        GraphError::NoVersion { id: node.id.clone(), required, versions }
    }
}

/// The name that is most like another one, if it is like it at all.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let likeness = |other: &str| strsim::jaro_winkler(name, other);
    let best = names.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= 0.75).then(|| best.to_owned())
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use crate::graph::build::tests::{graph, id, names, nodes as test_nodes};
    use crate::graph::{Graph, GraphError, Node};

    /// Revisions as in `graph`, some of them with `id since VERSION` or
    /// `id requires RANGE` below the line `--`.
    fn with_versions(text: &str) -> Vec<Node> {
        let (plain, versions) = text.split_once("--\n").expect("two parts");
        let mut nodes = test_nodes(plain);
        for line in versions.lines() {
            let mut words = line.trim().splitn(3, ' ');
            let mut next = || words.next().expect("three words");
            let (name, what, value) = (next(), next(), next());
            let node = nodes.iter_mut().find(|node| node.id.as_str() == name).expect("a node");
            match what {
                "since" => node.since = Some(value.parse().expect("a version")),
                _ => node.requires.push(super::Required {
                    range: value.parse().expect("a range"),
                    place: format!("{name}/migration.toml:4:1"),
                }),
            }
        }
        nodes
    }

    fn before(text: &str, of: &str) -> String {
        let graph = Graph::build(with_versions(text)).expect("sound");
        names(&graph, graph.before(graph.find(&id(of)).expect("a revision")))
    }

    fn errors(text: &str) -> String {
        let errors = Graph::build(with_versions(text)).expect_err("not sound");
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    /// A package of four revisions: 1.0.0, 1.2.0 (two), 2.0.0.
    const BILLING: &str = "b:one:\nb:two: b:one\nb:more: b:two\nb:three: b:more\na:\nx: a\n--\n\
        b:one since 1.0.0\nb:two since 1.2.0\nb:three since 2.0.0\n";

    #[test]
    fn a_range_is_after_its_lowest_version_and_before_the_next_one_beyond() {
        let text = format!("{BILLING}x requires b@1.1");
        assert_eq!(before(&text, "x"), "a b:more", "all of 1.2.0, and no more than that");
        assert_eq!(before(&text, "b:three"), "b:more x", "2.0.0 is beyond the range");
        let open = format!("{BILLING}x requires b@>=1");
        assert_eq!(before(&open, "x"), "a b:one");
        assert_eq!(before(&open, "b:three"), "b:more");
        let order = Graph::build(with_versions(&text)).expect("sound");
        assert_eq!(names(&order, &order.order()), "a b:one b:two b:more x b:three");
    }

    #[test]
    fn the_edges_stay_when_the_package_grows() {
        let grown = BILLING.replace("a:\n", "b:four: b:three\na:\n");
        let text = format!("{grown}b:four since 2.1.0\nx requires b@^1");
        assert_eq!(before(&text, "x"), before(&format!("{BILLING}x requires b@^1"), "x"));
    }

    #[test]
    fn two_ranges_hold_together() {
        let text = format!("{BILLING}x requires b@>=1.2\nx requires b@<2");
        assert_eq!(
            (before(&text, "x").as_str(), before(&text, "b:three").as_str()),
            ("a b:more", "b:more x")
        );
    }

    #[test]
    fn ranges_that_cannot_be_met_are_explained() {
        insta::assert_snapshot!(errors(&format!("{BILLING}x requires b@^3\na requires bb@1")), @r"
        revision `a` requires `bb@^1` (a/migration.toml:4:1), and no revision is of that package; did you mean `b`?
        revision `x` requires `b@^3` (x/migration.toml:4:1), and that package has the versions 1.0.0, 1.2.0, 2.0.0
        ");
        insta::assert_snapshot!(errors(&format!("{BILLING}x requires b@^1\nx requires b@^2")), @"revision `x` requires `b@^1` (x/migration.toml:4:1) and `b@^2` (x/migration.toml:4:1), and that package has the versions 1.0.0, 1.2.0, 2.0.0");
        insta::assert_snapshot!(errors(&format!("{BILLING}b:three requires b@^1\na requires nothing@1")), @r"
        revision `a` requires `nothing@^1` (a/migration.toml:4:1), and no revision is of that package
        revision `b:three` requires `b@^1` (b:three/migration.toml:4:1), which is its own package: name a revision of it in `parents` or `depends_on`
        ");
        let back = "b:one:\nb:two: b:one\nx:\n--\nb:one since 2.0.0\nb:two since 1.0.0\nx requires b@^2";
        insta::assert_snapshot!(errors(back), @"revision `b:two` is there since version 1.0.0 of its package, and its parent since 2.0.0 (migrations/b:two)");
        let no_version = "b:one:\nx:\n--\nx requires b@^1";
        insta::assert_snapshot!(errors(no_version), @r#"revision `x` requires `b@^1` (x/migration.toml:4:1), and no revision of that package says since which version it is there (`since = "1.0.0"`)"#);
    }

    #[test]
    fn ranges_that_exclude_each_other_are_explained_edge_by_edge() {
        insta::assert_snapshot!(errors(&format!("{BILLING}x requires b@^1\na requires b@^2")), @r"
        the versions of package `b` that are required exclude each other:
        `a` requires `b@^2` (a/migration.toml:4:1): it comes after `b:three` (version 2.0.0)
        `x` requires `b@^1` (x/migration.toml:4:1): it comes before `b:three` (version 2.0.0)
        `x` comes after `a` (migrations/x)
        ");
        // In an order in which both can be met they do not exclude each other.
        let text = format!("{BILLING}x requires b@^2\na requires b@^1");
        assert_eq!(
            (before(&text, "x").as_str(), before(&text, "b:three").as_str()),
            ("a b:three", "b:more a")
        );
    }

    /// In every order that is found each range holds, and there is one unless a
    /// conflict is explained.
    #[test]
    fn orders_hold_what_ranges_ask_for() {
        const RANGES: [&str; 6] = ["b@1", "b@>=1", "b@2", "b@<2", "b@>=1, <3", "b@3"];
        arbtest::arbtest(|u| {
            let mut nodes: Vec<Node> = Vec::new();
            let mut major = 0;
            for number in 0..u.int_in_range(1..=6)? {
                let parent = if number > 0 { format!("b:n{}", number - 1) } else { String::new() };
                let mut node = test_nodes(&format!("b:n{number}: {parent}")).remove(0);
                major += u64::from(number == 0) + u.int_in_range(0..=1)?;
                node.since = Some(Version::new(major, 0, 0));
                nodes.push(node);
            }
            for number in 0..u.int_in_range(1..=5)? {
                let parent = if number > 0 { format!("x{}", number - 1) } else { String::new() };
                let mut node = test_nodes(&format!("x{number}: {parent}")).remove(0);
                for _ in 0..u.int_in_range(0..=2)? {
                    let range = u.choose(&RANGES)?.parse().expect("a range");
                    node.requires.push(super::Required { range, place: "m".into() });
                }
                nodes.push(node);
            }
            match Graph::build(nodes) {
                Ok(graph) => assert_in_range(&graph),
                Err(errors) => {
                    let told = |error: &GraphError| {
                        matches!(error, GraphError::NoVersion { .. } | GraphError::VersionConflict { .. })
                    };
                    assert!(errors.iter().all(told), "{errors:?}");
                }
            }
            Ok(())
        });
    }

    /// Where a revision is run, the package has a version that lies in its ranges.
    fn assert_in_range(graph: &Graph) {
        let mut there: Option<Version> = None;
        for number in graph.order() {
            let node = graph.node(number);
            match &node.since {
                Some(since) => there = Some(since.clone()),
                None => {
                    for required in &node.requires {
                        let there = there.as_ref().expect("something of the package comes before");
                        assert!(required.range.takes(there), "{} at {there}: {}", node.id, required.range);
                    }
                }
            }
        }
    }

    #[test]
    fn without_ranges_nothing_changes() {
        let graph = graph("b:one:\nx: | b:one");
        assert_eq!(graph.bounds(), []);
    }
}
