//! PostgreSQL migrations as sandboxed WebAssembly components.

pub mod db;
pub mod graph;
pub mod host;
pub mod ledger;
pub mod plan;
pub mod policy;
pub mod revision;
pub mod run;
pub mod source;
