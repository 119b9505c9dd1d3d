//! Random shapes of history: lines, branches, merges, several bases, labels and
//! dependencies between branches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use runner::graph::{Graph, GraphError, Node};
use runner::revision::{Label, RevisionId};

/// Beginnings of ids. Some are the beginning of others, and they are few, so
/// that prefixes are ambiguous now and then.
const BEGINNINGS: [&str; 4] = ["ae1", "ae10", "be", "cafe"];

/// What stands for a short id.
const BEGINNINGS_END: usize = BEGINNINGS.len();

/// A set of revisions as plain text, sound or not.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// In the order in which they were made: each after all that it needs.
    pub revisions: Vec<Revision>,
}

/// A revision of a shape.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Revision {
    pub id: String,
    pub parents: Vec<String>,
    pub depends_on: Vec<String>,
    pub labels: Vec<String>,
}

/// What decides a revision: each share is out of 100.
#[derive(Clone, Debug)]
struct Choices {
    kind: u8,
    parents: [Index; 3],
    dependency: u8,
    depends_on: [Index; 2],
    label: u8,
    id: (Index, u8),
}

fn choices() -> impl Strategy<Value = Choices> {
    let share = 0..100_u8;
    let indexes = (any::<[Index; 3]>(), any::<[Index; 2]>(), (any::<Index>(), any::<u8>()));
    (share.clone(), share.clone(), share, indexes).prop_map(
        |(kind, dependency, label, (parents, depends_on, id))| Choices {
            kind,
            parents,
            dependency,
            depends_on,
            label,
            id,
        },
    )
}

/// Sound shapes of at most so many revisions.
pub fn shapes(most: usize) -> impl Strategy<Value = Shape> {
    vec(choices(), 1..=most).prop_map(|choices| {
        let mut shape = Shape::default();
        for choice in &choices {
            let revision = shape.next(choice);
            shape.revisions.push(revision);
        }
        shape
    })
}

impl Shape {
    /// Reads `c: a b | dep ! label` lines: parents, then dependencies after
    /// `|`, then labels after `!`.
    pub fn parse(text: &str) -> Self {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let revision = |line: &str| {
            // The colon of a package has no space after it.
            let (id, rest) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
            let (rest, labels) = rest.split_once('!').unwrap_or((rest, ""));
            let (parents, depends_on) = rest.split_once('|').unwrap_or((rest, ""));
            let id = id.to_owned();
            Revision { id, parents: words(parents), depends_on: words(depends_on), labels: words(labels) }
        };
        Self { revisions: text.lines().map(revision).collect() }
    }

    fn next(&self, choices: &Choices) -> Revision {
        let number = self.revisions.len();
        let (beginning, digits) = &choices.id;
        // The number makes the id unique; the digits before it make the order of
        // the ids another one than that of the revisions.
        let id = match beginning.index(BEGINNINGS.len() + 1) {
            BEGINNINGS_END => format!("x{number}"),
            which => format!("{}{digits:02x}{number:02}", BEGINNINGS[which]),
        };
        let parents = self.parents(choices);
        let depends_on = self.dependencies(choices, &parents);
        let labels = match choices.label {
            0..12 => vec![format!("label{number}")],
            12..14 => vec![format!("label{number}"), format!("lab{number}")],
            _ => Vec::new(),
        };
        Revision { id, parents, depends_on, labels }
    }

    fn parents(&self, choices: &Choices) -> Vec<String> {
        let all: Vec<&str> = self.revisions.iter().map(|revision| revision.id.as_str()).collect();
        let heads: Vec<&str> = all
            .iter()
            .filter(|id| {
                !self.revisions.iter().any(|other| other.parents.iter().any(|parent| parent == **id))
            })
            .copied()
            .collect();
        if all.is_empty() {
            return Vec::new();
        }
        let chosen = match choices.kind {
            0..10 => Vec::new(),
            10..35 if heads.len() > 1 => {
                let wanted = if choices.kind < 14 { 3 } else { 2 };
                choices.parents[..wanted].iter().map(|index| heads[index.index(heads.len())]).collect()
            }
            // Merges of what is no head, of revisions of one line even.
            35..39 => choices.parents[..2].iter().map(|index| all[index.index(all.len())]).collect(),
            39..80 => vec![heads[choices.parents[0].index(heads.len())]],
            _ => vec![all[choices.parents[0].index(all.len())]],
        };
        let distinct: BTreeSet<&str> = chosen.into_iter().collect();
        distinct.into_iter().map(str::to_owned).collect()
    }

    fn dependencies(&self, choices: &Choices, parents: &[String]) -> Vec<String> {
        let wanted = match choices.dependency {
            0..18 => 1,
            18..22 => 2,
            _ => return Vec::new(),
        };
        let others: Vec<&Revision> =
            self.revisions.iter().filter(|revision| !parents.contains(&revision.id)).collect();
        let mut chosen = BTreeMap::new();
        for index in &choices.depends_on[..wanted] {
            if let Some(found) = others.get(index.index(others.len().max(1))) {
                // By label where there is one, every other time.
                let by_label = found.labels.first().filter(|_| choices.dependency.is_multiple_of(2));
                chosen.insert(&found.id, by_label.unwrap_or(&found.id).clone());
            }
        }
        chosen.into_values().collect()
    }

    /// The graph of the shape, or what is wrong with it.
    pub fn graph(&self) -> Result<Graph, Vec<GraphError>> {
        Graph::build(self.nodes())
    }

    /// The shape as the graph takes it.
    pub fn nodes(&self) -> Vec<Node> {
        self.revisions.iter().map(Revision::node).collect()
    }

    /// The revisions that `starts` need, with themselves, by number.
    pub fn closure(&self, starts: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut closed: BTreeSet<usize> = starts.into_iter().collect();
        // Each revision comes after all that it needs: one walk back is enough.
        for number in (0..self.revisions.len()).rev() {
            if closed.contains(&number) {
                closed.extend(self.before(number));
            }
        }
        closed
    }

    /// What a revision needs directly: parents and dependencies.
    pub fn before(&self, number: usize) -> Vec<usize> {
        let revision = &self.revisions[number];
        let names = revision.parents.iter().chain(&revision.depends_on);
        names.filter_map(|name| self.find(name)).collect()
    }

    /// The revision with this id or label.
    pub fn find(&self, name: &str) -> Option<usize> {
        let is_it =
            |revision: &Revision| revision.id == name || revision.labels.iter().any(|label| label == name);
        self.revisions.iter().position(is_it)
    }

    /// The revisions of a closed set that nothing else of it needs: what Alembic
    /// keeps in its table.
    pub fn tips(&self, closed: &BTreeSet<usize>) -> BTreeSet<usize> {
        let needed: BTreeSet<usize> = closed.iter().flat_map(|&number| self.before(number)).collect();
        closed.difference(&needed).copied().collect()
    }

    /// The ids of some revisions, in order.
    pub fn ids(&self, numbers: &BTreeSet<usize>) -> BTreeSet<String> {
        numbers.iter().map(|&number| self.revisions[number].id.clone()).collect()
    }
}

impl Revision {
    fn node(&self) -> Node {
        let id = |text: &String| RevisionId::new(text.as_str()).expect("an id");
        Node {
            parents: self.parents.iter().map(id).collect(),
            depends_on: self.depends_on.clone(),
            labels: self.labels.iter().map(|label| Label::new(label.as_str()).expect("a label")).collect(),
            origin: format!("migrations/{}", self.id),
            ..Node::bare(id(&self.id))
        }
    }
}

/// One revision a line, as the graph's own tests write them.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for revision in &self.revisions {
            write!(f, "{}: {}", revision.id, revision.parents.join(" "))?;
            if !revision.depends_on.is_empty() {
                write!(f, " | {}", revision.depends_on.join(" "))?;
            }
            if !revision.labels.is_empty() {
                write!(f, " ! {}", revision.labels.join(" "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
