//! The revision graph and the grammar of targets.
//!
//! Pure: plain values in, plain values out. No `async`, no clock, no files, no
//! database. `walk` knows only numbers and neighbours; `build` makes a graph of
//! revisions and finds every structural error; `target` is what users type.

mod build;
mod target;
mod walk;

pub use build::{Graph, GraphError, Node};
pub use target::{Target, TargetError};

#[cfg(test)]
pub(crate) use build::tests as test_support;
