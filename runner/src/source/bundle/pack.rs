//! Making a bundle.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use bytes::Bytes;

use crate::host::INTERFACE_VERSION;
use crate::revision::{Digest, Kind, PluginName};
use crate::source::scan::Found;
use crate::source::{Artifact, Project};

use super::content::{Contents, Entry, Folder, Plugin, Texts, TextsByFolder};
use super::layout::{Component, Layout, to_json};
use super::{BundleError, BundleFault, settings};

/// A bundle that was made and is not written yet.
pub struct Packed {
    bytes: Vec<u8>,
    digest: Digest,
    revisions: usize,
    components: usize,
}

impl Packed {
    /// Packs revisions of a project, each with its component if it has one of
    /// its own, in the order of their ids.
    pub fn new(project: &Project, revisions: &[(Found, Option<Artifact>)]) -> Result<Self, BundleFault> {
        let (mut entries, mut texts) = (Vec::new(), TextsByFolder::new());
        let mut layout = Layout { config: Bytes::new(), texts: Bytes::new(), components: Default::default() };
        for (found, artifact) in revisions {
            let folder = folder_of(project, found)?;
            let component = match (found.manifest.kind, artifact) {
                (Kind::Rust | Kind::Plugin, Some(artifact)) => Some(artifact),
                (Kind::Rust | Kind::Plugin, None) => {
                    return Err(BundleFault::NotBuilt(found.manifest.revision.clone()));
                }
                (Kind::Sql | Kind::Imported, _) => None,
            };
            if let Some(component) = component {
                layout.components.entry(component.digest).or_insert_with(|| Component {
                    title: title(found),
                    bytes: Bytes::copy_from_slice(&component.bytes),
                });
            }
            entries.push(Entry {
                revision: found.manifest.revision.clone(),
                folder: folder.clone(),
                source_digest: found.source_digest,
                component: component.map(|component| component.digest),
            });
            texts.insert(folder, Texts::of(found));
        }
        let plugins = plugins(project, revisions)?;
        let contents = Contents {
            runner: env!("CARGO_PKG_VERSION").into(),
            interface: INTERFACE_VERSION.into(),
            settings: settings::for_deployment(project.settings.clone()).to_string(),
            folders: folders(project),
            revisions: entries,
            plugins,
        };
        layout.config = to_json(&contents).into();
        layout.texts = to_json(&texts).into();
        let archive = layout.archive();
        Ok(Self {
            bytes: archive.bytes,
            digest: archive.digest,
            revisions: revisions.len(),
            components: layout.components.len(),
        })
    }

    /// The digest of the artifact's manifest, by which a registry knows it.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many revisions it has.
    pub fn revisions(&self) -> usize {
        self.revisions
    }

    /// How many components it has.
    pub fn components(&self) -> usize {
        self.components
    }

    /// Its size, in bytes.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Writes it under a name of its own and renames it: whoever reads the file
    /// finds the old one or the new one, and a full disk leaves the old one.
    pub fn write(&self, file: &Path) -> Result<(), BundleError> {
        let aside = file.with_added_extension(format!("{:016x}", rand::random::<u64>()));
        let written = self.write_aside(&aside).and_then(|()| std::fs::rename(&aside, file));
        written.map_err(|source| {
            // What went wrong before matters more.
            let _ = std::fs::remove_file(&aside);
            BundleError { path: file.to_owned(), fault: BundleFault::Unwritable(source) }
        })
    }

    fn write_aside(&self, aside: &Path) -> io::Result<()> {
        let mut file = std::fs::File::create_new(aside)?;
        file.write_all(&self.bytes)?;
        file.sync_all()
    }
}

/// The name that tools show for a component.
fn title(found: &Found) -> String {
    let name = found.plugin().map_or(found.manifest.revision.as_str(), PluginName::as_str);
    format!("{}.wasm", name.replace(':', "."))
}

/// The plugins of the revisions, each with its version and its component.
fn plugins(project: &Project, revisions: &[(Found, Option<Artifact>)]) -> Result<Vec<Plugin>, BundleFault> {
    let mut plugins = BTreeMap::new();
    for (found, artifact) in revisions {
        if let (Some(name), Some(artifact)) = (found.plugin(), artifact)
            && !plugins.contains_key(name)
        {
            let (_, locked) =
                project.pinned_plugin(name).map_err(|error| BundleFault::Plugin(Box::new(error)))?;
            let plugin = Plugin { name: name.clone(), version: locked.version, component: artifact.digest };
            plugins.insert(name, plugin);
        }
    }
    Ok(plugins.into_values().collect())
}

/// Where a revision lies, as seen from the project, so that the same project in
/// another place makes the same bundle.
fn folder_of(project: &Project, found: &Found) -> Result<String, BundleFault> {
    let relative = found.dir.strip_prefix(&project.root).unwrap_or(&found.dir);
    let name = relative.to_str().ok_or_else(|| BundleFault::Name(found.dir.clone()))?;
    Ok(name.to_owned())
}

/// The folders of migrations, as the settings name them.
pub(super) fn folders(project: &Project) -> Vec<Folder> {
    let relative = |path: &Path| path.strip_prefix(&project.root).unwrap_or(path).to_owned();
    let dirs = project.migrations_dirs().into_iter();
    dirs.map(|dir| Folder { path: relative(&dir.path), package: dir.package }).collect()
}
