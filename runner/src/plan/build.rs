//! Making the plan.

use std::collections::BTreeSet;

use crate::graph::{Graph, Target, TargetError};
use crate::revision::{Direction, RevisionId};

use super::{Plan, Step};

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The target leads nowhere.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// `downgrade` to a revision at which the database is not.
    #[error("revision `{0}` is not applied, so there is no way down to it")]
    NotApplied(RevisionId),
}

/// Makes the plan. `applied` may name only revisions of the graph.
///
/// # Panics
///
/// If `applied` names a revision that the graph does not know.
pub fn build(
    graph: &Graph,
    applied: &BTreeSet<RevisionId>,
    direction: Direction,
    target: &Target,
) -> Result<Plan, PlanError> {
    let mut mask = vec![false; graph.len()];
    for id in applied {
        mask[graph.find(id).expect("the graph holds what is applied")] = true;
    }
    let steps = match direction {
        Direction::Upgrade => upgrade(graph, &mask, target)?,
        Direction::Downgrade => downgrade(graph, &mask, target)?,
    };
    let heads = graph.ids(&graph.heads_of(&mask));
    Ok(Plan { heads, steps: with_heads(graph, mask, direction, &steps) })
}

/// The revisions to apply, in order.
fn upgrade(graph: &Graph, applied: &[bool], target: &Target) -> Result<Vec<usize>, PlanError> {
    let targets = match target {
        Target::Head => vec![graph.head()?],
        Target::Heads => graph.heads(),
        Target::Revision(text) => vec![graph.resolve(text)?],
        Target::Relative(steps @ 1..) => vec![forwards(graph, applied, target, steps.unsigned_abs())?],
        Target::Base | Target::Relative(_) => return Err(wrong_way(target, "upgrade")),
    };
    Ok(graph.order_of(&targets).into_iter().filter(|&number| !applied[number]).collect())
}

/// The revisions to take back, in order.
fn downgrade(graph: &Graph, applied: &[bool], target: &Target) -> Result<Vec<usize>, PlanError> {
    let removed = match target {
        Target::Base => applied.to_vec(),
        Target::Head => above(graph, applied, graph.head()?)?,
        Target::Revision(text) => above(graph, applied, graph.resolve(text)?)?,
        Target::Relative(steps @ ..0) => backwards(graph, applied, target, steps.unsigned_abs())?,
        Target::Heads | Target::Relative(_) => return Err(wrong_way(target, "downgrade")),
    };
    let mut order = graph.order();
    order.retain(|&number| removed[number] && applied[number]);
    order.reverse();
    Ok(order)
}

fn wrong_way(target: &Target, command: &'static str) -> PlanError {
    TargetError::WrongWay { target: target.to_string(), command }.into()
}

/// What goes when `stays` becomes the newest revision of its branch.
fn above(graph: &Graph, applied: &[bool], stays: usize) -> Result<Vec<bool>, PlanError> {
    match applied[stays] {
        true => Ok(graph.gone_with(graph.children(stays).iter().copied())),
        false => Err(PlanError::NotApplied(graph.node(stays).id.clone())),
    }
}

/// The revision that is so many steps ahead of the one applied head.
fn forwards(graph: &Graph, applied: &[bool], target: &Target, wanted: u64) -> Result<usize, TargetError> {
    let mut at = only(graph, &graph.heads_of(applied))?;
    for available in 0..wanted {
        let next = match at {
            None => graph.bases(),
            Some(number) => graph.children(number).to_vec(),
        };
        at = match next.as_slice() {
            [] => return Err(TargetError::TooFar { target: target.to_string(), wanted, available }),
            [one] => Some(*one),
            several => return Err(divides(graph, target, at, several)),
        };
    }
    at.ok_or(TargetError::NoRevisions)
}

/// The revisions that go when so many steps are taken back from the one head.
fn backwards(
    graph: &Graph,
    applied: &[bool],
    target: &Target,
    wanted: u64,
) -> Result<Vec<bool>, TargetError> {
    let mut next: Vec<usize> = only(graph, &graph.heads_of(applied))?.into_iter().collect();
    let mut removed = Vec::new();
    for available in 0..wanted {
        match next.as_slice() {
            [] => return Err(TargetError::TooFar { target: target.to_string(), wanted, available }),
            [one] => removed.push(*one),
            several => return Err(divides(graph, target, removed.last().copied(), several)),
        }
        next = graph.parents(removed[removed.len() - 1]).to_vec();
    }
    Ok(graph.gone_with(removed))
}

fn only(graph: &Graph, heads: &[usize]) -> Result<Option<usize>, TargetError> {
    match heads {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        several => Err(TargetError::SeveralHeads(graph.ids(several))),
    }
}

fn divides(graph: &Graph, target: &Target, at: Option<usize>, candidates: &[usize]) -> TargetError {
    TargetError::Divides {
        target: target.to_string(),
        at: at.map_or_else(|| "base".to_owned(), |number| graph.node(number).id.to_string()),
        candidates: graph.ids(candidates),
    }
}

/// Adds to each step the heads that it leaves. Kept up to date from step to
/// step: deriving them anew each time would make long plans quadratic.
fn with_heads(graph: &Graph, mut applied: Vec<bool>, direction: Direction, order: &[usize]) -> Vec<Step> {
    let mut heads: BTreeSet<usize> = graph.heads_of(&applied).into_iter().collect();
    let mut steps = Vec::with_capacity(order.len());
    for &number in order {
        applied[number] = direction == Direction::Upgrade;
        for &candidate in graph.parents(number).iter().chain([&number]) {
            let covered = graph.children(candidate).iter().any(|&child| applied[child]);
            match applied[candidate] && !covered {
                true => heads.insert(candidate),
                false => heads.remove(&candidate),
            };
        }
        let heads_after = graph.ids(&heads.iter().copied().collect::<Vec<_>>());
        steps.push(Step { revision: graph.node(number).id.clone(), direction, heads_after });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::test_support::{graph, id};

    /// Plans, and writes the steps and the heads that they leave as text.
    fn check(shape: &str, applied: &str, direction: Direction, target: &str) -> String {
        let graph = graph(shape);
        let applied = applied.split_whitespace().map(id).collect();
        let result = target
            .parse::<Target>()
            .map_err(PlanError::from)
            .and_then(|target| build(&graph, &applied, direction, &target));
        match result {
            Err(error) => format!("error: {error}"),
            Ok(plan) => {
                let join =
                    |ids: &[RevisionId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
                let steps =
                    plan.steps.iter().map(|step| format!("{}→{}", step.revision, join(&step.heads_after)));
                steps.collect::<Vec<_>>().join(" ")
            }
        }
    }

    const LINE: &str = "a:\nb: a\nc: b\nd: c";
    const DIAMOND: &str = "a:\nb: a\nc: a\nd: b c";

    fn up(shape: &str, applied: &str, target: &str) -> String {
        check(shape, applied, Direction::Upgrade, target)
    }

    fn down(shape: &str, applied: &str, target: &str) -> String {
        check(shape, applied, Direction::Downgrade, target)
    }

    #[test]
    fn upgrades_along_a_line() {
        assert_eq!(up(LINE, "", "head"), "a→a b→b c→c d→d");
        assert_eq!(up(LINE, "a b", "head"), "c→c d→d");
        assert_eq!(up(LINE, "a b c d", "head"), "");
        assert_eq!(up(LINE, "a", "+2"), "b→b c→c");
        assert_eq!(up(LINE, "", "+1"), "a→a");
        assert_eq!(up(LINE, "a", "c"), "b→b c→c");
        assert_eq!(up("", "", "heads"), "");
    }

    #[test]
    fn downgrades_along_a_line() {
        assert_eq!(down(LINE, "a b c d", "-1"), "d→c");
        assert_eq!(down(LINE, "a b c d", "base"), "d→c c→b b→a a→");
        assert_eq!(down(LINE, "a b c d", "b"), "d→c c→b");
        assert_eq!(down(LINE, "a b", "b"), "");
        assert_eq!(down(LINE, "", "base"), "");
    }

    #[test]
    fn merges_leave_the_right_heads() {
        assert_eq!(up(DIAMOND, "", "head"), "a→a b→b c→b,c d→d");
        assert_eq!(down(DIAMOND, "a b c d", "-1"), "d→b,c");
        assert_eq!(down(DIAMOND, "a b c d", "b"), "d→b,c");
        assert_eq!(down(DIAMOND, "a b c d", "a"), "d→b,c c→b b→a");
    }

    #[test]
    fn dependencies_come_along_both_ways() {
        let shape = "a:\nb: a\nx:\ny: x | b";
        assert_eq!(up(shape, "", "y"), "x→x a→a,x b→b,x y→b,y");
        assert_eq!(down(shape, "a b x y", "a"), "y→b,x b→a,x");
    }

    #[test]
    fn targets_that_lead_nowhere_are_errors() {
        insta::assert_snapshot!(up("a:\nb: a\nc: a", "", "head"), @"error: there are 2 heads: `b`, `c`");
        insta::assert_snapshot!(up("a:\nb: a\nc: a", "a", "+1"), @"error: `+1` is ambiguous: after `a` the path divides into `b`, `c`");
        insta::assert_snapshot!(up(LINE, "a b c", "+2"), @"error: `+2` asks for 2 steps, and there are 1");
        insta::assert_snapshot!(up(LINE, "a", "-1"), @"error: `-1` is no target for `upgrade`");
        insta::assert_snapshot!(up(LINE, "a", "base"), @"error: `base` is no target for `upgrade`");
        insta::assert_snapshot!(down(LINE, "a", "c"), @"error: revision `c` is not applied, so there is no way down to it");
        insta::assert_snapshot!(down(LINE, "a b", "-3"), @"error: `-3` asks for 3 steps, and there are 2");
        insta::assert_snapshot!(down(DIAMOND, "a b c d", "-2"), @"error: `-2` is ambiguous: after `d` the path divides into `b`, `c`");
        insta::assert_snapshot!(down(DIAMOND, "a b c", "-1"), @"error: there are 2 heads: `b`, `c`");
        insta::assert_snapshot!(up("", "", "head"), @"error: there are no revisions yet");
    }
}
