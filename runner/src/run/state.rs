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
    /// Makes the graph, or reports everything that is wrong with it.
    pub fn new(found: Vec<Found>) -> Result<Self, Vec<GraphError>> {
        let graph = Graph::build(found.iter().map(node_on_disk).collect())?;
        let revisions = found.into_iter().map(|found| (found.manifest.revision.clone(), found)).collect();
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
    /// Brings both together.
    ///
    /// What the ledger adds cannot be wrong in itself, but may no longer fit:
    /// then its parents are left out, and only the revisions remain.
    pub fn new(on_disk: OnDisk, applied: Option<Vec<Applied>>) -> Self {
        let has_ledger = applied.is_some();
        let applied: BTreeMap<_, _> =
            applied.into_iter().flatten().map(|applied| (applied.revision.clone(), applied)).collect();
        let missing: Vec<&Applied> =
            applied.values().filter(|applied| !on_disk.revisions.contains_key(&applied.revision)).collect();
        let graph = match missing.is_empty() {
            true => on_disk.graph.clone(),
            false => with_missing(&on_disk, &missing),
        };
        Self { on_disk, applied, has_ledger, graph }
    }

    /// The ids of what is applied.
    pub fn applied_ids(&self) -> BTreeSet<RevisionId> {
        self.applied.keys().cloned().collect()
    }

    /// The heads of what is applied.
    pub fn current_heads(&self) -> Vec<RevisionId> {
        let mut mask = vec![false; self.graph.len()];
        for id in self.applied.keys() {
            mask[self.graph.find(id).expect("the graph holds what is applied")] = true;
        }
        self.graph.ids(&self.graph.heads_of(&mask))
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

fn with_missing(on_disk: &OnDisk, missing: &[&Applied]) -> Graph {
    let nodes = |keep_edges: bool| {
        let on_disk = on_disk.revisions.values().map(node_on_disk);
        on_disk.chain(missing.iter().map(|applied| node_in_ledger(applied, keep_edges))).collect()
    };
    Graph::build(nodes(true))
        .or_else(|_| Graph::build(nodes(false)))
        .expect("revisions without edges add nothing wrong to a sound graph")
}

fn node_in_ledger(applied: &Applied, keep_edges: bool) -> Node {
    Node {
        id: applied.revision.clone(),
        parents: if keep_edges { applied.parents.clone() } else { Vec::new() },
        depends_on: if keep_edges { applied.depends_on.clone() } else { Vec::new() },
        labels: match keep_edges {
            true => applied.labels.iter().filter_map(|label| Label::new(label.as_str()).ok()).collect(),
            false => Vec::new(),
        },
        origin: "the ledger".into(),
    }
}
