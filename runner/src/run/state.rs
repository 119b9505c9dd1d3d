//! What is on disk and what is applied, brought together.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, GraphError, Node};
use crate::ledger::{Applied, Contents, Partly};
use crate::plan::{Drift, drift};
use crate::revision::{Digest, Label, RevisionId};
use crate::source::Found;

/// The revisions on disk and their graph.
#[derive(Debug, Default)]
pub struct OnDisk {
    /// The revisions by their ids.
    pub revisions: BTreeMap<RevisionId, Found>,
    /// Their graph.
    pub graph: Graph,
}

impl OnDisk {
    /// Makes the graph, or reports everything that is wrong with it. What the
    /// manifests name by label, without a package, or by a range of versions, they
    /// name by whole ids afterwards: that is what the ledger records.
    pub fn new(found: Vec<Found>) -> Result<Self, Vec<GraphError>> {
        let graph = Graph::build(found.iter().map(node_on_disk).collect())?;
        let with_whole_ids = |mut found: Found| {
            let number = graph.find(&found.manifest.revision).expect("the graph was made of it");
            found.manifest.parents = graph.ids(graph.parents(number));
            let dependencies = graph.ids(graph.dependencies(number));
            found.manifest.depends_on = dependencies.into_iter().map(String::from).collect();
            (found.manifest.revision.clone(), found)
        };
        let revisions = found.into_iter().map(with_whole_ids).collect();
        Ok(Self { revisions, graph })
    }

    fn digests(&self) -> BTreeMap<RevisionId, Digest> {
        self.revisions.iter().map(|(id, found)| (id.clone(), found.source_digest)).collect()
    }
}

/// What is on disk and what is applied.
#[derive(Debug)]
pub struct State {
    /// What is on disk.
    pub on_disk: OnDisk,
    /// What is applied, by id; none where there is no ledger yet.
    pub applied: BTreeMap<RevisionId, Applied>,
    /// The steps without a transaction that were begun and not finished, by
    /// revision.
    pub partly: BTreeMap<RevisionId, Partly>,
    /// Whether there is a ledger.
    pub has_ledger: bool,
    /// The graph of both together: revisions that are applied and no longer on
    /// disk come from the ledger.
    pub graph: Graph,
}

impl State {
    /// Brings both together. What is applied counts as it was when it was
    /// applied, if it was edited since or is not on disk.
    ///
    /// What the ledger adds cannot be wrong in itself, but may no longer fit:
    /// then its edges are left out, and only the revisions remain.
    pub fn new(on_disk: OnDisk, applied: Option<Vec<Applied>>) -> Self {
        let has_ledger = applied.is_some();
        let applied: BTreeMap<_, _> =
            applied.into_iter().flatten().map(|applied| (applied.revision.clone(), applied)).collect();
        let is_as_on_disk = |one: &&Applied| {
            let found = on_disk.revisions.get(&one.revision);
            found.is_some_and(|found| {
                found.source_digest == one.source_digest && has_edges_of(one, found, &on_disk, &applied)
            })
        };
        let other: Vec<&Applied> = applied.values().filter(|one| !is_as_on_disk(one)).collect();
        let graph = match other.is_empty() {
            true => on_disk.graph.clone(),
            false => as_applied(&on_disk, &other, &applied),
        };
        Self { on_disk, applied, partly: BTreeMap::new(), has_ledger, graph }
    }

    /// Brings both together, with what is applied in part.
    pub fn read(on_disk: OnDisk, contents: Option<Contents>) -> Self {
        let (applied, partly) = match contents {
            Some(Contents { applied, partly }) => (Some(applied), partly),
            None => (None, Vec::new()),
        };
        let partly = partly.into_iter().map(|partly| (partly.revision.clone(), partly)).collect();
        Self { partly, ..Self::new(on_disk, applied) }
    }

    /// What is applied, as a mask over the graph.
    pub fn applied_mask(&self) -> Vec<bool> {
        self.graph.mask(self.applied.keys())
    }

    /// The revisions on disk that are not applied, in the order in which
    /// `upgrade heads` would apply them.
    pub fn pending(&self) -> Vec<RevisionId> {
        let order = self.on_disk.graph.ids(&self.on_disk.graph.order());
        order.into_iter().filter(|id| !self.applied.contains_key(id)).collect()
    }

    /// The ids of what is applied.
    pub fn applied_ids(&self) -> BTreeSet<RevisionId> {
        self.applied.keys().cloned().collect()
    }

    /// The heads of what is applied.
    pub fn current_heads(&self) -> Vec<RevisionId> {
        self.graph.ids(&self.graph.heads_of(&self.applied_mask()))
    }

    /// Where the folder and the ledger disagree.
    pub fn drift(&self) -> Vec<Drift> {
        let applied = self.applied.iter().map(|(id, applied)| (id.clone(), applied.source_digest)).collect();
        drift(&self.on_disk.digests(), &applied)
    }
}

fn node_on_disk(found: &Found) -> Node {
    let manifest = &found.manifest;
    let node = Node {
        parents: manifest.parents.clone(),
        since: manifest.since.clone(),
        labels: manifest.labels.clone(),
        origin: found.dir.display().to_string(),
        ..Node::bare(manifest.revision.clone())
    };
    node.depending_on(&manifest.depends_on, |entry| found.place_of_dependency(entry).to_string())
}

/// The graph of what is on disk with, in its place where it differs, what is
/// applied.
fn as_applied(on_disk: &OnDisk, other: &[&Applied], applied: &BTreeMap<RevisionId, Applied>) -> Graph {
    let replaced: BTreeSet<&RevisionId> = other.iter().map(|applied| &applied.revision).collect();
    // What is applied keeps its id, also where a label on disk claims it by now.
    let from_disk = |found: &Found| {
        let mut node = node_on_disk(found);
        node.labels.retain(|label| !replaced.iter().any(|id| id.as_str() == label.as_str()));
        node
    };
    let kept = on_disk.revisions.values().filter(|found| !replaced.contains(&found.manifest.revision));
    let from_ledger = other.iter().map(|one| node_in_ledger(one, on_disk, applied));
    Graph::build(kept.map(from_disk).chain(from_ledger).collect()).unwrap_or_else(|_| {
        let missing = other.iter().filter(|applied| !on_disk.revisions.contains_key(&applied.revision));
        let bare = missing.map(|applied| Node::bare(applied.revision.clone()));
        let nodes = on_disk.revisions.values().map(from_disk).chain(bare).collect();
        Graph::build(nodes).expect("revisions without edges add nothing wrong to a sound graph")
    })
}

fn node_in_ledger(one: &Applied, on_disk: &OnDisk, applied: &BTreeMap<RevisionId, Applied>) -> Node {
    // A label that is claimed on disk is the claimant's.
    let is_free = |label: &Label| match on_disk.graph.find_label(label.as_str()) {
        Some(begins) => on_disk.graph.node(begins).id == one.revision,
        None => true,
    };
    let labels = one.labels.iter().filter_map(|label| Label::new(label.as_str()).ok());
    let known = |id: &&RevisionId| on_disk.revisions.contains_key(*id) || applied.contains_key(*id);
    Node {
        parents: one.parents.iter().filter(known).cloned().collect(),
        depends_on: dependencies(one, on_disk, applied).into_iter().map(String::from).collect(),
        labels: labels.filter(is_free).collect(),
        ..Node::bare(one.revision.clone())
    }
}

/// What an applied revision depends on, by whole ids. The first version of the
/// ledger recorded labels too; what nobody has any more is left out.
fn dependencies(
    one: &Applied,
    on_disk: &OnDisk,
    applied: &BTreeMap<RevisionId, Applied>,
) -> BTreeSet<RevisionId> {
    let find = |name: &String| {
        let id = RevisionId::new(name.as_str()).ok();
        let id = id.filter(|id| on_disk.revisions.contains_key(id) || applied.contains_key(id));
        let labelled = || applied.values().find(|other| other.labels.contains(name));
        let on_disk = || on_disk.graph.find_label(name).map(|begins| on_disk.graph.node(begins).id.clone());
        id.or_else(|| labelled().map(|other| other.revision.clone())).or_else(on_disk)
    };
    one.depends_on.iter().filter_map(find).collect()
}

/// Whether a revision on disk has the edges that it was applied with. A label
/// that it depends on may have moved since.
fn has_edges_of(
    one: &Applied,
    found: &Found,
    on_disk: &OnDisk,
    applied: &BTreeMap<RevisionId, Applied>,
) -> bool {
    let parents = |ids: &[RevisionId]| ids.iter().cloned().collect::<BTreeSet<_>>();
    let now: BTreeSet<String> = found.manifest.depends_on.iter().cloned().collect();
    let then = dependencies(one, on_disk, applied).into_iter().map(String::from).collect();
    parents(&one.parents) == parents(&found.manifest.parents) && now == then
}
