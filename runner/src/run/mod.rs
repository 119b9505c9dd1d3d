//! Running a plan: decide, prepare everything, then one loop.
//!
//! Emits a closed set of [`Event`]s and prints nothing. Everything of a plan is
//! read, verified, compiled and checked before the first statement of the first
//! step.

mod error;
mod event;
mod executor;
mod migrator;
mod prepare;
mod settings;
mod state;
mod step;
mod verify;

pub use error::{Failed, PrepareError, RunError, StepError};
pub use event::{Event, Reporter};
pub use migrator::{Migrator, Options, Summary};
pub use settings::Settings;
pub use state::{OnDisk, State};
pub use verify::{Finding, Verification};
