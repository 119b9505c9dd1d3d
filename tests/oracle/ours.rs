//! Asking ourselves.

use std::collections::BTreeSet;

use runner::graph::{Graph, Target};
use runner::plan;
use runner::revision::{Direction, RevisionId};

use crate::support::shape::Shape;

use super::question::Case;

/// What we say of a case.
pub type Answer = Result<Done, String>;

/// A plan, and where it leads.
#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    pub steps: Vec<String>,
    /// What is applied afterwards, by number.
    pub applied: BTreeSet<usize>,
}

pub fn answer(graph: &Graph, shape: &Shape, case: &Case) -> Answer {
    let applied: BTreeSet<RevisionId> =
        case.applied.iter().map(|&number| id(&shape.revisions[number].id)).collect();
    let direction = case.direction();
    let target: Target = case.target.parse().map_err(|error| format!("{error}"))?;
    let plan = plan::build(graph, &applied, direction, &target).map_err(|error| error.to_string())?;
    let steps: Vec<String> = plan.steps.iter().map(|step| step.revision.to_string()).collect();
    let moved: BTreeSet<usize> =
        steps.iter().map(|step| shape.find(step).expect("steps are revisions")).collect();
    let applied = match direction {
        Direction::Upgrade => case.applied.union(&moved).copied().collect(),
        Direction::Downgrade => case.applied.difference(&moved).copied().collect(),
    };
    Ok(Done { steps, applied })
}

fn id(text: &str) -> RevisionId {
    RevisionId::new(text).expect("an id")
}
