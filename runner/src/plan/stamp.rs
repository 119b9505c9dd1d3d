//! Which rows of the ledger come and go when the database is said to be at
//! some revisions. Nothing is run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::graph::{Graph, Point, Symbol, Target, TargetError};
use crate::revision::RevisionId;

use super::PlanError;

/// What a stamp does to the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The revisions whose rows go, children first.
    pub removed: Vec<RevisionId>,
    /// The revisions whose rows come, parents first.
    pub added: Vec<RevisionId>,
    /// The revisions that were applied or taken back in part, of which that is
    /// forgotten: they are what the stamp says now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<RevisionId>,
    /// The heads of what is applied afterwards.
    pub heads: Vec<RevisionId>,
}

impl Stamp {
    /// Whether the ledger says so already.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty() && self.forgotten.is_empty()
    }
}

/// Says what a stamp does: for each target in turn, what comes after it goes,
/// and it comes with everything that it needs. Other branches stay.
///
/// `purge` first removes every row, also of a revision that the graph does not
/// know; without it, rows that stay are not written anew.
pub fn stamp(
    graph: &Graph,
    applied: &BTreeSet<RevisionId>,
    targets: &[Target],
    purge: bool,
) -> Result<Stamp, PlanError> {
    let before = graph.mask(applied);
    let mut after = if purge { vec![false; graph.len()] } else { before.clone() };
    for target in targets {
        let at = if purge { before.clone() } else { after.clone() };
        set(graph, &at, &mut after, target)?;
    }
    let order = graph.order();
    let chosen = |chosen: &dyn Fn(usize) -> bool| -> Vec<usize> {
        order.iter().copied().filter(|&number| chosen(number)).collect()
    };
    let mut removed = chosen(&|number| before[number] && (purge || !after[number]));
    removed.reverse();
    let added = chosen(&|number| after[number] && (purge || !before[number]));
    let unknown = applied.iter().filter(|id| purge && graph.find(id).is_none()).cloned();
    Ok(Stamp {
        removed: unknown.chain(graph.ids(&removed)).collect(),
        added: graph.ids(&added),
        forgotten: Vec::new(),
        heads: graph.ids(&graph.heads_of(&after)),
    })
}

/// Makes `applied` what one target says; `at` is where the database is.
fn set(graph: &Graph, at: &[bool], applied: &mut Vec<bool>, target: &Target) -> Result<(), TargetError> {
    let starts = graph.locate(target, Some(at))?;
    let stays = matches!(target, Target::At(Point { symbol: Symbol::Current, .. }));
    if starts.is_empty() && !stays {
        *applied = without(graph, at, applied, target)?;
        return Ok(());
    }
    let gone = match stays {
        true => vec![false; graph.len()],
        false => graph.gone_with(starts.iter().copied()),
    };
    let needed = graph.needed_for(starts.iter().copied());
    for (number, applied) in applied.iter_mut().enumerate() {
        *applied = *applied && !gone[number] || needed[number];
    }
    Ok(())
}

/// What stays when a target's part of the graph goes: other branches, with all
/// that they need. Where steps lead to the base, only what they take back goes.
fn without(graph: &Graph, at: &[bool], applied: &[bool], target: &Target) -> Result<Vec<bool>, TargetError> {
    if let Some(lowest) = graph.first_above_base(target, at)? {
        let gone = graph.gone_with([lowest]);
        return Ok(applied.iter().zip(gone).map(|(&applied, gone)| applied && !gone).collect());
    }
    let Some(part) = graph.scope_mask(target.scope())? else {
        return Ok(vec![false; graph.len()]);
    };
    let others = (0..graph.len()).filter(|&number| applied[number] && !part[number]);
    Ok(graph.needed_for(others))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::test_support::{graph, id};

    fn run(shape: &str, applied: &str, targets: &str, purge: bool) -> String {
        let graph = graph(shape);
        let applied = applied.split_whitespace().map(id).collect();
        let targets: Result<Vec<Target>, _> = targets.split_whitespace().map(str::parse).collect();
        let result =
            targets.map_err(PlanError::from).and_then(|targets| stamp(&graph, &applied, &targets, purge));
        let join =
            |sign: &str, ids: &[RevisionId]| ids.iter().map(|id| format!("{sign}{id} ")).collect::<String>();
        match result {
            Err(error) => format!("error: {error}"),
            Ok(stamp) => {
                let rows = join("-", &stamp.removed) + &join("+", &stamp.added);
                format!("{rows}→ {}", join("", &stamp.heads)).trim_end().to_owned()
            }
        }
    }

    fn stamped(shape: &str, applied: &str, targets: &str) -> String {
        run(shape, applied, targets, false)
    }

    const LINE: &str = "a:\nb: a\nc: b\nd: c";
    const DIAMOND: &str = "a:\nb: a\nc: a\nd: b c";
    const DEPENDENT: &str = "a:\nb: a\nx:\ny: x | b\nz: y";

    #[test]
    fn along_a_line() {
        assert_eq!(stamped(LINE, "", "c"), "+a +b +c → c");
        assert_eq!(stamped(LINE, "a b c d", "b"), "-d -c → b");
        assert_eq!(stamped(LINE, "a b", "head"), "+c +d → d");
        assert_eq!(stamped(LINE, "a b", "b"), "→ b");
        assert_eq!(stamped(LINE, "a b", "base"), "-b -a →");
        assert_eq!(stamped(LINE, "", "base"), "→");
    }

    #[test]
    fn other_branches_stay() {
        assert_eq!(stamped(DIAMOND, "a b c", "b"), "→ b c");
        assert_eq!(stamped(DIAMOND, "a b c d", "b"), "-d → b c");
        assert_eq!(stamped(DIAMOND, "a b c d", "a"), "-d -c -b → a");
        assert_eq!(stamped("a:\nb: a\nc: a", "", "heads"), "+a +b +c → b c");
    }

    #[test]
    fn dependencies_come_and_dependents_go() {
        assert_eq!(stamped(DEPENDENT, "", "z"), "+a +b +x +y +z → b z");
        assert_eq!(stamped(DEPENDENT, "a b x y z", "a"), "-z -y -b → a x");
        assert_eq!(stamped(DEPENDENT, "a b x y z", "x"), "-z -y → b x");
    }

    #[test]
    fn targets_are_taken_in_turn() {
        assert_eq!(stamped(DIAMOND, "", "b c"), "+a +b +c → b c");
        assert_eq!(stamped(LINE, "", "d b"), "+a +b → b");
        assert_eq!(stamped(DIAMOND, "a b c d", "base c"), "-d -b → c");
    }

    #[test]
    fn a_branch_can_be_left_alone() {
        let shape = "a:\nb: a ! billing\nc: b\nx: a ! search\ny: x";
        assert_eq!(stamped(shape, "a b c x y", "billing@base"), "-c -b → y");
        assert_eq!(stamped(shape, "a b c", "billing@base"), "-c -b -a →");
        assert_eq!(stamped(shape, "a x", "billing@head"), "+b +c → c x");
        assert_eq!(stamped(shape, "a b x", "current"), "→ b x");
        assert_eq!(stamped(shape, "a", "search@+2"), "+x +y → y");
        assert_eq!(stamped("a:\nb: | a ! billing", "a b", "billing@base"), "-b → a", "what it needed stays");
    }

    #[test]
    fn steps_to_the_base_take_back_no_more_than_they_count() {
        assert_eq!(stamped("a:\nb: | a", "a b", "-1"), "-b → a");
        assert_eq!(stamped("a:\nx:\ny: x", "a x y", "x-1"), "-y -x → a");
    }

    #[test]
    fn a_purge_writes_every_row_anew_and_takes_what_is_not_known() {
        assert_eq!(run(LINE, "a b gone", "b", true), "-gone -b -a +a +b → b");
        assert_eq!(run(LINE, "a gone", "base", true), "-gone -a →");
        assert_eq!(run(LINE, "", "base", true), "→");
        assert_eq!(run(LINE, "a b gone", "current", true), "-gone -b -a +a +b → b");
        assert_eq!(run(LINE, "a b", "+1", true), "-b -a +a +b +c → c");
    }

    #[test]
    fn targets_that_lead_nowhere_are_errors() {
        insta::assert_snapshot!(stamped(LINE, "a b c", "+2"), @"error: `+2` asks for 2 steps, and there are 1");
        insta::assert_snapshot!(stamped(LINE, "", "zz"), @"error: no revision's id begins with `zz`, and no branch has that label");
        insta::assert_snapshot!(stamped("a:\nb: a\nc: a", "", "head"), @"error: there are 2 heads: `b`, `c`");
    }
}
