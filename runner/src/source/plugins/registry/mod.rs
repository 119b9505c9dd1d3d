//! Registries as the Open Container Initiative specifies them ("OCI Distribution
//! Specification", 1.1): plugins are pulled from them and pushed to them.
//!
//! `address` says which registry, `credentials` who asks, `client` how; `pull` and
//! `push` are what is done there. Nothing here writes to the disk: what was pulled
//! is compared with its digest first, and looked at by whoever asked for it.

mod address;
mod client;
mod credentials;
mod fault;
mod pull;
mod push;

pub use address::{RegistryAddress, RegistryAddressError, RegistryConfig};
pub use fault::RegistryFault;

pub(super) use client::Repository;
pub(super) use pull::{Pulled, Sought};
pub(super) use push::Push;
