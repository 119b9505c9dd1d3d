//! What is wrong with a registry, or with what it has.

use std::path::PathBuf;

use semver::Version;

use crate::revision::{Digest, PluginName};
use crate::source::PluginError;

use super::RegistryAddress;

/// What is wrong with a registry. None of the texts holds credentials.
#[derive(Debug, thiserror::Error)]
pub enum RegistryFault {
    /// It may not be asked.
    #[error("no network may be used (`--offline`)")]
    Offline,
    /// There is no connection.
    #[error("it does not answer: {reason}")]
    Unreachable {
        /// What the network says.
        reason: String,
        /// Whether TLS was spoken.
        tls: bool,
    },
    /// It knows whoever asks, and does not believe it.
    #[error("it refuses the credentials for {host} in {}", file.display())]
    Refused {
        /// The host, with its port.
        host: String,
        /// Where they are kept.
        file: PathBuf,
    },
    /// It wants to know who asks.
    #[error("it wants credentials, and there are none for {host}")]
    NoCredentials {
        /// The host, with its port.
        host: String,
    },
    /// It does not let whoever asks do that.
    #[error("it does not allow that: {0}")]
    Denied(String),
    /// Credentials that cannot be used.
    #[error("the credentials for {host} in {} cannot be used: {reason}", file.display())]
    Credentials {
        /// The host, with its port.
        host: String,
        /// Where they are kept.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// It says that it cannot.
    #[error("it answers: {0}")]
    Answer(String),
    /// Something that is not what it should be.
    #[error("{what} cannot be understood: {reason}")]
    Malformed {
        /// What it is.
        what: String,
        /// Why not.
        reason: String,
    },
    /// More bytes than a plugin has.
    #[error("{what} has {size} bytes, and a plugin may have {most}")]
    TooLarge {
        /// What it is.
        what: String,
        /// Its length in bytes.
        size: u64,
        /// The most that there may be.
        most: u64,
    },
    /// A layer that is not as long as it should be.
    #[error("{what} is truncated: there are {found} bytes of {expected}")]
    Truncated {
        /// What it is.
        what: String,
        /// Its length in bytes.
        found: u64,
        /// What was announced.
        expected: u64,
    },
    /// Something that is not what its digest says.
    #[error("{what} was changed: it is not {expected}")]
    Changed {
        /// What it is.
        what: String,
        /// What it should be.
        expected: Digest,
    },
    /// An artifact of another kind.
    #[error("{what} is no WebAssembly component: {found}")]
    NoComponent {
        /// What it is.
        what: String,
        /// What it has.
        found: String,
    },
    /// The same version with other bytes.
    #[error("{name} {version} is there already, with other bytes")]
    Published {
        /// The plugin.
        name: PluginName,
        /// Its version.
        version: Version,
    },
    /// Somebody stopped it.
    #[error("it was stopped")]
    Stopped,
    /// The machine does not let us ask.
    #[error("no client can be made: {0}")]
    Client(String),
}

impl RegistryFault {
    /// The error about a registry.
    pub(in crate::source::plugins) fn of(self, address: &RegistryAddress) -> PluginError {
        PluginError::Registry { address: address.to_string(), fault: self }
    }

    /// What to do about it.
    pub(in crate::source::plugins) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreachable { tls: true, .. } => {
                "Nothing was changed. A registry that speaks plain HTTP has to be named in `insecure` of \
                 [registry] in runner.toml."
                    .into()
            }
            Self::Unreachable { tls: false, .. } => {
                "Nothing was changed. What the store or a layout has needs no registry.".into()
            }
            Self::Refused { host, .. } | Self::NoCredentials { host } | Self::Credentials { host, .. } => {
                format!("Log in with `docker login {host}`, `podman login {host}` or `oras login {host}`.")
            }
            Self::Truncated { .. } | Self::Changed { .. } => {
                "Nothing was changed. The registry is damaged, or somebody changed it.".into()
            }
            Self::NoComponent { .. } => {
                "A plugin is what `runner plugin publish` pushes: one layer of type application/wasm.".into()
            }
            Self::Published { .. } => "A version is published once: raise `version` in Cargo.toml.".into(),
            _ => return None,
        })
    }
}
