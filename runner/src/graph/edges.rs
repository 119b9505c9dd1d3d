//! Edges between numbered nodes.

/// The edges that leave each node, all in one piece of memory: ten thousand
/// small lists would be spread over all of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    /// For each node: where its edges end. They begin where those of the node
    /// before end.
    ends: Vec<usize>,
    targets: Vec<usize>,
}

impl Edges {
    /// Adds the next node, with its edges.
    pub(super) fn push(&mut self, targets: &[usize]) {
        self.targets.extend_from_slice(targets);
        self.ends.push(self.targets.len());
    }

    /// The edges that leave a node, in the order in which they were added.
    pub(super) fn of(&self, node: usize) -> &[usize] {
        let begin = node.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.targets[begin..self.ends[node]]
    }

    /// The same edges the other way round; those of each node in the order of
    /// the nodes that they lead to.
    pub(super) fn turned(&self) -> Self {
        let mut ends = vec![0; self.ends.len()];
        for &target in &self.targets {
            ends[target] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        // From the last one to the first, each list is filled from its end.
        let mut free = ends.clone();
        let mut targets = vec![0; self.targets.len()];
        for node in (0..self.ends.len()).rev() {
            for &target in self.of(node).iter().rev() {
                free[target] -= 1;
                targets[free[target]] = node;
            }
        }
        Self { ends, targets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_turned_in_order() {
        let mut edges = Edges::default();
        for targets in [&[][..], &[0], &[0, 1], &[], &[2, 0]] {
            edges.push(targets);
        }
        assert_eq!((edges.of(0), edges.of(2), edges.of(4)), (&[][..], &[0, 1][..], &[2, 0][..]));
        let turned = edges.turned();
        let all: Vec<&[usize]> = (0..5).map(|node| turned.of(node)).collect();
        assert_eq!(all, [&[1, 2, 4][..], &[2], &[4], &[], &[]]);
        assert_eq!(Edges::default().turned().targets.len(), 0);
    }
}
