//! Write migrations for `runner` in Rust.
