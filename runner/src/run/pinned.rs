//! The plugins of a plan: each is read, compared with runner.lock and verified
//! once, however many revisions it runs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use semver::Version;

use crate::host::Description;
use crate::revision::PluginName;
use crate::source::{Artifact, Found, Locked, PluginError, PluginRange, Project};

/// The plugins that were read for one plan.
#[derive(Default)]
pub(super) struct Plugins {
    known: Mutex<HashMap<PluginName, Pinned>>,
}

#[derive(Clone)]
struct Pinned {
    artifact: Artifact,
    /// None of a plugin in a bundle, where the digests are the lock.
    locked: Option<Locked>,
}

impl Plugins {
    /// The component that runs a revision; none if it has to be built first.
    pub(super) fn artifact(
        &self,
        project: &Project,
        found: &Found,
        name: &PluginName,
    ) -> Result<Option<Artifact>, PluginError> {
        if let Some(pinned) = self.known(name) {
            return Ok(Some(pinned.artifact));
        }
        let Some(artifact) = project.artifact(found)? else { return Ok(None) };
        let locked = match project.is_bundle() {
            true => None,
            false => Some(project.pinned_plugin(name)?.1),
        };
        let pinned = Pinned { artifact: artifact.clone(), locked };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), pinned);
        Ok(Some(artifact))
    }

    /// Compares what a component says of itself with its name, with the lock, and
    /// with the versions that a revision asks for.
    pub(super) fn check(
        &self,
        name: &PluginName,
        description: &Description,
        found: &Found,
    ) -> Result<(), PluginError> {
        check_name(name, description)?;
        if let (Some(range), Ok(there)) = (PluginRange::of(found), Version::parse(&description.version)) {
            range.check(&there)?;
        }
        match self.known(name).and_then(|pinned| pinned.locked) {
            Some(locked) if locked.version.to_string() != description.version => {
                Err(PluginError::Misstated {
                    name: name.clone(),
                    what: "version",
                    found: description.version.clone(),
                    locked: locked.version.to_string(),
                })
            }
            _ => Ok(()),
        }
    }

    fn known(&self, name: &PluginName) -> Option<Pinned> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// A plugin is called what its component is called.
pub(super) fn check_name(name: &PluginName, description: &Description) -> Result<(), PluginError> {
    match description.name == name.as_str() {
        true => Ok(()),
        false => Err(PluginError::OtherName { name: name.clone(), found: description.name.clone() }),
    }
}
