//! What is on disk and what is applied, brought together.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, GraphError, Node};
use crate::ledger::Applied;
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
    /// manifests name by label, or without a package, they name by whole ids
    /// afterwards: that is what the ledger records.
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
        let is_as_on_disk = |applied: &&Applied| {
            let found = on_disk.revisions.get(&applied.revision);
            found.is_some_and(|found| found.source_digest == applied.source_digest)
        };
        let other: Vec<&Applied> = applied.values().filter(|applied| !is_as_on_disk(applied)).collect();
        let graph = match other.is_empty() {
            true => on_disk.graph.clone(),
            false => as_applied(&on_disk, &other),
        };
        Self { on_disk, applied, has_ledger, graph }
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
    Node {
        id: found.manifest.revision.clone(),
        parents: found.manifest.parents.clone(),
        depends_on: found.manifest.depends_on.clone(),
        labels: found.manifest.labels.clone(),
        origin: found.dir.display().to_string(),
    }
}

/// The graph of what is on disk with, in its place where it differs, what is
/// applied.
fn as_applied(on_disk: &OnDisk, applied: &[&Applied]) -> Graph {
    let replaced: BTreeSet<&RevisionId> = applied.iter().map(|applied| &applied.revision).collect();
    let known = |id: &str| {
        RevisionId::new(id).is_ok_and(|id| on_disk.revisions.contains_key(&id) || replaced.contains(&id))
    };
    let kept = on_disk.revisions.values().filter(|found| !replaced.contains(&found.manifest.revision));
    let from_ledger = applied.iter().map(|applied| node_in_ledger(applied, on_disk, known));
    Graph::build(kept.map(node_on_disk).chain(from_ledger).collect()).unwrap_or_else(|_| {
        let missing = applied.iter().filter(|applied| !on_disk.revisions.contains_key(&applied.revision));
        let bare = missing.map(|applied| Node::bare(applied.revision.clone()));
        let nodes = on_disk.revisions.values().map(node_on_disk).chain(bare).collect();
        Graph::build(nodes).expect("revisions without edges add nothing wrong to a sound graph")
    })
}

fn node_in_ledger(applied: &Applied, on_disk: &OnDisk, known: impl Fn(&str) -> bool) -> Node {
    // A label that is claimed on disk is the claimant's.
    let is_free = |label: &Label| match on_disk.graph.find_label(label.as_str()) {
        Some(begins) => on_disk.graph.node(begins).id == applied.revision,
        None => true,
    };
    let labels = applied.labels.iter().filter_map(|label| Label::new(label.as_str()).ok());
    Node {
        id: applied.revision.clone(),
        parents: applied.parents.iter().filter(|parent| known(parent.as_str())).cloned().collect(),
        depends_on: applied.depends_on.iter().filter(|dependency| known(dependency)).cloned().collect(),
        labels: labels.filter(is_free).collect(),
        origin: "the ledger".into(),
    }
}
