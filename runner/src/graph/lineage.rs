//! Branches: which revisions are on one line, and where a label holds.

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
    pub fn labels(&self) -> Vec<Vec<Label>> {
        let mut labels: Vec<Vec<Label>> = vec![Vec::new(); self.len()];
        for number in 0..self.len() {
            for label in &self.node(number).labels {
                for at in self.where_label_holds(number) {
                    labels[at].push(label.clone());
                }
            }
        }
        labels.iter_mut().for_each(|labels| labels.sort());
        labels
    }

    fn where_label_holds(&self, begins: usize) -> Vec<usize> {
        let descendants = walk::reachable(self.len(), [begins], |node| self.children(node));
        let mut holds: Vec<usize> = (0..self.len()).filter(|&number| descendants[number]).collect();
        let mut at = begins;
        while let [parent] = self.parents(at)
            && self.children(*parent).len() == 1
            && self.parents(*parent).len() < 2
        {
            holds.push(*parent);
            at = *parent;
        }
        holds
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
