//! Branches: which revisions are on one line, and where a label holds.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::revision::Label;

use super::{Graph, walk};

impl Graph {
    /// The revisions on one line with `number`: what it descends from, itself,
    /// and what descends from it; parents only. As a mask.
    pub fn line_of(&self, number: usize) -> Vec<bool> {
        let mut line = walk::reachable(self.len(), [number], |node| self.parents(node));
        let descendants = walk::reachable(self.len(), [number], |node| self.children(node));
        line.iter_mut().zip(descendants).for_each(|(on_line, descends)| *on_line |= descends);
        line
    }

    /// The labels that hold at each revision: those that begin there, those of
    /// what it descends from, and those that begin above it where no branch
    /// point and no merge point lies in between. As in Alembic.
    ///
    /// Revisions with the same labels share one list: along a line nothing is
    /// copied.
    pub fn labels(&self) -> Vec<Rc<[Label]>> {
        let mut new: Vec<Vec<Label>> = vec![Vec::new(); self.len()];
        for begins in 0..self.len() {
            let labels = &self.node(begins).labels;
            if !labels.is_empty() {
                self.back_to_branch_point(begins).for_each(|at| new[at].extend_from_slice(labels));
            }
        }
        let mut labels: Vec<Rc<[Label]>> = vec![Rc::default(); self.len()];
        for number in self.order() {
            labels[number] = match (self.parents(number), new[number].as_slice()) {
                (&[parent], []) => Rc::clone(&labels[parent]),
                (parents, new) => {
                    let inherited = parents.iter().flat_map(|&parent| labels[parent].iter());
                    let all: BTreeSet<Label> = inherited.chain(new).cloned().collect();
                    all.into_iter().collect()
                }
            };
        }
        labels
    }

    /// A revision and those before it, down to the branch point or merge point
    /// that is not part of them.
    fn back_to_branch_point(&self, begins: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(begins), |&at| match self.parents(at) {
            &[parent] if self.children(parent).len() == 1 && self.parents(parent).len() < 2 => Some(parent),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::tests::{graph, names};
    use super::*;

    /// Each revision with its labels.
    fn labelled(graph: &Graph) -> String {
        let labels = graph.labels();
        let line = |number: usize| {
            let labels: Vec<_> = labels[number].iter().map(ToString::to_string).collect();
            format!("{}[{}]", graph.node(number).id, labels.join(","))
        };
        (0..graph.len()).map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn labels_are_inherited_upwards_and_downwards_to_the_branch_point() {
        let branches = graph("a:\nb1: a\nb2: b1 ! billing\nb3: b2\nc1: a\nc2: c1 | b3\nm: b3 c2");
        assert_eq!(labelled(&branches), "a[] b1[billing] b2[billing] b3[billing] c1[] c2[] m[billing]");
        let line = graph("a:\nb: a\nc: b ! x");
        assert_eq!(labelled(&line), "a[x] b[x] c[x]");
    }

    #[test]
    fn a_line_leaves_out_other_branches() {
        let graph = graph("a:\nb1: a\nb2: b1\nc1: a\nm: b2 c1");
        let line = |name: &str| {
            let mask = graph.line_of(graph.resolve(name).expect("a revision"));
            names(&graph, &(0..graph.len()).filter(|&number| mask[number]).collect::<Vec<_>>())
        };
        assert_eq!(line("b1"), "a b1 b2 m");
        assert_eq!(line("m"), "a b1 b2 c1 m");
    }
}
