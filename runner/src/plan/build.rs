//! Making the plan.

use std::collections::BTreeSet;

use crate::graph::{Graph, Point, Symbol, Target, TargetError};
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

/// The plan that applies some revisions, with what they need and is not applied.
///
/// # Panics
///
/// If the graph does not know one of them.
pub fn apply(graph: &Graph, applied: &BTreeSet<RevisionId>, revisions: &[RevisionId]) -> Plan {
    let mask = graph.mask(applied);
    let targets: Vec<usize> =
        revisions.iter().map(|id| graph.find(id).expect("the graph knows what is to be applied")).collect();
    let steps: Vec<usize> = graph.order_of(&targets).into_iter().filter(|&number| !mask[number]).collect();
    let heads = graph.ids(&graph.heads_of(&mask));
    Plan { heads, steps: with_heads(graph, mask, Direction::Upgrade, &steps) }
}

/// The revisions to apply, in order.
fn upgrade(graph: &Graph, applied: &[bool], target: &Target) -> Result<Vec<usize>, PlanError> {
    let targets = match target {
        Target::Relative(_, ..0) | Target::At(Point { symbol: Symbol::Base, .. }) => {
            return Err(wrong_way(target, "upgrade"));
        }
        target => graph.locate(target, Some(applied))?,
    };
    // Steps may lead to the base, as in `a-1`.
    if targets.is_empty() && matches!(target, Target::From(..)) {
        return Err(wrong_way(target, "upgrade"));
    }
    Ok(graph.order_of(&targets).into_iter().filter(|&number| !applied[number]).collect())
}

/// The revisions to take back, in order.
fn downgrade(graph: &Graph, applied: &[bool], target: &Target) -> Result<Vec<usize>, PlanError> {
    let removed = match target {
        Target::Relative(_, 1..) => return Err(wrong_way(target, "downgrade")),
        Target::Relative(_, steps) => {
            graph.gone_with(graph.steps_back(target, applied, steps.unsigned_abs())?)
        }
        Target::At(Point { symbol: Symbol::Current, .. }) => Vec::new(),
        Target::From(Point { symbol: Symbol::Current, scope }, steps @ ..0) => {
            return downgrade(graph, applied, &Target::Relative(scope.clone(), *steps));
        }
        target => match graph.locate(target, Some(applied))?.as_slice() {
            // Steps to the base take back no more than they count.
            [] => match graph.first_above_base(target, applied)? {
                Some(lowest) => graph.gone_with([lowest]),
                None => above_base(graph, target)?,
            },
            [one] => above(graph, applied, target, *one)?,
            // Where the heads are several, one of them is not enough.
            _ => above(graph, applied, target, graph.locate_one(target, Some(applied))?)?,
        },
    };
    if removed.is_empty() {
        return Ok(Vec::new());
    }
    let mut order = graph.order();
    order.retain(|&number| removed[number] && applied[number]);
    order.reverse();
    Ok(order)
}

fn wrong_way(target: &Target, command: &'static str) -> PlanError {
    TargetError::WrongWay { target: target.to_string(), command }.into()
}

/// What goes when nothing of the target's scope is left.
fn above_base(graph: &Graph, target: &Target) -> Result<Vec<bool>, PlanError> {
    let Some(part) = graph.scope_mask(target.scope())? else {
        return Ok(vec![true; graph.len()]);
    };
    let is_base =
        |number: &usize| part[*number] && !graph.parents(*number).iter().any(|&parent| part[parent]);
    Ok(graph.gone_with((0..graph.len()).filter(is_base)))
}

/// What goes when `stays` becomes the newest revision of its branch. Within a
/// scope only the scope's own branches go, and what needs them.
fn above(graph: &Graph, applied: &[bool], target: &Target, stays: usize) -> Result<Vec<bool>, PlanError> {
    if !applied[stays] {
        return Err(PlanError::NotApplied(graph.node(stays).id.clone()));
    }
    let part = graph.scope_mask(target.scope())?;
    let in_scope = |number: &usize| part.as_ref().is_none_or(|part| part[*number]);
    Ok(graph.gone_with(graph.children(stays).iter().copied().filter(in_scope)))
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
        let heads_after = heads.iter().map(|&number| graph.node(number).id.clone()).collect();
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

    const BRANCHES: &str = "a:\nb: a ! billing\nc: b\nx: a ! search\ny: x\nz: | search";

    #[test]
    fn a_branch_can_go_its_own_way() {
        assert_eq!(up(BRANCHES, "", "billing@head"), "a→a b→b c→c");
        assert_eq!(up(BRANCHES, "a b c", "search@+1"), "x→c,x");
        assert_eq!(up(BRANCHES, "a b c x", "search@heads"), "y→c,y");
        assert_eq!(up(BRANCHES, "a", "b+1"), "b→b c→c");
        assert_eq!(down(BRANCHES, "a b c x y", "search@-1"), "y→c,x");
        assert_eq!(down(BRANCHES, "a b c x y", "billing@a"), "c→b,y b→y");
        assert_eq!(down(BRANCHES, "a b c x y z", "search@a"), "z→c,y y→c,x x→c");
        assert_eq!(down(BRANCHES, "a b c x y", "billing@base"), "y→c,x x→c c→b b→a a→");
        assert_eq!(down(BRANCHES, "a b c x", "current"), "");
    }

    #[test]
    fn a_head_that_another_branch_needs_is_not_where_steps_are_counted_from() {
        assert_eq!(down("a:\nb: | a", "a b", "-1"), "b→a");
        assert_eq!(down("a:\nb: | a\nc: b", "a b c", "-2"), "c→a,b b→a");
    }

    #[test]
    fn steps_to_the_base_leave_other_bases_alone() {
        assert_eq!(down("a:\nx:\ny: x", "a x y", "a-1"), "a→y");
        assert_eq!(down("a:\nb: | a", "a b", "b-1"), "b→a");
        assert_eq!(down("a:\nb: | a", "a b", "current-1"), "b→a");
    }

    #[test]
    fn a_branch_that_is_not_ahead_gives_nothing_back() {
        // `b` is what both have in common: that it goes was not asked for.
        insta::assert_snapshot!(down("a:\nb: a\nc: b ! billing\nd: b", "a b d", "billing@-1"), @"error: `billing@-1` takes back nothing: no head of what is applied is part of `billing`");
        assert_eq!(down("a: ! billing\nb: | a", "a b", "billing@-1"), "b→a a→", "a head that is depended on");
    }

    #[test]
    fn targets_that_lead_nowhere_are_errors() {
        insta::assert_snapshot!(up("a:\nb: a\nc: a", "", "head"), @"error: there are 2 heads: `b`, `c`");
        insta::assert_snapshot!(up("a:\nb: a\nc: a", "a", "+1"), @"error: `+1` is ambiguous: after `a` the path divides into `b`, `c`");
        insta::assert_snapshot!(up(LINE, "a b c", "+2"), @"error: `+2` asks for 2 steps, and there are 1");
        insta::assert_snapshot!(up(LINE, "a", "-1"), @"error: `-1` is no target for `upgrade`");
        insta::assert_snapshot!(up(LINE, "a", "base"), @"error: `base` is no target for `upgrade`");
        insta::assert_snapshot!(up(LINE, "a", "b-2"), @"error: `b-2` is no target for `upgrade`");
        insta::assert_snapshot!(down(LINE, "a", "c"), @"error: revision `c` is not applied, so there is no way down to it");
        insta::assert_snapshot!(down(LINE, "a b", "-3"), @"error: `-3` asks for 3 steps, and there are 2");
        insta::assert_snapshot!(down(DIAMOND, "a b c d", "-2"), @"error: `-2` is ambiguous: after `d` the path divides into `b`, `c`");
        insta::assert_snapshot!(down(DIAMOND, "a b c", "-1"), @"error: `-1` is ambiguous: the database is at 2 heads: `b`, `c`");
        assert_eq!(up("", "", "head"), "", "nothing to do is no error");
        insta::assert_snapshot!(down("a:\nb:", "a b", "heads"), @"error: there are 2 heads: `a`, `b`");
    }
}
