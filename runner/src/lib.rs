//! PostgreSQL migrations as sandboxed WebAssembly components.

pub mod db;
pub mod graph;
pub mod plan;
pub mod policy;
pub mod revision;
