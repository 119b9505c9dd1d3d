//! The revision graph and the grammar of targets.
//!
//! Pure: plain values in, plain values out. No `async`, no clock, no files, no
//! database. `walk` knows only numbers and neighbours; `build` makes a graph of
//! revisions and finds every structural error; `target` is what users type, and
//! `locate` what it means in a graph; `lineage` knows branches and labels; `grow`
//! says what may be put on top of it; `versions` knows which edges a range of versions
//! of a package means.

mod build;
mod edges;
mod error;
mod grow;
mod lineage;
mod locate;
mod names;
mod target;
mod versions;
mod walk;

pub use build::{Graph, Node};
pub use error::GraphError;
pub use grow::GrowError;
pub use target::{Point, Scope, Symbol, Target, TargetError, TargetRange};
pub use versions::{Bound, Required};

#[cfg(test)]
pub(crate) use build::tests as test_support;
