//! Why a plugin cannot be used.

use std::io;
use std::path::PathBuf;

use semver::Version;

use crate::revision::{Digest, PluginName};
use crate::source::{ArtifactError, BuildError, BundleError, ScanError};

use super::{LockFileError, PluginRange, RegistryFault};

/// Why a plugin cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// runner.toml does not name it.
    #[error("there is no plugin `{name}` in [plugins] in runner.toml")]
    Undeclared {
        /// The name.
        name: PluginName,
        /// The plugins that there are, the most alike first.
        known: Vec<PluginName>,
    },
    /// It is there already.
    #[error("plugin `{0}` is in [plugins] in runner.toml already")]
    Declared(PluginName),
    /// The lock does not have it.
    #[error("plugin `{name}` from {from} is not in runner.lock")]
    NotLocked {
        /// The name.
        name: PluginName,
        /// Its source.
        from: String,
    },
    /// The lock has a version that runner.toml does not take.
    #[error("plugin `{name}` is locked at {locked}, and runner.toml asks for {wanted}")]
    NotWanted {
        /// The name.
        name: PluginName,
        /// The version of the lock.
        locked: Version,
        /// What runner.toml says.
        wanted: String,
    },
    /// The version that is there is not one that a revision asks for.
    #[error("{required}, and the one that is pinned is version {there}")]
    NotRequired {
        /// What is asked for.
        required: Box<PluginRange>,
        /// What there is.
        there: Version,
    },
    /// No version is one that all ask for.
    #[error(
        "no version of plugin `{name}` fits:\nrunner.toml asks for {wanted}\n{}\n{from} has {}",
        lines(required),
        list(known)
    )]
    Exclusive {
        /// The plugin.
        name: PluginName,
        /// What runner.toml asks for.
        wanted: String,
        /// What revisions ask for.
        required: Vec<PluginRange>,
        /// Its source.
        from: String,
        /// What that has, oldest first.
        known: Vec<Version>,
    },
    /// The lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockFileError),
    /// The lock would have to be changed.
    #[error("runner.lock would be changed, and `--locked` was given: {0}")]
    WouldChange(String),
    /// The bytes are not those of the lock.
    #[error("plugin `{name}` from {from} is not the one of runner.lock: its digest is {found}, not {locked}")]
    Digest {
        /// The name.
        name: PluginName,
        /// Where the bytes are from.
        from: String,
        /// What is there.
        found: Digest,
        /// What is pinned.
        locked: Digest,
    },
    /// A folder, which would have to be built, in the place of a component.
    #[error(
        "plugin `{name}` is pinned by the digest of its component {locked}, and {} is a folder",
        dir.display()
    )]
    Folder {
        /// The name.
        name: PluginName,
        /// The folder.
        dir: PathBuf,
        /// What is pinned.
        locked: Digest,
    },
    /// The sources are not those of the lock.
    #[error("the crate of plugin `{name}` ({}) was changed since it was locked", dir.display())]
    Sources {
        /// The name.
        name: PluginName,
        /// Its folder.
        dir: PathBuf,
    },
    /// It says something else than the lock does.
    #[error("plugin `{name}` has {what} {found}, and runner.lock says {locked}")]
    Misstated {
        /// The name.
        name: PluginName,
        /// Of which it is said.
        what: &'static str,
        /// What the component says.
        found: String,
        /// What the lock says.
        locked: String,
    },
    /// A component that calls itself something else.
    #[error("the component is called `{found}`, and not `{name}`")]
    OtherName {
        /// The name in runner.toml.
        name: PluginName,
        /// The component's own.
        found: String,
    },
    /// A component of another version than its source says.
    #[error("{origin} is announced as version {announced} of `{name}`, and says that it is {found}")]
    OtherVersion {
        /// The plugin.
        name: PluginName,
        /// Where the component is from.
        origin: String,
        /// What its source says.
        announced: Box<Version>,
        /// What it says itself.
        found: Box<Version>,
    },
    /// Its version is none.
    #[error("plugin `{name}` says that it is version `{found}`, which is no version: {reason}")]
    Version {
        /// The plugin.
        name: PluginName,
        /// What it says.
        found: String,
        /// Why it is none.
        reason: String,
    },
    /// There is nothing at its path.
    #[error("{} is neither the folder of a crate nor a component", .0.display())]
    NoSource(PathBuf),
    /// A layout or a file of one cannot be used.
    #[error("the layout {} cannot be used", path.display())]
    Layout {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: LayoutFault,
    },
    /// A registry that cannot be used, or something in it.
    #[error("the registry {address} cannot be used")]
    Registry {
        /// Which.
        address: String,
        /// What is wrong with it.
        #[source]
        fault: RegistryFault,
    },
    /// A registry that may not be asked.
    #[error("plugin `{name}`{} from {address} is not in the store, and no network may be used", of(version.as_deref()))]
    Offline {
        /// The name.
        name: PluginName,
        /// The version, where one is wanted.
        version: Option<Box<Version>>,
        /// The registry.
        address: String,
    },
    /// No registry, where one is needed.
    #[error("no registry is named for plugin `{0}`, and there is no default one")]
    NoRegistry(PluginName),
    /// A source without this plugin.
    #[error("{from} has no plugin `{name}`")]
    NotOffered {
        /// The name.
        name: PluginName,
        /// The layout or the registry.
        from: String,
        /// What it has, the most alike first.
        known: Vec<PluginName>,
    },
    /// A source without a version that may be used.
    #[error("{from} has no version of `{name}` that is {wanted}")]
    NoVersion {
        /// The name.
        name: PluginName,
        /// The layout or the registry.
        from: String,
        /// What runner.toml or the lock asks for.
        wanted: String,
        /// What it has, oldest first.
        known: Vec<Version>,
    },
    /// A bundle that cannot be used as a layout.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A crate that does not compile.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A component that cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// Its sources cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The store cannot be written.
    #[error("the store of plugins cannot be written")]
    Store(#[source] io::Error),
    /// runner.toml cannot be changed.
    #[error("{} cannot be changed: {reason}", path.display())]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl PluginError {
    /// Whether what is there is not what the lock says, and not only missing.
    pub(super) fn is_misfit(&self) -> bool {
        matches!(self, Self::Digest { .. } | Self::Folder { .. } | Self::Sources { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Undeclared { name, known } | Self::NotOffered { name, known, .. } => match known.as_slice()
            {
                [] if matches!(self, Self::NotOffered { .. }) => return None,
                [] => format!(
                    "Add it with `runner plugin add {name}`, and `--registry HOST/NAMESPACE`, `--layout DIR` or \
                     `--path DIR`."
                ),
                [near, ..] if strsim::jaro_winkler(name.as_str(), near.as_str()) >= 0.75 => {
                    format!("Did you mean `{near}`?")
                }
                known => format!("There are: {}.", list(known)),
            },
            Self::Declared(name) => {
                format!("`runner plugin update {name}` looks for a newer version; or edit the entry.")
            }
            Self::NotLocked { name, .. } | Self::NotWanted { name, .. } => {
                format!("Run `runner plugin update {name}`, and commit runner.lock.")
            }
            Self::NotRequired { required, .. } => format!(
                "Run `runner plugin update {}`, which looks for a version that fits all that ask for one, and \
                 commit runner.lock.",
                required.name
            ),
            Self::Exclusive { .. } => {
                "Widen a range of a revision that is not applied anywhere yet, or the one in runner.toml."
                    .into()
            }
            Self::Lock(LockFileError::Conflict { .. }) => {
                "Keep the [[plugin]] blocks of both sides and delete the marks; \
                of two blocks of one plugin keep one, and run `runner plugin update NAME`."
                    .into()
            }
            Self::Lock(LockFileError::Invalid(error)) => error.hint.clone().unwrap_or_else(|| {
                "Restore the file from version control; or delete the block, and run `runner plugin update \
                 NAME`, which writes it anew."
                    .into()
            }),
            Self::WouldChange(_) => "Run the command without `--locked`, and commit runner.lock.".into(),
            Self::Digest { name, .. } => format!(
                "Somebody put other bytes in its place. If that is meant, look at what it asks for with \
                 `runner plugin update {name}`; if not, find out who did it."
            ),
            Self::Folder { name, .. } | Self::Sources { name, .. } | Self::Misstated { name, .. } => {
                format!("If that is meant, run `runner plugin update {name}`, and commit runner.lock.")
            }
            Self::NoVersion { known, .. } => match known.as_slice() {
                [] => return None,
                known => format!("It has: {}.", list(known)),
            },
            Self::OtherName { found, .. } => format!("Name it `{found}` in [plugins] in runner.toml."),
            Self::Version { .. } => "A version is three numbers, as in 1.2.0.".into(),
            Self::NoSource(_) => "A crate has a Cargo.toml; a component is a file that ends in .wasm.".into(),
            Self::Layout { fault, .. } => return fault.hint().map(str::to_owned),
            Self::Registry { fault, .. } => return fault.hint(),
            Self::Offline { .. } => "Run `runner build` once where there is a network: it fills the store.".into(),
            Self::NoRegistry(_) => {
                "Name it once in runner.toml, as in `[registry]` and `default = \"registry.example.org/team\"`."
                    .into()
            }
            Self::Build(error) => return error.hint().map(str::to_owned),
            Self::Lock(_)
            | Self::OtherVersion { .. }
            | Self::Bundle(_)
            | Self::Artifact(_)
            | Self::Scan(_)
            | Self::Store(_)
            | Self::Edit { .. } => return None,
        })
    }
}

fn of(version: Option<&Version>) -> String {
    version.map(|version| format!(" {version}")).unwrap_or_default()
}

fn lines(items: &[impl std::fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn list(items: &[impl std::fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What is wrong with a layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutFault {
    /// A file of it cannot be read.
    #[error("{entry} cannot be read")]
    Unreadable {
        /// The file.
        entry: String,
        /// Why.
        source: io::Error,
    },
    /// A file of it cannot be written.
    #[error("{entry} cannot be written")]
    Unwritable {
        /// The file.
        entry: String,
        /// Why.
        source: io::Error,
    },
    /// A file of it is larger than what is read.
    #[error("{entry} has more than {} MiB", most >> 20)]
    TooLarge {
        /// The file.
        entry: String,
        /// The most bytes.
        most: u64,
    },
    /// There is no layout.
    #[error("it holds no {0}, so it is no image layout")]
    NotALayout(&'static str),
    /// The archive is none.
    #[error(transparent)]
    Archive(#[from] crate::source::BundleFault),
    /// JSON that is not what it should be.
    #[error("{entry} cannot be understood")]
    Json {
        /// The file.
        entry: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The layout is of a version that we do not know.
    #[error("its layout has version {0}; this runner reads 1.0.0")]
    Version(String),
    /// A blob that is named and not there.
    #[error("it lacks {entry} ({what})")]
    Missing {
        /// The file.
        entry: String,
        /// What it is.
        what: String,
    },
    /// A blob is not as long as it should be.
    #[error("{entry} ({what}) is truncated: it has {found} bytes of {expected}")]
    Truncated {
        /// The file.
        entry: String,
        /// What it is.
        what: String,
        /// Its length.
        found: u64,
        /// What was announced.
        expected: u64,
    },
    /// A blob is longer than it should be, or is not what its name says.
    #[error("{entry} ({what}) was changed: its digest is {found}")]
    Changed {
        /// The file.
        entry: String,
        /// What it is.
        what: String,
        /// The digest of what is there.
        found: Digest,
    },
    /// The same version with other bytes.
    #[error("{name} {version} is there already, with other bytes")]
    Published {
        /// The plugin.
        name: PluginName,
        /// Its version.
        version: Version,
    },
    /// It is a file, and what is written is a folder.
    #[error("it is a file; a plugin is published to a folder")]
    NotAFolder,
}

impl LayoutFault {
    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotALayout(_) | Self::Archive(_) => {
                "A layout is a folder, or a tar file, that `runner plugin publish --layout`, `runner bundle` or \
                 `oras copy --to-oci-layout` made."
            }
            Self::Truncated { .. } | Self::Changed { .. } | Self::Missing { .. } => {
                "Nothing was changed. Copy the layout again from where it was made."
            }
            Self::Published { .. } => "A version is published once: raise `version` in Cargo.toml.",
            _ => return None,
        })
    }
}
