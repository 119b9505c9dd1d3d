//! Getting a plugin from where it is. A registry would be another arm here.

use std::path::Path;

use semver::Version;

use crate::revision::{Digest, PluginName};
use crate::source::artifact::{Artifact, append_sources, to_component};
use crate::source::build::{read_module, write_aside};
use crate::source::compile::{CompileOptions, Compiled, Crate, compile};
use crate::source::scan::crate_digest;
use crate::source::{ArtifactError, BuildStop, Project};

use super::layout::{Layout, Offer};
use super::{Metadata, Pin, PluginEntry, PluginError, PluginSource, Store};

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
        let noted = store.noted(&self.source_key(entry), name).into_iter().rev();
        let (version, digest) = noted.into_iter().find(|(version, _)| entry.takes(version))?;
        let artifact = store.get(digest)?;
        Some(Fetched { pin: Pin::Digest(digest), version: Some(version), artifact })
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
                store.note(&self.source_key(entry), name, version, digest).map_err(PluginError::Store)
            }
            None => Ok(()),
        }
    }

    /// The versions that a plugin's source has, oldest first; none of a source that
    /// has one only.
    pub fn plugin_versions(
        &self,
        name: &PluginName,
        source: &PluginSource,
    ) -> Result<Vec<Version>, PluginError> {
        match source {
            PluginSource::Path(_) => Ok(Vec::new()),
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
        let path = self.root.join(entry.source.path());
        match &entry.source {
            PluginSource::Path(_) if path.is_dir() => self.build_plugin(name, &path, stop),
            PluginSource::Path(_) => finished(&path),
            PluginSource::Layout(_) => from_layout(name, entry, &path, wanted),
        }
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
    fn source_key(&self, entry: &PluginEntry) -> std::path::PathBuf {
        let path = self.root.join(entry.source.path());
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
            path: path.to_owned(),
            known: near(name, names),
        });
    }
    let fits = |offer: &&&Offer| match wanted {
        Wanted::Newest => entry.takes(&offer.version),
        Wanted::Exactly(version) => offer.version == *version,
    };
    let Some(offer) = of_name.iter().rev().find(fits) else {
        let wanted = match wanted {
            Wanted::Newest => entry.wanted(),
            Wanted::Exactly(version) => format!("={version}"),
        };
        let known = of_name.iter().map(|offer| offer.version.clone()).collect();
        return Err(PluginError::NoVersion { name: name.clone(), path: path.to_owned(), wanted, known });
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
