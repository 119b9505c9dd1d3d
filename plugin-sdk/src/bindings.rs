//! What `wit-bindgen` makes of the interface `runner:migration@0.1.1`.
//!
//! Generated once, here, so that a migration crate needs neither the interface's
//! files nor `wit-bindgen`. Use it where the wrappers of this crate are in the
//! way; natively every call of it is unreachable, so nothing that goes around
//! the wrappers can be tested with the [mock](crate::mock).

#![allow(missing_docs, reason = "the generator leaves modules without documentation")]

wit_bindgen::generate!({
    path: "../wit/0.1.1",
    world: "plugin",
    pub_export_macro: true,
    runtime_path: "::plugin_sdk::__private::wit_bindgen::rt",
    additional_derives: [PartialEq],
});

pub use self::exports::runner::migration::migration;
pub use self::runner::migration::{host, sql, types};
