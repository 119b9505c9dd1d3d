//! Reading a bundle, and a project that is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::revision::{Digest, Kind, RevisionId};
use crate::source::artifact::is_built_from;
use crate::source::config::{self, CONFIG_FILE, Settings};
use crate::source::plugins::Offer;
use crate::source::scan::Found;
use crate::source::{Artifact, ConfigError, Project};

use super::content::{Contents, Folder, Plugin, TextsByFolder};
use super::layout::{Layout, json};
use super::pack::folders;
use super::{BundleError, BundleFault};

/// The most bytes of a bundle. It is held in memory.
const MOST_BYTES: u64 = 1 << 30;

/// A bundle that was read and verified.
pub struct Bundle {
    file: PathBuf,
    digest: Digest,
    runner: String,
    settings: String,
    folders: Vec<Folder>,
    plugins: Vec<Plugin>,
    revisions: BTreeMap<RevisionId, Revision>,
    layout: Layout,
}

struct Revision {
    found: Found,
    component: Option<Digest>,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bundle({}, {})", self.file.display(), self.digest)
    }
}

impl Bundle {
    /// Reads a bundle and verifies all of it.
    pub fn open(file: &Path) -> Result<Self, BundleError> {
        let bytes = read(file);
        bytes.and_then(|bytes| Self::of(file, &bytes)).map_err(|fault| in_file(file, fault))
    }

    fn of(file: &Path, bytes: &Bytes) -> Result<Self, BundleFault> {
        let (layout, digest) = Layout::read(bytes)?;
        let contents: Contents = json("the list of the revisions", &layout.config)?;
        let mut texts: TextsByFolder = json("the manifests and scripts", &layout.texts)?;
        let (mut revisions, mut used) = (BTreeMap::new(), BTreeSet::new());
        for entry in &contents.revisions {
            let wrong = |wrong| BundleFault::Revision { revision: entry.revision.clone(), wrong };
            let texts = texts.remove(&entry.folder).ok_or_else(|| wrong("has no manifest"))?;
            let dir = PathBuf::from(format!("{}/{}", file.display(), entry.folder));
            let found = entry.found(dir, texts)?;
            if let Some(digest) = &entry.component {
                let component = layout.components.get(digest).ok_or_else(|| wrong("has no component"))?;
                let is_own = found.manifest.kind != Kind::Plugin;
                if is_own && !is_built_from(&component.bytes, entry.source_digest) {
                    return Err(wrong("has a component that was built from other sources"));
                }
                let name = found.plugin();
                let is_named = |plugin: &Plugin| Some(&plugin.name) == name && plugin.component == *digest;
                if !is_own && !contents.plugins.iter().any(is_named) {
                    return Err(wrong("has a component that is not the one of its plugin"));
                }
            }
            used.extend(entry.component);
            let revision = Revision { component: entry.component, found };
            if revisions.insert(entry.revision.clone(), revision).is_some() {
                return Err(wrong("is in its list twice"));
            }
        }
        if let Some(folder) = texts.into_keys().next() {
            return Err(BundleFault::Stray(folder));
        }
        if let Some((_, stray)) = layout.components.iter().find(|(digest, _)| !used.contains(digest)) {
            return Err(BundleFault::Layer(stray.title.clone()));
        }
        let Contents { runner, settings, folders, plugins, .. } = contents;
        Ok(Self { file: file.to_owned(), digest, runner, settings, folders, plugins, revisions, layout })
    }

    /// The digest of the artifact's manifest, by which a registry knows it.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The revisions, as if they were found on disk.
    pub(in crate::source) fn revisions(&self) -> Vec<Found> {
        self.revisions.values().map(|revision| revision.found.clone()).collect()
    }

    /// The component of a revision of kind `rust` or `plugin`.
    pub(in crate::source) fn artifact(&self, id: &RevisionId) -> Option<Artifact> {
        let component = &self.layout.components[&self.revisions.get(id)?.component?];
        let origin = format!("{} in {}", component.title, self.file.display());
        Some(Artifact::new(component.bytes.clone(), origin))
    }

    /// The plugins that run some of the revisions.
    pub(in crate::source) fn plugins(&self) -> Vec<Offer> {
        let offer = |plugin: &Plugin| {
            let size =
                self.layout.components.get(&plugin.component).map_or(0, |found| found.bytes.len() as u64);
            Offer::new(plugin.name.clone(), plugin.version.clone(), plugin.component, size)
        };
        self.plugins.iter().map(offer).collect()
    }

    /// The component of one of its plugins.
    pub(in crate::source) fn plugin_component(&self, digest: Digest) -> Option<Bytes> {
        Some(self.layout.components.get(&digest)?.bytes.clone())
    }

    /// Fails if the settings choose other folders of migrations than those that
    /// the bundle was made of.
    fn check_folders(&self, project: &Project) -> Result<(), BundleFault> {
        let wanted = folders(project);
        let shown = |folders: &[Folder]| {
            let one = |folder: &Folder| folder.path.display().to_string();
            folders.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        match wanted == self.folders {
            true => Ok(()),
            false => Err(BundleFault::Folders { made_of: shown(&self.folders), wanted: shown(&wanted) }),
        }
    }
}

impl Project {
    /// Opens a bundle as a project: there are no sources, and paths in its
    /// settings begin at the current folder. The settings of a `runner.toml` lie
    /// over those of the bundle, and then paths begin beside it; and over them
    /// one of the named sections.
    pub fn open_bundle(
        file: &Path,
        settings: Option<&Path>,
        name: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let bundle = Bundle::open(file)?;
        let inside = PathBuf::from(format!("{}/{CONFIG_FILE}", file.display()));
        let below = Settings::parse(&inside, &bundle.settings).map_err(|source| {
            let (runner, source) = (bundle.runner.clone(), Box::new(source));
            in_file(file, BundleFault::Settings { runner, source })
        })?;
        let text = settings.map(config::read).transpose()?.unwrap_or_default();
        let merged = match settings {
            Some(settings) => Settings::parse(settings, &text)?.over(below.table),
            None => below,
        };
        let outer = merged.file.to_owned();
        let chosen = merged.choose(name)?;
        let root = settings.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let bundle = Arc::new(bundle);
        let project = Self::of_bundle(outer, root, chosen, bundle.clone());
        bundle.check_folders(&project).map_err(|fault| in_file(file, fault))?;
        Ok(project)
    }
}

fn in_file(file: &Path, fault: BundleFault) -> BundleError {
    BundleError { path: file.to_owned(), fault }
}

fn read(file: &Path) -> Result<Bytes, BundleFault> {
    let file = File::open(file).map_err(BundleFault::Unreadable)?;
    let announced = file.metadata().map_err(BundleFault::Unreadable)?.len();
    if announced > MOST_BYTES {
        return Err(BundleFault::TooLarge { bytes: announced, most: MOST_BYTES });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or_default());
    // What is no file, as a pipe, does not say how long it is.
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(BundleFault::Unreadable)?;
    match bytes.len() as u64 {
        bytes if bytes > MOST_BYTES => Err(BundleFault::TooLarge { bytes, most: MOST_BYTES }),
        _ => Ok(bytes.into()),
    }
}
