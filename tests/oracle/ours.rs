//! Asking ourselves.

use std::collections::BTreeSet;

use runner::graph::{Graph, Target};
use runner::plan;
use runner::revision::{Direction, RevisionId};

use crate::support::shape::Shape;

use super::question::{Case, Command};

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
    let target: Target = case.target.parse().map_err(|error| format!("{error}"))?;
    let direction = match case.command {
        Command::Upgrade => Direction::Upgrade,
        Command::Downgrade => Direction::Downgrade,
        Command::Stamp => return stamp(graph, shape, &applied, target),
    };
    let plan = plan::build(graph, &applied, direction, &target).map_err(|error| error.to_string())?;
    let steps: Vec<String> = plan.steps.iter().map(|step| step.revision.to_string()).collect();
    let moved = numbers(shape, plan.steps.iter().map(|step| &step.revision));
    let applied = match direction {
        Direction::Upgrade => &case.applied | &moved,
        Direction::Downgrade => &case.applied - &moved,
    };
    Ok(Done { steps, applied })
}

/// A stamp runs nothing: it has no steps.
fn stamp(graph: &Graph, shape: &Shape, applied: &BTreeSet<RevisionId>, target: Target) -> Answer {
    let stamp = plan::stamp(graph, applied, &[target], false).map_err(|error| error.to_string())?;
    let before = numbers(shape, applied);
    let (removed, added) = (numbers(shape, &stamp.removed), numbers(shape, &stamp.added));
    Ok(Done { steps: Vec::new(), applied: &(&before - &removed) | &added })
}

fn numbers<'a>(shape: &Shape, ids: impl IntoIterator<Item = &'a RevisionId>) -> BTreeSet<usize> {
    ids.into_iter().map(|id| shape.find(id.as_str()).expect("it is one of the shape")).collect()
}

fn id(text: &str) -> RevisionId {
    RevisionId::new(text).expect("an id")
}
