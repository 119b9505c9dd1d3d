//! Plugins: components that several projects share.
//!
//! `[plugins]` in `runner.toml` says where each is from (`declared`), and
//! `runner.lock` which one it is (`lock`). A `layout` offers them, a `store` keeps
//! their bytes by digest, and `pinned` brings all of it together: what it returns
//! is what the lock says, or nothing. `publish` writes them, and `exclusive` keeps
//! two processes from changing the same file.
//!
//! A `registry` has them too, and is the only place where the network is used.
//!
//! Runs no component and reads no environment.

mod declared;
mod edit;
mod error;
mod exclusive;
mod fetch;
mod layout;
mod lock;
mod metadata;
mod new_plugin;
mod pinned;
mod publish;
mod registry;
mod required;
mod store;
mod usage;

pub use declared::{PluginEntry, PluginSource, newest_version};
pub use edit::{with_plugin, without_plugin};
pub use error::{LayoutFault, PluginError};
pub use exclusive::Exclusive;
pub use fetch::Fetched;
pub(super) use layout::Offer;
pub use lock::{LOCK_FILE, Lock, LockFileError, Locked, Pin};
pub use metadata::Metadata;
pub use new_plugin::new_plugin;
pub use pinned::{Access, BuiltPlugin, PluginFiles, build_plugins};
pub use publish::{Destination, Publication, publish};
pub use registry::{RegistryAddress, RegistryAddressError, RegistryConfig, RegistryFault};
pub use required::PluginRange;
pub use store::Store;
pub use usage::{Parameter, usage};
