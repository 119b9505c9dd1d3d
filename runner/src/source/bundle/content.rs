//! What the JSON of a bundle says: its revisions and where they are from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use semver::Version;

use crate::revision::{Digest, Kind, Manifest, PackageName, PluginName, RevisionId, SourceDigest};
use crate::source::scan::{Found, MANIFEST_FILE, Scripts};

use super::BundleFault;

/// The configuration of the artifact.
#[derive(Serialize, Deserialize)]
pub(super) struct Contents {
    /// The version of the runner that made it.
    pub(super) runner: String,
    /// The newest version of the interface that it knows.
    pub(super) interface: String,
    /// `runner.toml`, without what a deployment has of its own.
    pub(super) settings: String,
    /// The folders of migrations that it was made of.
    pub(super) folders: Vec<Folder>,
    /// The revisions, by id.
    pub(super) revisions: Vec<Entry>,
    /// The plugins that run some of them, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) plugins: Vec<Plugin>,
}

/// A plugin.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plugin {
    pub(super) name: PluginName,
    pub(super) version: Version,
    /// The digest of its component.
    pub(super) component: Digest,
}

/// A folder of migrations.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Folder {
    /// Its path in `runner.toml`.
    pub(super) path: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<PackageName>,
}

/// A revision.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) revision: RevisionId,
    /// Its folder, by which its texts are found.
    pub(super) folder: String,
    pub(super) source_digest: Digest,
    /// Its component, if it is a revision of kind `rust` or `plugin`. The one that runs
    /// scripts is the runner's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<Digest>,
}

/// The texts of a revision.
#[derive(Serialize, Deserialize)]
pub(super) struct Texts {
    pub(super) manifest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) upgrade: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) downgrade: Option<String>,
}

/// The texts by their revisions' folders.
pub(super) type TextsByFolder = BTreeMap<String, Texts>;

impl Texts {
    pub(super) fn of(found: &Found) -> Self {
        Self {
            manifest: found.text.to_string(),
            upgrade: found.scripts.as_ref().map(|scripts| scripts.upgrade.clone()),
            downgrade: found.scripts.as_ref().and_then(|scripts| scripts.downgrade.clone()),
        }
    }

    /// The digest of a revision of kind `sql` or `plugin`, of which everything is
    /// here.
    fn source_digest(&self) -> Digest {
        let mut digest = SourceDigest::new();
        digest.add(MANIFEST_FILE, self.manifest.as_bytes());
        for (name, text) in [("upgrade.sql", &self.upgrade), ("downgrade.sql", &self.downgrade)] {
            if let Some(text) = text {
                digest.add(name, text.as_bytes());
            }
        }
        digest.finish()
    }
}

impl Entry {
    /// The revision as if it were found on disk, in `dir`; its parts are
    /// compared with each other.
    pub(super) fn found(&self, dir: PathBuf, texts: Texts) -> Result<Found, BundleFault> {
        let revision = self.revision.clone();
        let wrong = |wrong| Err(BundleFault::Revision { revision: self.revision.clone(), wrong });
        let mut manifest = Manifest::parse(&dir.join(MANIFEST_FILE), &texts.manifest)
            .map_err(|error| BundleFault::Manifest(Box::new(error)))?;
        if let Some(package) = revision.package().and_then(|name| PackageName::new(name).ok()) {
            manifest.revision = manifest.revision.in_package(&package);
        }
        if manifest.revision != revision {
            return wrong("has the manifest of another one");
        }
        if matches!(manifest.kind, Kind::Sql | Kind::Plugin) && texts.source_digest() != self.source_digest {
            return wrong("does not have the texts of its source digest");
        }
        let text: Arc<str> = texts.manifest.into();
        let source_digest = self.source_digest;
        let scripts = match (manifest.kind, texts.upgrade, texts.downgrade, self.component) {
            (Kind::Sql, Some(upgrade), downgrade, None) => Some(Scripts { upgrade, downgrade }),
            (Kind::Rust | Kind::Plugin, None, None, Some(_)) | (Kind::Imported, None, None, None) => None,
            _ => return wrong("does not have what its kind needs"),
        };
        Ok(Found { dir, manifest, source_digest, scripts, text })
    }
}
