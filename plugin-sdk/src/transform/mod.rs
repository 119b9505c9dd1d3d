//! Transforms: reading a table's rows, mapping each in Rust, writing them back.

mod builder;
mod layout;
mod run;

pub use builder::Transform;
