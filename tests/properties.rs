//! Laws of plans, over random graphs.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use runner::graph::{Graph, Target};
use runner::plan::{self, Plan};
use runner::revision::{Direction, RevisionId};

use crate::support::shape::{Shape, shapes};

const MOST_REVISIONS: usize = 24;

/// A graph and a state that upgrades lead to.
fn states() -> impl Strategy<Value = (Shape, BTreeSet<usize>)> {
    (shapes(MOST_REVISIONS), prop::collection::vec(any::<Index>(), 0..4)).prop_map(|(shape, starts)| {
        let count = shape.revisions.len();
        let applied = shape.closure(starts.iter().map(|start| start.index(count)));
        (shape, applied)
    })
}

/// A world in which plans are made: a graph, and what is applied.
struct World<'a> {
    shape: &'a Shape,
    graph: Graph,
    applied: BTreeSet<usize>,
}

impl<'a> World<'a> {
    fn new(shape: &'a Shape, applied: &BTreeSet<usize>) -> Self {
        Self { shape, graph: shape.graph().expect("a sound shape"), applied: applied.clone() }
    }

    fn plan(&self, direction: Direction, target: &str) -> Option<Plan> {
        let target: Target = target.parse().ok()?;
        let applied = self.applied.iter().map(|&number| id(self.shape, number)).collect();
        plan::build(&self.graph, &applied, direction, &target).ok()
    }

    /// Makes a plan that must be possible, and does what it says, step by step.
    fn go(&mut self, direction: Direction, target: &str) -> Result<(), TestCaseError> {
        let plan = self.plan(direction, target);
        prop_assert!(plan.is_some(), "{direction} {target} is impossible");
        for step in plan.into_iter().flat_map(|plan| plan.steps) {
            let number = self.shape.find(step.revision.as_str()).expect("steps are revisions");
            self.step(direction, number)?;
            prop_assert_eq!(&step.heads_after, &self.heads(), "heads after {}", step.revision);
        }
        Ok(())
    }

    /// Does one step, if the edges allow it now.
    fn step(&mut self, direction: Direction, number: usize) -> Result<(), TestCaseError> {
        let needed = self.shape.before(number);
        match direction {
            Direction::Upgrade => {
                prop_assert!(
                    needed.iter().all(|before| self.applied.contains(before)),
                    "too early: {number}"
                );
                prop_assert!(self.applied.insert(number), "applied twice: {number}");
            }
            Direction::Downgrade => {
                prop_assert!(self.applied.remove(&number), "was not applied: {number}");
                let needs_it = |other: &usize| self.shape.before(*other).contains(&number);
                prop_assert!(!self.applied.iter().any(needs_it), "still needed: {number}");
            }
        }
        Ok(())
    }

    /// The heads as the applied set alone gives them: what no applied revision
    /// names as a parent.
    fn heads(&self) -> Vec<RevisionId> {
        let revisions = &self.shape.revisions;
        let is_parent = |id: &String| self.applied.iter().any(|&other| revisions[other].parents.contains(id));
        let mut heads: Vec<RevisionId> = self
            .applied
            .iter()
            .filter(|&&number| !is_parent(&revisions[number].id))
            .map(|&number| id(self.shape, number))
            .collect();
        heads.sort();
        heads
    }
}

fn id(shape: &Shape, number: usize) -> RevisionId {
    RevisionId::new(shape.revisions[number].id.as_str()).expect("an id")
}

/// `number` and everything that cannot stay without it, found without the graph.
fn above(shape: &Shape, numbers: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    let mut found: BTreeSet<usize> = numbers.into_iter().collect();
    // Each revision comes after all that it needs: one walk is enough.
    for number in 0..shape.revisions.len() {
        if shape.before(number).iter().any(|before| found.contains(before)) {
            found.insert(number);
        }
    }
    found
}

fn children(shape: &Shape, number: usize) -> Vec<usize> {
    let id = &shape.revisions[number].id;
    (0..shape.revisions.len()).filter(|&other| shape.revisions[other].parents.contains(id)).collect()
}

proptest! {
    /// Also that each order respects all edges, and that the heads of each step
    /// are those of what is applied then: [`World::go`] looks at every step.
    #[test]
    fn upgrade_applies_what_the_target_needs_and_nothing_else((shape, applied) in states()) {
        for number in 0..shape.revisions.len() {
            let mut world = World::new(&shape, &applied);
            world.go(Direction::Upgrade, &shape.revisions[number].id)?;
            prop_assert_eq!(world.applied, &applied | &shape.closure([number]));
        }
        let mut world = World::new(&shape, &applied);
        world.go(Direction::Upgrade, "heads")?;
        prop_assert_eq!(world.applied.len(), shape.revisions.len());
    }

    #[test]
    fn downgrade_takes_back_what_cannot_stay_and_nothing_else((shape, applied) in states()) {
        for &number in &applied {
            let mut world = World::new(&shape, &applied);
            world.go(Direction::Downgrade, &shape.revisions[number].id)?;
            prop_assert_eq!(world.applied, &applied - &above(&shape, children(&shape, number)));
        }
        let mut world = World::new(&shape, &applied);
        world.go(Direction::Downgrade, "base")?;
        prop_assert!(world.applied.is_empty());
    }

    #[test]
    fn down_to_base_and_up_again_ends_where_it_began((shape, applied) in states()) {
        let mut world = World::new(&shape, &applied);
        world.go(Direction::Downgrade, "base")?;
        for &tip in &shape.tips(&applied) {
            world.go(Direction::Upgrade, &shape.revisions[tip].id)?;
        }
        prop_assert_eq!(world.applied, applied);
    }

    /// Where the way up left the branch that it began on, the way down does not
    /// take back what it met there: then there is no such law.
    #[test]
    fn up_and_down_again_ends_where_it_began(shape in shapes(MOST_REVISIONS)) {
        for from in 0..shape.revisions.len() {
            let began = shape.closure([from]);
            let branch = above(&shape, children(&shape, from));
            for to in branch.iter().copied() {
                if !(&shape.closure([to]) - &began).is_subset(&branch) {
                    continue;
                }
                let mut world = World::new(&shape, &began);
                world.go(Direction::Upgrade, &shape.revisions[to].id)?;
                prop_assert!(world.applied.contains(&to));
                world.go(Direction::Downgrade, &shape.revisions[from].id)?;
                prop_assert_eq!(&world.applied, &began);
            }
        }
    }

    #[test]
    fn the_order_of_the_files_makes_no_difference(
        ((shape, applied), shuffled) in states().prop_flat_map(|(shape, applied)| {
            let nodes = Just(shape.nodes()).prop_shuffle();
            (Just((shape, applied)), nodes)
        }),
    ) {
        let world = World::new(&shape, &applied);
        let other = World { graph: Graph::build(shuffled).expect("sound"), ..World::new(&shape, &applied) };
        for target in ["heads", "head", "base", "+1", "-1", "+2", "-2", "ae", "cafe"] {
            for direction in [Direction::Upgrade, Direction::Downgrade] {
                prop_assert_eq!(world.plan(direction, target), other.plan(direction, target));
            }
        }
    }

    #[test]
    fn what_is_wrong_is_the_same_in_any_order(
        (nodes, shuffled) in (shapes(8), any::<[Index; 2]>()).prop_flat_map(|(shape, picked)| {
            let mut nodes = shape.nodes();
            let count = nodes.len();
            let (first, second) = (picked[0].index(count), picked[1].index(count));
            // An edge between any two: a cycle, a loop, or a sound graph still.
            let parent = nodes[second].id.clone();
            nodes[first].parents.push(parent);
            nodes[second].depends_on.push("nothing".into());
            (Just(nodes.clone()), Just(nodes).prop_shuffle())
        }),
    ) {
        let errors = |nodes| Graph::build(nodes).expect_err("there is a dependency on nothing");
        prop_assert_eq!(errors(nodes), errors(shuffled));
    }
}
