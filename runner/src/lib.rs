//! PostgreSQL migrations as sandboxed WebAssembly components.

pub mod db;
pub mod policy;
