//! Getting a plugin from where it is.

use std::path::Path;

use semver::Version;

use crate::revision::{Digest, PluginName};
use crate::source::artifact::{Artifact, append_sources, to_component};
use crate::source::build::{read_module, write_aside};
use crate::source::compile::{CompileOptions, Compiled, Crate, compile};
use crate::source::scan::crate_digest;
use crate::source::{ArtifactError, BuildStop, Project};

use super::layout::{Layout, Offer};
use super::registry::{Pulled, Repository, Sought};
use super::{Metadata, Pin, PluginEntry, PluginError, PluginSource, RegistryAddress, Store};

/// A plugin that was got, and that nobody has looked at yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// The component.
    pub artifact: Artifact,
    /// What it is to be pinned by.
    pub pin: Pin,
    /// The version that the source announced, if it did.
    pub version: Option<Version>,
}

/// Which versions of a plugin are wanted from a source.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// The newest that the entry takes.
    Newest,
    /// One.
    Exactly(&'a Version),
}

impl Wanted<'_> {
    /// As people write it.
    fn told(self, entry: &PluginEntry) -> String {
        match self {
            Self::Newest => entry.wanted(),
            Self::Exactly(version) => format!("={version}"),
        }
    }
}

impl Project {
    /// Gets the newest version of a plugin that its entry takes.
    pub fn fetch_plugin(&self, name: &PluginName, entry: &PluginEntry) -> Result<Fetched, PluginError> {
        self.fetch_plugin_until(name, entry, &BuildStop::default())
    }

    /// The same, until somebody stops it.
    pub fn fetch_plugin_until(
        &self,
        name: &PluginName,
        entry: &PluginEntry,
        stop: &BuildStop,
    ) -> Result<Fetched, PluginError> {
        self.fetch(name, entry, Wanted::Newest, stop)
    }

    /// The newest version that the store has from the entry's source and that the
    /// entry takes; the source itself is not looked at.
    pub fn plugin_in_store(&self, name: &PluginName, entry: &PluginEntry) -> Option<Fetched> {
        let store = self.store();
        let noted = store.noted(&self.source_key(&entry.source), name);
        let newest = entry.newest(noted.iter().map(|(version, _)| version))?;
        let (version, digest) = noted.iter().find(|(version, _)| version == newest)?;
        let artifact = store.get(*digest)?;
        Some(Fetched { pin: Pin::Digest(*digest), version: Some(version.clone()), artifact })
    }

    /// Keeps a plugin that was looked at, and notes which version it is.
    pub fn keep_plugin(
        &self,
        name: &PluginName,
        entry: &PluginEntry,
        fetched: &Fetched,
    ) -> Result<(), PluginError> {
        let store = self.store();
        // A crate is compiled anew where it is needed.
        let Pin::Digest(digest) = fetched.pin else { return Ok(()) };
        store.put(&fetched.artifact).map_err(PluginError::Store)?;
        match &fetched.version {
            Some(version) => {
                store.note(&self.source_key(&entry.source), name, version, digest).map_err(PluginError::Store)
            }
            None => Ok(()),
        }
    }

    /// The versions that a plugin's source has, oldest first; none of a source that
    /// has one only. Where no network may be used, those of a registry are the ones
    /// that the store knows.
    pub fn plugin_versions(
        &self,
        name: &PluginName,
        source: &PluginSource,
        stop: &BuildStop,
    ) -> Result<Vec<Version>, PluginError> {
        match source {
            PluginSource::Registry(address) if !self.access.offline => {
                let versions = self.repository(address, name).versions(stop);
                match versions.map_err(|fault| fault.of(address))? {
                    Sought::Found(known) | Sought::NoVersion(known) => Ok(known),
                    Sought::NoPlugin(_) => Ok(Vec::new()),
                }
            }
            PluginSource::Registry(_) => {
                let noted = self.store().noted(&self.source_key(source), name);
                Ok(noted.into_iter().map(|(version, _)| version).collect())
            }
            PluginSource::Path(_) | PluginSource::DefaultRegistry => Ok(Vec::new()),
            PluginSource::Layout(path) => {
                let offers = Layout::open(&self.root.join(path))?.offers()?;
                Ok(offers
                    .into_iter()
                    .filter(|offer| offer.name == *name)
                    .map(|offer| offer.version)
                    .collect())
            }
        }
    }

    pub(super) fn fetch(
        &self,
        name: &PluginName,
        entry: &PluginEntry,
        wanted: Wanted<'_>,
        stop: &BuildStop,
    ) -> Result<Fetched, PluginError> {
        match &entry.source {
            PluginSource::Path(path) => match self.root.join(path) {
                dir if dir.is_dir() => self.build_plugin(name, &dir, stop),
                path => finished(&path),
            },
            PluginSource::Layout(path) => from_layout(name, entry, &self.root.join(path), wanted),
            PluginSource::Registry(address) => self.pull_plugin(name, entry, address, wanted, stop),
            PluginSource::DefaultRegistry => Err(PluginError::NoRegistry(name.clone())),
        }
    }

    fn pull_plugin(
        &self,
        name: &PluginName,
        entry: &PluginEntry,
        address: &RegistryAddress,
        wanted: Wanted<'_>,
        stop: &BuildStop,
    ) -> Result<Fetched, PluginError> {
        if self.access.offline {
            let version = match wanted {
                Wanted::Newest => None,
                Wanted::Exactly(version) => Some(Box::new(version.clone())),
            };
            return Err(PluginError::Offline { name: name.clone(), version, address: address.to_string() });
        }
        let repository = self.repository(address, name);
        let sought = match wanted {
            Wanted::Newest => repository.newest(|known| entry.newest(known.iter()).cloned(), stop),
            Wanted::Exactly(version) => repository.exactly(version, stop),
        };
        let sought = sought.map_err(|fault| fault.of(address))?;
        let from = address.to_string();
        match sought {
            Sought::Found(Pulled { version, component }) => {
                let artifact = Artifact::new(component, format!("{name} {version} of {address}"));
                Ok(Fetched { pin: Pin::Digest(artifact.digest), artifact, version: Some(version) })
            }
            Sought::NoVersion(known) => {
                let wanted = wanted.told(entry);
                Err(PluginError::NoVersion { name: name.clone(), from, wanted, known })
            }
            Sought::NoPlugin(known) => {
                Err(PluginError::NotOffered { name: name.clone(), from, known: near(name, known) })
            }
        }
    }

    /// The repository of a plugin.
    pub(super) fn repository<'a>(
        &'a self,
        address: &'a RegistryAddress,
        name: &'a PluginName,
    ) -> Repository<'a> {
        Repository::new(address, name, &self.config.registry, &self.access.auth_files)
    }

    /// Builds a plugin's crate.
    fn build_plugin(&self, name: &PluginName, dir: &Path, stop: &BuildStop) -> Result<Fetched, PluginError> {
        if !dir.join("Cargo.toml").is_file() {
            return Err(PluginError::NoSource(dir.to_owned()));
        }
        let sources = crate_digest(dir)?;
        let path = self.built_plugin(name);
        let built = Crate { dir: dir.to_owned(), of: format!("plugin `{name}`") };
        let target_dir = self.target_dir();
        let target_dir = (!self.access.in_cargo_target).then_some(target_dir.as_path());
        let options = CompileOptions { target_dir, offline: self.access.offline, stop };
        let compiled = compile(&[built], options)?;
        let compiled = compiled.first().expect("each crate that is compiled has a module");
        let component = finish(name, compiled, sources)?;
        write_aside(&path, &component).map_err(|source| ArtifactError::Io { path: path.clone(), source })?;
        let version = compiled.package.version.parse().ok();
        let artifact = Artifact::new(component, path.display().to_string());
        Ok(Fetched { artifact, pin: Pin::Sources(sources), version })
    }

    /// The store that this project uses.
    pub(super) fn store(&self) -> Store {
        Store::new(self.access.store.clone().unwrap_or_else(|| self.root.join(".runner/plugins")))
    }

    /// What the store knows a source by: two projects with the same layout name it
    /// by different relative paths.
    fn source_key(&self, source: &PluginSource) -> std::path::PathBuf {
        let Some(path) = source.path().map(|path| self.root.join(path)) else {
            return source.to_string().into();
        };
        path.canonicalize().or_else(|_| std::path::absolute(&path)).unwrap_or(path)
    }
}

/// Encodes a plugin's module, with what its Cargo.toml says about it and the
/// digest of its sources.
fn finish(name: &PluginName, compiled: &Compiled, sources: Digest) -> Result<Vec<u8>, ArtifactError> {
    let mut component = to_component(&read_module(compiled)?, &format!("plugin `{name}`"))?;
    Metadata::of_package(&compiled.package).append_to(&mut component);
    append_sources(&mut component, sources);
    Ok(component)
}

fn finished(path: &Path) -> Result<Fetched, PluginError> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => PluginError::NoSource(path.to_owned()),
        _ => ArtifactError::Io { path: path.to_owned(), source: error }.into(),
    })?;
    let artifact = Artifact::new(bytes, path.display().to_string());
    Ok(Fetched { pin: Pin::Digest(artifact.digest), artifact, version: None })
}

fn from_layout(
    name: &PluginName,
    entry: &PluginEntry,
    path: &Path,
    wanted: Wanted<'_>,
) -> Result<Fetched, PluginError> {
    let layout = Layout::open(path)?;
    let offers = layout.offers()?;
    let of_name: Vec<&Offer> = offers.iter().filter(|offer| offer.name == *name).collect();
    if of_name.is_empty() {
        let names = offers.iter().map(|offer| offer.name.clone()).collect();
        return Err(PluginError::NotOffered {
            name: name.clone(),
            from: path.display().to_string(),
            known: near(name, names),
        });
    }
    let chosen = match wanted {
        Wanted::Newest => entry.newest(of_name.iter().map(|offer| &offer.version)),
        Wanted::Exactly(version) => Some(version),
    };
    let Some(offer) = of_name.iter().rev().find(|offer| Some(&offer.version) == chosen) else {
        let (from, wanted) = (path.display().to_string(), wanted.told(entry));
        let known = of_name.iter().map(|offer| offer.version.clone()).collect();
        return Err(PluginError::NoVersion { name: name.clone(), from, wanted, known });
    };
    let origin = format!("{} {} in {}", offer.name, offer.version, path.display());
    let artifact = Artifact::new(layout.component(offer)?, origin);
    Ok(Fetched { pin: Pin::Digest(artifact.digest), artifact, version: Some(offer.version.clone()) })
}

/// Names, the most alike first, each once.
pub(super) fn near(name: &PluginName, mut names: Vec<PluginName>) -> Vec<PluginName> {
    let likeness = |other: &PluginName| strsim::jaro_winkler(name.as_str(), other.as_str());
    names.sort();
    names.dedup();
    names.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    names
}
