//! What may be put on top of a graph.

use crate::revision::RevisionId;

use super::{Graph, GraphError, Node};

/// Why a new revision does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrowError {
    /// Its parent is followed by others already.
    #[error("revision `{revision}` is not a head: {} it", followed(children))]
    NotAHead {
        /// The parent.
        revision: RevisionId,
        /// What follows it.
        children: Vec<RevisionId>,
    },
    /// A revision is named as a parent twice.
    #[error("revision `{0}` is named twice")]
    Twice(RevisionId),
    /// One parent comes before another one.
    #[error("revision `{ancestor}` comes before `{descendant}`, so there is nothing to merge")]
    Ancestor {
        /// The earlier one.
        ancestor: RevisionId,
        /// The later one.
        descendant: RevisionId,
    },
    /// It would make the graph unsound.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

fn followed(children: &[RevisionId]) -> String {
    let names: Vec<_> = children.iter().map(|id| format!("`{id}`")).collect();
    let verb = if names.len() == 1 { "follows" } else { "follow" };
    format!("{} {verb}", names.join(", "))
}

impl Graph {
    /// Checks whether a new revision may be put into the graph, and reports
    /// everything that is in its way. With `splice` its parents need not be
    /// heads.
    pub fn check_new(&self, new: &Node, splice: bool) -> Result<(), Vec<GrowError>> {
        let mut errors = Vec::new();
        for (at, parent) in new.parents.iter().enumerate() {
            if new.parents[..at].contains(parent) {
                errors.push(GrowError::Twice(parent.clone()));
            }
        }
        let parents: Vec<usize> = new.parents.iter().filter_map(|parent| self.find(parent)).collect();
        if !splice {
            errors.extend(parents.iter().filter_map(|&parent| self.not_a_head(parent)));
        }
        errors.extend(self.ancestors_among(&parents));
        let nodes = (0..self.len()).map(|number| self.node(number).clone()).chain([new.clone()]);
        if let Err(unsound) = Self::build(nodes.collect()) {
            errors.extend(unsound.into_iter().map(GrowError::Graph));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn not_a_head(&self, number: usize) -> Option<GrowError> {
        let children = self.ids(self.children(number));
        let revision = self.node(number).id.clone();
        (!children.is_empty()).then_some(GrowError::NotAHead { revision, children })
    }

    /// The pairs of which one comes before the other. What `depends_on` says
    /// does not count: a merge may bring a branch and what it needs together.
    fn ancestors_among(&self, parents: &[usize]) -> Vec<GrowError> {
        let mut errors = Vec::new();
        for &descendant in parents {
            let above = self.ancestors(descendant);
            errors.extend(parents.iter().filter(|&&ancestor| above[ancestor]).map(|&ancestor| {
                GrowError::Ancestor {
                    ancestor: self.node(ancestor).id.clone(),
                    descendant: self.node(descendant).id.clone(),
                }
            }));
        }
        errors
    }

    /// The parents of a revision, their parents and so on, as a mask.
    fn ancestors(&self, number: usize) -> Vec<bool> {
        let above = self.parents(number).iter().copied();
        super::walk::reachable(self.len(), above, |number| self.parents(number))
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::tests::{graph, nodes};

    /// Puts a revision, written as in `graph`, on top of a graph.
    fn errors(below: &str, new: &str, splice: bool) -> String {
        let new = nodes(new).remove(0);
        match graph(below).check_new(&new, splice) {
            Ok(()) => String::new(),
            Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        }
    }

    const TWO_HEADS: &str = "a: ! shop\nb: a\nc: a\nx: | b";

    #[test]
    fn heads_take_new_revisions_and_others_only_when_spliced() {
        for new in ["n: b", "n: b c", "n:", "n: | shop", "n: b c x ! fresh"] {
            assert_eq!(errors(TWO_HEADS, new, false), "", "{new}");
        }
        insta::assert_snapshot!(errors(TWO_HEADS, "n: a", false), @"revision `a` is not a head: `b`, `c` follow it");
        assert_eq!(errors(TWO_HEADS, "n: a", true), "");
        assert_eq!(
            errors("a:\nb: a\nc: b", "n: a x", true),
            "revision `n` names unknown parent `x` (migrations/n)"
        );
    }

    #[test]
    fn a_merge_needs_revisions_of_which_none_comes_before_the_other() {
        insta::assert_snapshot!(errors("a:\nb: a\nc: b\nd:", "n: a c d", true), @"revision `a` comes before `c`, so there is nothing to merge");
        insta::assert_snapshot!(errors(TWO_HEADS, "n: b c b", false), @"revision `b` is named twice");
        assert_eq!(errors(TWO_HEADS, "n: b x", false), "", "a dependency can be merged");
    }

    #[test]
    fn ids_and_labels_that_exist_are_refused() {
        insta::assert_snapshot!(errors(TWO_HEADS, "c: b ! shop x", false), @r"
        revision `c` exists twice: in migrations/c and in migrations/c
        label `shop` is claimed by `a` and by `c`
        label `x` of `c` is also the id of a revision
        ");
        insta::assert_snapshot!(errors(TWO_HEADS, "shop: b | b", false), @r"
        label `shop` of `a` is also the id of a revision
        revision `shop` depends on `b`, which is its parent already (migrations/shop)
        ");
    }
}
