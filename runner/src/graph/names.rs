//! From what people write to the revision that they mean: ids with and without
//! their package, labels.

use std::collections::HashMap;

use crate::revision::{Label, RevisionId};

use super::{GraphError, Node};

/// The revisions by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    by_id: HashMap<RevisionId, usize>,
    by_label: HashMap<Label, usize>,
    /// Revisions of packages by the part of their id that follows the colon.
    by_local_id: HashMap<String, Vec<usize>>,
}

/// What a name stands for.
pub(super) enum Meaning {
    /// One revision.
    One(usize),
    /// Revisions of that name in several packages.
    Several(Vec<usize>),
    /// Nothing.
    Nothing,
}

impl Names {
    /// Indexes the revisions; what is claimed twice is added to `errors`, and
    /// the first one keeps it.
    pub(super) fn index(nodes: &[Node], errors: &mut Vec<GraphError>) -> Self {
        let mut names = Self { by_id: HashMap::with_capacity(nodes.len()), ..Self::default() };
        for (number, node) in nodes.iter().enumerate() {
            let first = *names.by_id.entry(node.id.clone()).or_insert(number);
            if first != number {
                errors.push(GraphError::DuplicateId {
                    id: node.id.clone(),
                    first: nodes[first].origin.clone(),
                    second: node.origin.clone(),
                });
            } else if node.id.package().is_some() {
                names.by_local_id.entry(node.id.local().to_owned()).or_default().push(number);
            }
        }
        for (number, node) in nodes.iter().enumerate() {
            names.index_labels(nodes, number, node, errors);
        }
        names
    }

    fn index_labels(&mut self, nodes: &[Node], number: usize, node: &Node, errors: &mut Vec<GraphError>) {
        for label in &node.labels {
            if self.by_id.contains_key(label.as_str()) {
                errors.push(GraphError::LabelIsId { label: label.clone(), id: node.id.clone() });
            }
            let first = *self.by_label.entry(label.clone()).or_insert(number);
            if first != number {
                let (first, second) = (nodes[first].id.clone(), node.id.clone());
                errors.push(GraphError::DuplicateLabel { label: label.clone(), first, second });
            }
        }
    }

    pub(super) fn id(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(super) fn label(&self, label: &str) -> Option<usize> {
        self.by_label.get(label).copied()
    }

    /// What `name` stands for, written in a revision of `package` or on the
    /// command line: a whole id, the id of a revision of the same package, a
    /// label, or an id that only one package has.
    pub(super) fn meaning(&self, name: &str, package: Option<&str>) -> Meaning {
        let in_package = package.and_then(|package| self.id(&format!("{package}:{name}")));
        if let Some(found) = in_package.or_else(|| self.id(name)).or_else(|| self.label(name)) {
            return Meaning::One(found);
        }
        match self.by_local_id.get(name).map(Vec::as_slice) {
            None => Meaning::Nothing,
            Some([one]) => Meaning::One(*one),
            Some(several) => Meaning::Several(several.to_vec()),
        }
    }

    /// What `id` stands for as a parent: like [`Self::meaning`], but a label is
    /// no parent.
    pub(super) fn parent(&self, id: &RevisionId, package: Option<&str>) -> Meaning {
        match self.meaning(id.as_str(), package) {
            Meaning::One(_) if self.is_label_only(id.as_str(), package) => Meaning::Nothing,
            meaning => meaning,
        }
    }

    fn is_label_only(&self, name: &str, package: Option<&str>) -> bool {
        let in_package = package.is_some_and(|package| self.id(&format!("{package}:{name}")).is_some());
        !in_package && self.id(name).is_none() && self.label(name).is_some()
    }
}
