//! Where we differ from Alembic on purpose.

use super::alembic::OfCase;
use super::ours::{self, Answer};
use super::question::{Case, Command};
use crate::support::shape::Shape;

use runner::graph::Graph;

/// A reason to differ. Described for people in ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Steps back from several heads: Alembic warns, and takes back one that the
    /// order of the rows in its table decides (its issue #765). We name the
    /// heads.
    StepsFromSeveralHeads,
    /// One step back from a merge: we take the merge back; Alembic cannot choose
    /// a parent ("Ambiguous walk"), though nothing has to be chosen.
    StepBackFromMerge,
    /// `label@head-2` through a merge: we stay on the branch that was named,
    /// Alembic does so on the way up only.
    BranchGuidesDown,
    /// `branch@-2`, and `rev-2` where that is the base: we take back two
    /// revisions, and what needs them. Alembic goes to where two steps lead and
    /// takes back all that is above that: other ways round it and, above the
    /// base, what begins at other bases too.
    StepsAreCounted,
    /// `downgrade` to a revision that is applied and has nothing above it:
    /// nothing to do. Alembic fails where the revision has no row of its own in
    /// its table because another one depends on it.
    NothingAboveTarget,
    /// `branch@revision` and `branch@revision+1`, with a branch that does not
    /// exist or does not hold the revision: `alembic downgrade` looks at the
    /// branch only where the path divides, and neither command does where steps
    /// begin.
    BranchIsChecked,
    /// `downgrade branch@revision` where the branch is named by a revision that
    /// is not above the target: all of it above the target goes. Alembic looks
    /// for the branch's revision above the target only, and refuses.
    BranchNamedFromBelow,
    /// `upgrade base`, and `upgrade rev-1` that ends there: an error, since
    /// nothing can be upgraded to it. Alembic says nothing and does nothing, or
    /// ends in an assertion.
    UpgradeToBase,
    /// `base-1`: there is nothing below. Alembic starts again from the head.
    BelowBase,
    /// `heads-1`: steps are counted from one revision. Alembic takes it for
    /// `head-1` where there is one head.
    StepsFromHeads,
    /// `heads` names what no revision has as its parent, as `runner heads`
    /// prints it. Alembic means, here only, what nothing depends on either.
    HeadsAreHeads,
    /// `@head`: a branch is missing. Alembic reads it as `head`.
    EmptyBranch,
    /// `a@b@c`: Alembic splits it at the first `@` or at the last, as the command
    /// may be.
    SecondAt,
    /// Any id may be shortened: Alembic does not find one that is shorter than
    /// four characters as a whole by its beginning.
    ShortPrefix,
    /// The beginning of a label names nothing: Alembic takes labels for ids
    /// there.
    LabelsAreWhole,
    /// `current` is a target wherever one is typed; Alembic has it for `show`,
    /// `edit` and `history`.
    CurrentIsTarget,
    /// `branch@heads` where one head depends on another: Alembic refuses what is
    /// asked for twice, though it is its own list.
    OverlappingHeads,
    /// A dependency on what a parent needs anyway: Alembic looks for its row in
    /// its table and fails with a KeyError.
    ImpliedDependency,
    /// A downgrade leaves Alembic's table with a row for what another row needs
    /// (its issues #789 and #1373, in further shapes). Its next upgrade fails.
    RowThatIsImplied,
    /// `stamp head-1`: every target can be stamped. Alembic takes no steps there,
    /// and with an empty table it does not even look.
    StampTakesSteps,
    /// `stamp` moves the branches that the target is part of, and keeps the
    /// others. Alembic forgets what a row that goes implied, and moves all rows
    /// that share a dependency with the target.
    StampKeepsOthers,
    /// Two revisions with one id: Alembic warns, and the last one is it.
    DuplicateId,
    /// A revision that depends on its own parent: Alembic has no use for it
    /// either, and ran in circles once (its issue #843).
    DependsOnParent,
    /// A cycle with a way into it from a base, and one out of it to a head:
    /// Alembic misses it, and its commands fail or leave revisions out.
    CycleWithEntry,
}

impl Difference {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::StepsFromSeveralHeads,
        Self::StepBackFromMerge,
        Self::BranchGuidesDown,
        Self::StepsAreCounted,
        Self::NothingAboveTarget,
        Self::BranchIsChecked,
        Self::BranchNamedFromBelow,
        Self::UpgradeToBase,
        Self::BelowBase,
        Self::StepsFromHeads,
        Self::HeadsAreHeads,
        Self::EmptyBranch,
        Self::SecondAt,
        Self::ShortPrefix,
        Self::LabelsAreWhole,
        Self::CurrentIsTarget,
        Self::OverlappingHeads,
        Self::ImpliedDependency,
        Self::RowThatIsImplied,
        Self::StampTakesSteps,
        Self::StampKeepsOthers,
        Self::DuplicateId,
        Self::DependsOnParent,
        Self::CycleWithEntry,
    ];

    /// The most cases that may differ for this reason: a little more than do.
    pub fn most(self) -> usize {
        match self {
            Self::StepsAreCounted => 50,
            Self::HeadsAreHeads => 10,
            Self::SecondAt
            | Self::OverlappingHeads
            | Self::DuplicateId
            | Self::DependsOnParent
            | Self::CycleWithEntry => 20,
            Self::StepBackFromMerge | Self::BelowBase | Self::EmptyBranch => 30,
            Self::RowThatIsImplied => 50,
            Self::NothingAboveTarget => 100,
            Self::CurrentIsTarget => 110,
            Self::StepsFromSeveralHeads
            | Self::BranchGuidesDown
            | Self::BranchNamedFromBelow
            | Self::ShortPrefix => 150,
            Self::StepsFromHeads | Self::ImpliedDependency => 200,
            Self::LabelsAreWhole => 300,
            Self::UpgradeToBase => 500,
            Self::BranchIsChecked => 1_150,
            Self::StampKeepsOthers => 150,
            Self::StampTakesSteps => 1_500,
        }
    }
}

/// A case in which the answers differ.
pub struct Disagreement<'a> {
    pub shape: &'a Shape,
    pub graph: &'a Graph,
    pub case: &'a Case,
    pub ours: &'a Answer,
    pub theirs: &'a OfCase,
}

impl Disagreement<'_> {
    /// Whether the answers are the same after all.
    pub fn is_none(&self) -> bool {
        agree(self.shape, self.ours, self.theirs)
    }

    /// Why they differ, if that is on purpose.
    pub fn reason(&self) -> Option<Difference> {
        if self.case.command == Command::Stamp
            && let Some(reason) = self.of_stamp()
        {
            return Some(reason);
        }
        match (self.ours, self.theirs) {
            (Err(error), OfCase::Done { .. }) => self.only_ours_fails(error),
            (Ok(done), OfCase::Refused { error }) => self.only_theirs_fails(done, error),
            (Ok(done), OfCase::Done { steps, rows }) => self.both_succeed(done, steps, rows),
            (Err(_), OfCase::Refused { .. }) => None,
        }
    }

    fn of_stamp(&self) -> Option<Difference> {
        match (self.ours, self.theirs) {
            (Ok(_), OfCase::Refused { .. }) | (Err(_), OfCase::Done { .. })
                if Form::of(&self.case.target).steps.is_some() =>
            {
                Some(Difference::StampTakesSteps)
            }
            (Ok(done), OfCase::Done { rows, .. }) => {
                let find = |row: &String| self.shape.find(row).expect("rows are revisions");
                let theirs = self.shape.closure(rows.iter().map(find));
                let fewer = theirs != done.applied && theirs.is_subset(&done.applied);
                fewer.then_some(Difference::StampKeepsOthers)
            }
            _ => None,
        }
    }

    fn only_ours_fails(&self, error: &str) -> Option<Difference> {
        let target = Form::of(&self.case.target);
        let upgrade = self.case.command == Command::Upgrade;
        Some(match () {
            () if target.branch == Some("") => Difference::EmptyBranch,
            () if self.case.target.matches('@').count() > 1 => Difference::SecondAt,
            () if target.symbol == "heads" && target.steps.is_some() => Difference::StepsFromHeads,
            () if target.symbol == "base" && target.steps.is_some_and(|steps| steps < 0) => {
                Difference::BelowBase
            }
            () if upgrade && error.contains("is no target for `upgrade`") => Difference::UpgradeToBase,
            () if !upgrade && error.contains("the database is at") => Difference::StepsFromSeveralHeads,
            () if target.branch.is_some() && self.is_the_same_without_branch() => Difference::BranchIsChecked,
            () if target.steps.is_some() && error.contains("is not part of") => Difference::BranchIsChecked,
            () if target.names().any(|name| self.is_beginning_of_label(name)) => Difference::LabelsAreWhole,
            () if !upgrade && target.symbol == "heads" && error.contains("heads") => {
                Difference::HeadsAreHeads
            }
            () => return None,
        })
    }

    fn only_theirs_fails(&self, ours: &ours::Done, error: &str) -> Option<Difference> {
        let target = Form::of(&self.case.target);
        let nothing = ours.steps.is_empty();
        let upgrade = self.case.command == Command::Upgrade;
        Some(match () {
            () if target.symbol == "current" => Difference::CurrentIsTarget,
            () if error.contains("Ambiguous walk") && target.branch.is_some() => Difference::BranchGuidesDown,
            () if error.contains("Ambiguous walk") && !upgrade && target.symbol.is_empty() => {
                Difference::StepBackFromMerge
            }
            () if error.contains("overlaps with other requested") => Difference::OverlappingHeads,
            () if error.starts_with("KeyError") && self.has_implied_needs() => Difference::ImpliedDependency,
            () if !upgrade && nothing && error.contains("is not a valid downgrade target") => {
                Difference::NothingAboveTarget
            }
            () if !upgrade && target.branch.is_some() && error.contains("Not a valid downgrade target") => {
                Difference::BranchNamedFromBelow
            }
            () if target.branch.is_some() && self.is_the_same_without_branch() => Difference::BranchIsChecked,
            () if error.contains("Can't locate")
                && target.names().any(|name| self.is_beginning_of_id(name)) =>
            {
                Difference::ShortPrefix
            }
            () => return None,
        })
    }

    fn both_succeed(
        &self,
        ours: &ours::Done,
        steps: &[String],
        rows: &std::collections::BTreeSet<String>,
    ) -> Option<Difference> {
        let target = Form::of(&self.case.target);
        let same_steps = same_set(&ours.steps, steps);
        let find = |row: &String| self.shape.find(row).expect("rows are revisions");
        if same_steps && self.shape.closure(rows.iter().map(find)) == ours.applied {
            return Some(Difference::RowThatIsImplied);
        }
        let fewer = ours.steps.iter().all(|step| steps.contains(step));
        let relative = target.steps.is_some_and(|steps| steps < 0)
            && (target.branch.is_some() || !target.symbol.is_empty());
        (self.case.command == Command::Downgrade && relative && fewer).then_some(Difference::StepsAreCounted)
    }

    /// Whether Alembic does as if the branch were not there.
    fn is_the_same_without_branch(&self) -> bool {
        let Some((_, target)) = self.case.target.split_once('@') else {
            return false;
        };
        let case = Case { target: target.to_owned(), ..self.case.clone() };
        let ours = ours::answer(self.graph, self.shape, &case);
        let without = Disagreement { case: &case, ours: &ours, ..*self };
        without.is_none() || without.reason().is_some()
    }

    /// Whether a revision names directly what it needs through another one too.
    fn has_implied_needs(&self) -> bool {
        (0..self.shape.revisions.len()).any(|number| {
            let before = self.shape.before(number);
            before.iter().any(|&one| {
                let others = before.iter().copied().filter(|&other| other != one);
                self.shape.closure(others).contains(&one)
            })
        })
    }

    fn is_beginning_of_label(&self, name: &str) -> bool {
        let mut labels = self.shape.revisions.iter().flat_map(|revision| &revision.labels);
        labels.any(|label| label.starts_with(name))
    }

    fn is_beginning_of_id(&self, name: &str) -> bool {
        let mut ids = self.shape.revisions.iter().map(|revision| &revision.id);
        ids.any(|id| id.starts_with(name) && id != name)
    }
}

/// Whether both fail, or both do the same and end in the same place.
fn agree(shape: &Shape, ours: &Answer, theirs: &OfCase) -> bool {
    match (ours, theirs) {
        (Err(_), OfCase::Refused { .. }) => true,
        (Ok(done), OfCase::Done { steps, rows }) => {
            same_set(&done.steps, steps) && shape.ids(&shape.tips(&done.applied)) == *rows
        }
        _ => false,
    }
}

fn same_set(one: &[String], other: &[String]) -> bool {
    let sorted = |steps: &[String]| {
        let mut steps = steps.to_vec();
        steps.sort();
        steps
    };
    sorted(one) == sorted(other)
}

/// A target taken apart, by other code than what is tested.
struct Form<'a> {
    branch: Option<&'a str>,
    symbol: &'a str,
    steps: Option<i64>,
}

impl<'a> Form<'a> {
    fn of(target: &'a str) -> Self {
        let (branch, rest) = match target.split_once('@') {
            Some((branch, rest)) => (Some(branch), rest),
            None => (None, target),
        };
        let at = rest.find(['+', '-']).unwrap_or(rest.len());
        Self { branch, symbol: &rest[..at], steps: rest[at..].parse().ok() }
    }

    /// The names in it that are not empty.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.branch.into_iter().chain([self.symbol]).filter(|name| !name.is_empty())
    }
}
