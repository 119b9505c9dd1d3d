//! Repairs listing text that was read in the wrong character set.

pub mod repair;
