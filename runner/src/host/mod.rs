//! The component host: checks, compiles and runs migration components.
//!
//! The only place that names wasmtime. It lends a component the transaction of
//! a [`Session`](crate::db::Session) for the length of one call, converts
//! values in both directions without loss, and holds the guest to the
//! [`Limits`]. It never begins, commits or rolls back the transaction: that is
//! the executor's, which reads the [`Report`] and decides.
//!
//! Everything that a component gives (bytes, texts, numbers, handles) is
//! guest-controlled and is treated as hostile.

mod ahead;
mod apply;
mod bindings;
mod cache;
mod call;
mod clock;
mod compile;
mod component;
mod convert;
mod data;
mod describe;
mod engine;
mod error;
mod host_api;
mod inspect;
mod large;
mod limits;
mod memory;
mod meter;
mod reader;
mod redact;
mod report;
mod rewrite;
mod savepoint;
mod service;
mod staged;
mod state;
mod statements;
#[cfg(test)]
mod tests;
mod transaction;
mod trap;
mod work;
mod writer;

pub use call::{Call, Grants, LogLevel, Progress, Sink};
pub use compile::{Compiler, compile_child_main};
pub use component::Component;
pub use data::DataConfig;
pub use describe::{CapabilityRequest, Description};
pub use error::{CallError, Constraint, HostError, LoadError};
pub use inspect::{INTERFACE_VERSION, Interface};
pub use limits::Limits;
pub use report::{FailedStatement, GuestError, Report, StatementError, Stats};
pub use service::{Host, HostConfig};
pub(crate) use work::is_tag;
