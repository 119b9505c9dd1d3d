//! Plugins: looking at them, pinning them, publishing them, trying their cases.
//!
//! `manager` is what `runner plugin` calls; `cases` runs a plugin on scratch
//! databases, of which `case` is what is on disk, `scratch` the databases, and
//! `snapshot` what is in one.

mod applied;
mod case;
mod cases;
mod manager;
mod scratch;
mod snapshot;

pub use cases::{CaseFailure, CaseOutcome, Cases};
pub use manager::{PluginChange, PluginInfo, PluginManager, PluginUseOf, UpdateOptions};
pub use scratch::ScratchUse;
