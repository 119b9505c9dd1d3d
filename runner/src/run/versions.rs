//! Versions of packages that the database is past.

use crate::graph::Bound;
use crate::plan::Plan;

use super::{RunError, State};

/// Refuses a plan with a revision that asks for versions of a package which the
/// database has left behind. The order of the graph keeps them apart; but what was
/// applied before the revision was written knew nothing of it.
pub(super) fn check(state: &State, plan: &Plan) -> Result<(), RunError> {
    let is_planned = |bound: &Bound| plan.steps.iter().any(|step| step.revision == bound.revision);
    let is_passed =
        |bound: &Bound| bound.is_after && state.applied.contains_key(&bound.other) && is_planned(bound);
    match state.on_disk.graph.bounds().into_iter().find(is_passed) {
        Some(bound) => Err(RunError::PastVersion(Box::new(bound))),
        None => Ok(()),
    }
}
