//! What runner.toml and runner.lock together say, and the bytes that they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::revision::{Digest, Kind, PluginName};
use crate::source::artifact::{Artifact, load_built};
use crate::source::build::write_aside;
use crate::source::config::{Settings, read};
use crate::source::scan::crate_digest;
use crate::source::{BuildStop, ConfigError, Found, Project};

use super::fetch::{Fetched, Wanted, near};
use super::{Exclusive, LOCK_FILE, Lock, LockFileError, Locked, Pin, PluginEntry, PluginError, PluginSource};

/// How a project may get at what is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The store of plugins; without one it is a folder of the project's own.
    pub store: Option<PathBuf>,
    /// Whether nothing may be asked over a network, as by cargo for a crate.
    pub offline: bool,
    /// Files that may hold credentials for registries, as docker and podman write
    /// them; the first one that has some is used.
    pub auth_files: Vec<PathBuf>,
    /// Whether crates of plugins are compiled in the target folder of their own
    /// workspace, rather than in that of the project.
    pub in_cargo_target: bool,
}

/// What a change of the plugins does to the project's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFiles {
    /// The new text of runner.toml, if it is to be another one.
    pub settings: Option<String>,
    /// The new lock.
    pub lock: Lock,
}

/// A plugin's crate that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltPlugin {
    /// The plugin.
    pub name: PluginName,
    /// Where its component is.
    pub path: PathBuf,
}

/// Builds the crates of the plugins that run some revisions, where they are not
/// built from the sources of the lock. What is wrong with a plugin otherwise is
/// found when its revisions are prepared.
pub fn build_plugins(
    project: &Project,
    revisions: &[Found],
    stop: &BuildStop,
) -> Result<Vec<BuiltPlugin>, PluginError> {
    let names = revisions.iter().filter_map(|found| found.manifest.plugin.as_ref());
    let names: BTreeSet<&PluginName> = names.map(|plugin| &plugin.name).collect();
    let mut built = Vec::new();
    for name in names {
        if matches!(project.plugin_artifact(name), Ok(None)) {
            let (entry, _) = project.pinned_plugin(name)?;
            project.fetch_plugin_until(name, entry, stop)?;
            built.push(BuiltPlugin { name: name.clone(), path: project.built_plugin(name) });
        }
    }
    Ok(built)
}

impl Project {
    /// Whether nothing may be asked over a network.
    pub fn is_offline(&self) -> bool {
        self.access.offline
    }

    /// With what it may use outside of itself.
    pub fn with_access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// A plugin's entry in runner.toml.
    pub fn plugin_entry(&self, name: &PluginName) -> Result<&PluginEntry, PluginError> {
        self.config.plugins.get(name).ok_or_else(|| {
            let known = near(name, self.config.plugins.keys().cloned().collect());
            PluginError::Undeclared { name: name.clone(), known }
        })
    }

    /// A plugin's entry in runner.toml, and the one in runner.lock that fits it.
    pub fn pinned_plugin(&self, name: &PluginName) -> Result<(&PluginEntry, Locked), PluginError> {
        let entry = self.plugin_entry(name)?;
        let lock = Lock::load(&self.root)?;
        let from = entry.source.to_string();
        let Some(locked) = lock.get(name, &from) else {
            return Err(PluginError::NotLocked { name: name.clone(), from });
        };
        match entry.takes(&locked.version) {
            true => Ok((entry, locked.clone())),
            false => Err(PluginError::NotWanted {
                name: name.clone(),
                locked: locked.version.clone(),
                wanted: entry.wanted(),
            }),
        }
    }

    /// The component that the lock means, from the store or else from its source;
    /// none if it has to be built first.
    pub fn plugin_artifact(&self, name: &PluginName) -> Result<Option<Artifact>, PluginError> {
        self.plugin_artifact_until(name, &BuildStop::default())
    }

    /// Gets plugins from their registries, where the store does not have them, until
    /// somebody stops it. What is wrong with other plugins is found when their
    /// revisions are prepared.
    pub fn pull_plugins(&self, names: &BTreeSet<PluginName>, stop: &BuildStop) -> Result<(), PluginError> {
        if self.is_bundle() {
            return Ok(());
        }
        for name in names.iter().filter(|name| self.plugin_is_remote(name)) {
            self.plugin_artifact_until(name, stop)?;
        }
        Ok(())
    }

    /// Whether a plugin is from a registry.
    pub fn is_of_registry(&self, name: &PluginName) -> bool {
        let entry = self.config.plugins.get(name);
        entry.is_some_and(|entry| matches!(entry.source, PluginSource::Registry(_)))
    }

    /// Whether the component of a plugin is in a registry only.
    fn plugin_is_remote(&self, name: &PluginName) -> bool {
        match self.pinned_plugin(name) {
            Ok((PluginEntry { source: PluginSource::Registry(_), .. }, locked)) => match locked.pin() {
                Pin::Digest(digest) => self.store().get(digest).is_none(),
                Pin::Sources(_) => false,
            },
            _ => false,
        }
    }

    /// The same as [`Self::plugin_artifact`], until somebody stops it.
    pub fn plugin_artifact_until(
        &self,
        name: &PluginName,
        stop: &BuildStop,
    ) -> Result<Option<Artifact>, PluginError> {
        let (entry, locked) = self.pinned_plugin(name)?;
        match locked.pin() {
            Pin::Digest(digest) => {
                if let Some(artifact) = self.store().get(digest) {
                    return Ok(Some(artifact));
                }
                self.refuse_folder(name, entry, digest)?;
                let fetched = self.fetch(name, entry, Wanted::Exactly(&locked.version), stop)?;
                let found = fetched.artifact.digest;
                if found != digest {
                    let from = entry.source.to_string();
                    return Err(PluginError::Digest { name: name.clone(), from, found, locked: digest });
                }
                let fetched = Fetched { version: Some(locked.version), ..fetched };
                // The bytes are the right ones, kept or not.
                if let Err(error) = self.keep_plugin(name, entry, &fetched) {
                    tracing::warn!(error = &error as &dyn std::error::Error, "plugin `{name}` is not kept");
                }
                Ok(Some(fetched.artifact))
            }
            Pin::Sources(sources) => {
                let Some(dir) = entry.source.path().map(|path| self.root.join(path)) else {
                    let from = entry.source.to_string();
                    return Err(PluginError::NotLocked { name: name.clone(), from });
                };
                if !dir.is_dir() {
                    return Err(PluginError::NoSource(dir));
                }
                match crate_digest(&dir)? == sources {
                    true => Ok(load_built(&self.built_plugin(name), sources)?),
                    false => Err(PluginError::Sources { name: name.clone(), dir }),
                }
            }
        }
    }

    /// Fails if what would be read as a component is a folder: the crate in it would be
    /// compiled, and its build script run, though the lock does not mean it.
    fn refuse_folder(
        &self,
        name: &PluginName,
        entry: &PluginEntry,
        locked: Digest,
    ) -> Result<(), PluginError> {
        let PluginSource::Path(path) = &entry.source else { return Ok(()) };
        let dir = self.root.join(path);
        match dir.is_dir() {
            true => Err(PluginError::Folder { name: name.clone(), dir, locked }),
            false => Ok(()),
        }
    }

    /// Where the component of a plugin's crate is kept. No package of revisions is
    /// called so.
    pub(super) fn built_plugin(&self, name: &PluginName) -> PathBuf {
        self.components_dir().join("@plugins").join(format!("{name}.wasm"))
    }

    /// All entries of runner.toml, those of named sections too.
    pub(super) fn all_plugin_entries(
        &self,
        settings: &str,
    ) -> Result<Vec<(PluginName, PluginEntry)>, ConfigError> {
        let base = Settings::parse(&self.file, settings)?;
        let named = base.table.get("named").and_then(toml::Value::as_table);
        let sections: Vec<Option<String>> = std::iter::once(None)
            .chain(named.into_iter().flat_map(toml::Table::keys).cloned().map(Some))
            .collect();
        let mut entries = Vec::new();
        for section in sections {
            let (config, _) = Settings::parse(&self.file, settings)?.choose(section.as_deref())?;
            entries.extend(config.plugins);
        }
        Ok(entries)
    }

    /// Keeps other processes from changing the plugins, from before the files are
    /// read until they are written.
    pub fn alone_with_plugins(&self) -> Result<Exclusive, PluginError> {
        let path = self.root.join(".runner/lock");
        Exclusive::on(&path).map_err(|source| LockFileError::Io { path, source }.into())
    }

    /// Writes runner.lock, and runner.toml if it changed: both or neither. What
    /// no section of runner.toml declares any more is left out of the lock.
    pub fn write_plugin_files(&self, mut files: PluginFiles) -> Result<(), ConfigError> {
        let before = read(&self.file)?;
        let settings = files.settings.as_deref().unwrap_or(&before);
        let declared: BTreeMap<(PluginName, String), ()> = self
            .all_plugin_entries(settings)?
            .into_iter()
            .map(|(name, entry)| ((name, entry.source.to_string()), ()))
            .collect();
        files.lock.retain(|locked| declared.contains_key(&(locked.name.clone(), locked.source.clone())));
        let unwritable = |path: PathBuf| move |source| ConfigError::Lock(LockFileError::Io { path, source });
        let path = self.root.join(LOCK_FILE);
        let old = std::fs::read_to_string(&path).ok();
        let new = files.lock.to_text();
        if old.as_deref() != Some(&new) {
            write_aside(&path, new.as_bytes()).map_err(unwritable(path.clone()))?;
        }
        let Some(settings) = files.settings.filter(|settings| *settings != before) else {
            return Ok(());
        };
        write_aside(&self.file, settings.as_bytes()).map_err(|error| {
            // The lock as it was; that it fails too matters less.
            let _ = match &old {
                Some(old) => write_aside(&path, old.as_bytes()),
                None => std::fs::remove_file(&path),
            };
            unwritable(self.file.clone())(error)
        })
    }
}

impl Found {
    /// The plugin that runs it, for kind `plugin`.
    pub fn plugin(&self) -> Option<&PluginName> {
        let plugin = self.manifest.plugin.as_ref().filter(|_| self.manifest.kind == Kind::Plugin);
        plugin.map(|plugin| &plugin.name)
    }
}
