//! The replay of hostile SQL through the real runner and a real component.
//!
//! Each case has a fresh database made from `fixture.sql`, a project with one
//! revision whose component is `tests/guests/replay`, and a manifest that grants
//! what the case says. The runner runs it as a login that is no superuser. Then
//! is judged what became of it (`verdict.rs`): from what the guest was told, from
//! the ledger, from a digest of the whole database before and after, and from
//! the case's own check.
//!
//! `cargo xtask hostile FILE.jsonl` runs files from the command line; the tests
//! run those of this folder.

pub mod case;
pub mod cluster;
pub mod command;
pub mod grants;
pub mod isolation;
pub mod pool;
pub mod replay;
pub mod verdict;
