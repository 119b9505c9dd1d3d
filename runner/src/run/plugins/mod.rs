//! Plugins: looking at them, pinning them, publishing them, trying their cases.
//!
//! `manager` is what `runner plugin` calls; `cases` runs a plugin on scratch
//! databases, and `snapshot` says what is in one.

mod applied;
mod beside;
mod cases;
mod manager;
mod snapshot;

pub use cases::{CaseFailure, CaseOutcome, Cases};
pub use manager::{PluginChange, PluginInfo, PluginManager, PluginUseOf, UpdateOptions};
