//! What the revisions of a project ask of its plugins, and whether the lock, the
//! bytes and the ranges fit together before anything is done.

use std::collections::BTreeSet;
use std::fmt;

use semver::{Version, VersionReq};

use crate::revision::{Place, PluginName, RevisionId};
use crate::source::{ConfigError, Found, Project};

use super::{LOCK_FILE, Lock, PluginEntry, PluginError, PluginSource};

/// The versions of a plugin that a revision asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginRange {
    /// The revision.
    pub revision: RevisionId,
    /// The plugin.
    pub name: PluginName,
    /// The versions.
    pub versions: VersionReq,
    /// Where its manifest says so.
    pub place: Place,
}

impl PluginRange {
    /// What a revision asks for; none if it takes any version.
    pub fn of(found: &Found) -> Option<Self> {
        let plugin = found.manifest.plugin.as_ref()?;
        // A range that cannot be read is refused when the manifest is.
        let versions = plugin.wanted().ok().flatten()?;
        Some(Self {
            revision: found.manifest.revision.clone(),
            name: plugin.name.clone(),
            versions,
            place: found.place_of_key("plugin"),
        })
    }

    /// Fails if the version that is there is not one that is asked for.
    pub fn check(self, there: &Version) -> Result<(), PluginError> {
        match self.versions.matches(there) {
            true => Ok(()),
            false => Err(PluginError::NotRequired { required: Box::new(self), there: there.clone() }),
        }
    }
}

impl fmt::Display for PluginRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, name, versions, place } = self;
        write!(f, "`{revision}` requires `{name}@{versions}` ({place})")
    }
}

impl PluginEntry {
    /// The entry with the versions only that some revisions ask for too.
    pub fn within(&self, ranges: &[PluginRange]) -> Self {
        let of_ranges = ranges.iter().flat_map(|range| range.versions.comparators.clone());
        let of_entry = self.version.iter().flat_map(|version| version.comparators.clone());
        let comparators: Vec<_> = of_entry.chain(of_ranges).collect();
        let version = (!comparators.is_empty()).then_some(VersionReq { comparators });
        Self { version, ..self.clone() }
    }
}

impl Project {
    /// What the revisions on disk ask of a plugin.
    pub fn plugin_ranges(&self, name: &PluginName, revisions: &[Found]) -> Vec<PluginRange> {
        revisions.iter().filter_map(PluginRange::of).filter(|range| range.name == *name).collect()
    }

    /// Fails if the lock does not say of each plugin in runner.toml which one it is,
    /// or says more. A bundle needs no lock: it has the plugins themselves.
    pub fn check_locked(&self) -> Result<(), PluginError> {
        if self.is_bundle() {
            return Ok(());
        }
        let would_change = |what: String| Err(PluginError::WouldChange(what));
        let declared = self.declared_plugins()?;
        if !declared.is_empty() && !self.root.join(LOCK_FILE).exists() {
            return would_change("it is not there".into());
        }
        let lock = Lock::load(&self.root)?;
        for (name, entry) in &declared {
            match lock.get(name, &entry.source.to_string()) {
                None => return would_change(format!("it lacks {name} from {}", entry.source)),
                Some(locked) if !entry.takes(&locked.version) => {
                    let wanted = entry.wanted();
                    let what = format!("it has {name} {}, and runner.toml asks for {wanted}", locked.version);
                    return would_change(what);
                }
                Some(_) => {}
            }
        }
        let declares = |name: &PluginName, source: &str| {
            declared.iter().any(|(other, entry)| other == name && entry.source.to_string() == source)
        };
        match lock.plugins().find(|locked| !declares(&locked.name, &locked.source)) {
            Some(locked) => {
                would_change(format!("runner.toml has no {} from {}", locked.name, locked.source))
            }
            None => Ok(()),
        }
    }

    /// The plugins of runner.toml, those of all named sections too.
    fn declared_plugins(&self) -> Result<Vec<(PluginName, PluginEntry)>, PluginError> {
        let unreadable =
            |error: ConfigError| PluginError::Edit { path: self.file.clone(), reason: error.to_string() };
        let settings = crate::source::config::read(&self.file).map_err(unreadable)?;
        self.all_plugin_entries(&settings).map_err(unreadable)
    }

    /// Fails if the lock cannot be read, or if the plugin of a revision is at hand
    /// and is not the one of the lock. What is missing is found when a revision
    /// needs it, and nothing is asked over a network.
    pub fn check_pins(&self, revisions: &[Found]) -> Result<(), PluginError> {
        let names: BTreeSet<&PluginName> = revisions.iter().filter_map(Found::plugin).collect();
        if names.is_empty() || self.is_bundle() {
            return Ok(());
        }
        Lock::load(&self.root)?;
        for name in names {
            if let Err(error) = self.plugin_at_hand(name)
                && error.is_misfit()
            {
                return Err(error);
            }
        }
        Ok(())
    }

    fn plugin_at_hand(&self, name: &PluginName) -> Result<(), PluginError> {
        // A source over a network is asked when a revision needs it.
        let is_local =
            matches!(self.plugin_entry(name)?.source, PluginSource::Path(_) | PluginSource::Layout(_));
        if is_local { self.plugin_artifact(name).map(|_| ()) } else { Ok(()) }
    }
}
