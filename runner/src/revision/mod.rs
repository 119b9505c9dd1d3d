//! Revisions: the nodes of the migration graph.

mod direction;

pub use direction::Direction;
