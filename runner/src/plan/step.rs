//! The plan as a value.

use serde::{Deserialize, Serialize};

use crate::revision::{Direction, RevisionId};

/// One revision, one direction; by default one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The revision.
    pub revision: RevisionId,
    /// Which way.
    pub direction: Direction,
    /// The heads of what is applied after the step.
    pub heads_after: Vec<RevisionId>,
}

/// The steps from where the database is to the target, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The heads of what is applied now.
    pub heads: Vec<RevisionId>,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether the database is where it should be already.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
