//! Walks over a directed acyclic graph whose nodes are numbers.
//!
//! The caller supplies the neighbours; nothing here knows what a node is.
//! Iterative throughout: a project of 100,000 revisions in one line must not
//! overflow the stack.

/// All nodes that can be reached from `starts`, these included, as a mask.
pub(super) fn reachable<'a>(
    count: usize,
    starts: impl IntoIterator<Item = usize>,
    neighbours: impl Fn(usize) -> &'a [usize],
) -> Vec<bool> {
    let mut seen = vec![false; count];
    let mut open: Vec<usize> = starts.into_iter().collect();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut seen[node], true) {
            open.extend_from_slice(neighbours(node));
        }
    }
    seen
}

/// The nodes in an order in which each comes after all of `before(node)`: depth
/// first, so that a branch stays together, and in the order of `starts`.
pub(super) fn ordered<'a>(
    count: usize,
    starts: impl IntoIterator<Item = usize>,
    before: impl Fn(usize) -> &'a [usize],
) -> Vec<usize> {
    let mut order = Vec::with_capacity(count);
    let mut entered = vec![false; count];
    for start in starts {
        if std::mem::replace(&mut entered[start], true) {
            continue;
        }
        // Each entry is a node and how many of its neighbours were looked at.
        let mut path = vec![(start, 0)];
        while let Some((node, looked_at)) = path.last_mut() {
            match before(*node).get(*looked_at) {
                Some(&next) => {
                    *looked_at += 1;
                    if !std::mem::replace(&mut entered[next], true) {
                        path.push((next, 0));
                    }
                }
                None => {
                    order.push(*node);
                    path.pop();
                }
            }
        }
    }
    order
}

/// A cycle for each edge that closes one, found depth first: its nodes in the
/// order of the edges, the first one not repeated at the end.
pub(super) fn cycles<'a>(count: usize, neighbours: impl Fn(usize) -> &'a [usize]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        OnPath,
        Done,
    }
    let mut states = vec![State::New; count];
    let mut cycles = Vec::new();
    for start in 0..count {
        if states[start] != State::New {
            continue;
        }
        states[start] = State::OnPath;
        let mut path = vec![(start, 0)];
        while let Some((node, looked_at)) = path.last_mut() {
            let Some(&next) = neighbours(*node).get(*looked_at) else {
                states[*node] = State::Done;
                path.pop();
                continue;
            };
            *looked_at += 1;
            match states[next] {
                State::Done => {}
                State::New => {
                    states[next] = State::OnPath;
                    path.push((next, 0));
                }
                State::OnPath => {
                    let nodes = path.iter().map(|(node, _)| *node);
                    cycles.push(nodes.skip_while(|node| *node != next).collect());
                }
            }
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    // 0 ← 1 ← 2, 0 ← 3, {2, 3} ← 4
    const PARENTS: [&[usize]; 5] = [&[], &[0], &[1], &[0], &[2, 3]];

    #[test]
    fn an_order_has_all_parents_first_and_keeps_branches_together() {
        assert_eq!(ordered(5, [4], |node| PARENTS[node]), [0, 1, 2, 3, 4]);
        assert_eq!(ordered(5, [3, 4], |node| PARENTS[node]), [0, 3, 1, 2, 4]);
        assert_eq!(ordered(5, [2], |node| PARENTS[node]), [0, 1, 2]);
    }

    #[test]
    fn reachable_includes_the_starts() {
        assert_eq!(reachable(5, [2], |node| PARENTS[node]), [true, true, true, false, false]);
    }

    #[test]
    fn a_cycle_is_written_out() {
        assert!(cycles(5, |node| PARENTS[node]).is_empty());
        let circular: [&[usize]; 4] = [&[], &[3], &[1], &[2, 0]];
        assert_eq!(cycles(4, |node| circular[node]), [[1, 3, 2]]);
        let own: [&[usize]; 1] = [&[0]];
        assert_eq!(cycles(1, |node| own[node]), [[0]]);
    }

    #[test]
    fn long_lines_do_not_overflow_the_stack() {
        let parents: Vec<Vec<usize>> =
            (0..200_000_usize).map(|node| node.checked_sub(1).into_iter().collect()).collect();
        assert_eq!(ordered(200_000, [199_999], |node| &parents[node]).len(), 200_000);
        assert!(cycles(200_000, |node| &parents[node]).is_empty());
    }
}
