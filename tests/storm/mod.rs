//! Storms: many runners at once, runners that are killed at any moment, and a disk
//! that is full. On a real server, with the real program.
//!
//! `cargo test` runs them at a size for every day; `cargo xtask storm` at full
//! size.

mod boundaries;
mod chance;
mod crowd;
mod disk;
mod history;
mod kill;
mod runner;
