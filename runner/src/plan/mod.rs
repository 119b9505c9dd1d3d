//! From a graph, what is applied, and a target to the ordered steps.
//!
//! Pure, like `graph`: no `async`, no clock, no files, no database. The plan is
//! a plain value that serialises; what runs it does not decide anything.

mod build;
mod drift;
mod stamp;
mod step;

pub use build::{PlanError, apply, build};
pub use drift::{Drift, drift};
pub use stamp::{Stamp, stamp};
pub use step::{Plan, Step};
