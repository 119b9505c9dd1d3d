//! Derive macros of `plugin-sdk`.
