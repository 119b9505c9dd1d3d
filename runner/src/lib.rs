//! PostgreSQL migrations as sandboxed WebAssembly components.

pub mod db;
pub mod host;
pub mod policy;
pub mod revision;
