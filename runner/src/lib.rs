//! PostgreSQL migrations as sandboxed WebAssembly components.
