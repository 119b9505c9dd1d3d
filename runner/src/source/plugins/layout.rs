//! Plugins in an OCI image layout: a folder, a tar file of one, or a bundle.
//!
//! A plugin is an artifact of the CNCF's Wasm artifact layout: one layer of type
//! `application/wasm`, and name and version as annotations of its manifest.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use semver::Version;
use serde::de::DeserializeOwned;

use crate::revision::{Digest, PluginName};
use crate::source::bundle::{ARTIFACT, Bundle, read_archive};
use crate::source::oci::{
    COMPONENT, Descriptor, INDEX_FILE, Index, LAYOUT_FILE, LAYOUT_VERSION, LayoutVersion, MANIFEST, Manifest,
    TITLE, blob_file,
};

use super::{LayoutFault, PluginError};

/// The annotation of an artifact's version.
pub(super) const VERSION: &str = "org.opencontainers.image.version";

/// The most bytes of a file of JSON; the distribution specification has the same
/// number for manifests.
const MOST_JSON: u64 = 4 << 20;
/// The most bytes of a component. What a project takes, `limits.component_bytes` says.
const MOST_COMPONENT: u64 = 256 << 20;
/// The most bytes of a tar file, as of a bundle.
const MOST_ARCHIVE: u64 = 1 << 30;

/// A layout that is being read.
pub(super) struct Layout {
    path: PathBuf,
    files: Files,
}

enum Files {
    Folder(PathBuf),
    Archive(BTreeMap<String, Bytes>),
    Bundle(Box<Bundle>),
}

/// A plugin that a layout has.
#[derive(Clone, Debug)]
pub(in crate::source) struct Offer {
    pub(super) name: PluginName,
    pub(super) version: Version,
    /// The digest of the component.
    pub(super) digest: Digest,
    /// In bytes.
    size: u64,
}

impl Layout {
    /// Opens a layout, and reads which version it is of.
    pub(super) fn open(path: &Path) -> Result<Self, PluginError> {
        let fault = |fault| PluginError::Layout { path: path.to_owned(), fault };
        let files = match path.is_file() {
            false => Files::Folder(path.to_owned()),
            true => Files::Archive(archive(path).map_err(fault)?),
        };
        let layout = Self { path: path.to_owned(), files };
        let version: LayoutVersion = layout.json(LAYOUT_FILE).map_err(fault)?;
        if version.image_layout_version != LAYOUT_VERSION {
            return Err(fault(LayoutFault::Version(version.image_layout_version)));
        }
        let index = layout.index().map_err(fault)?;
        let is_bundle = |artifact: &Descriptor| artifact.artifact_type.as_deref() == Some(ARTIFACT);
        match path.is_file() && index.manifests.iter().any(is_bundle) {
            true => Ok(Self { files: Files::Bundle(Box::new(Bundle::open(path)?)), ..layout }),
            false => Ok(layout),
        }
    }

    /// The plugins that it has, by name and version.
    pub(super) fn offers(&self) -> Result<Vec<Offer>, PluginError> {
        let mut offers = match &self.files {
            Files::Bundle(bundle) => bundle.plugins(),
            Files::Folder(_) | Files::Archive(_) => self.artifacts().map_err(|fault| self.wrong(fault))?,
        };
        offers.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Ok(offers)
    }

    /// The component of a plugin, verified.
    pub(super) fn component(&self, offer: &Offer) -> Result<Bytes, PluginError> {
        let what = format!("{} {}", offer.name, offer.version);
        match &self.files {
            Files::Bundle(bundle) => bundle.plugin_component(offer.digest).ok_or_else(|| {
                let entry = blob_file(offer.digest);
                self.wrong(LayoutFault::Missing { entry, what })
            }),
            Files::Folder(_) | Files::Archive(_) => {
                let (digest, size) = (offer.digest, offer.size);
                self.blob(digest, size, MOST_COMPONENT, &what).map_err(|fault| self.wrong(fault))
            }
        }
    }

    /// The artifacts of `index.json`.
    pub(super) fn index(&self) -> Result<Index, LayoutFault> {
        self.json(INDEX_FILE)
    }

    fn wrong(&self, fault: LayoutFault) -> PluginError {
        PluginError::Layout { path: self.path.clone(), fault }
    }

    /// What else the layout holds, as an image for another tool, is none of ours.
    fn artifacts(&self) -> Result<Vec<Offer>, LayoutFault> {
        let index = self.index()?;
        let manifests = index.manifests.iter().filter(|artifact| artifact.media_type == MANIFEST);
        let mut offers = Vec::new();
        for artifact in manifests {
            let what = "the manifest of an artifact";
            let bytes = self.blob(artifact.digest, artifact.size, MOST_JSON, what)?;
            let manifest: Manifest = json(&blob_file(artifact.digest), &bytes)?;
            let name = manifest.annotations.get(TITLE).and_then(|name| PluginName::new(name.as_str()).ok());
            let version = manifest.annotations.get(VERSION).and_then(|version| version.parse().ok());
            let layer = manifest.layers.iter().find(|layer| layer.media_type == COMPONENT);
            if let (Some(name), Some(version), Some(layer)) = (name, version, layer) {
                offers.push(Offer { name, version, digest: layer.digest, size: layer.size });
            }
        }
        Ok(offers)
    }

    fn blob(&self, digest: Digest, expected: u64, most: u64, what: &str) -> Result<Bytes, LayoutFault> {
        let (entry, what) = (blob_file(digest), what.to_owned());
        let Some(bytes) = self.read(&entry, most)? else {
            return Err(LayoutFault::Missing { entry, what });
        };
        let (found, length) = (Digest::of(&bytes), bytes.len() as u64);
        match found == digest {
            true => Ok(bytes),
            false if length < expected => {
                Err(LayoutFault::Truncated { entry, what, found: length, expected })
            }
            false => Err(LayoutFault::Changed { entry, what, found }),
        }
    }

    fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, LayoutFault> {
        json(name, &self.read(name, MOST_JSON)?.ok_or(LayoutFault::NotALayout(name))?)
    }

    /// Reads a file of at most so many bytes; none if it is not there.
    fn read(&self, entry: &str, most: u64) -> Result<Option<Bytes>, LayoutFault> {
        let too_large = || LayoutFault::TooLarge { entry: entry.to_owned(), most };
        match &self.files {
            Files::Folder(folder) => match read_at_most(&folder.join(entry), most) {
                Ok(Some(bytes)) => Ok(Some(bytes.into())),
                Ok(None) => Err(too_large()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(LayoutFault::Unreadable { entry: entry.to_owned(), source }),
            },
            Files::Archive(files) => match files.get(entry) {
                Some(bytes) if bytes.len() as u64 > most => Err(too_large()),
                bytes => Ok(bytes.cloned()),
            },
            Files::Bundle(_) => Ok(None),
        }
    }
}

/// Reads a file; none if it is longer. What is longer is not held in memory.
fn read_at_most(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.len() > most {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    // It may grow, and what is no file does not say how long it is.
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

impl Offer {
    /// A plugin, as the list of a bundle has it.
    pub(in crate::source) fn new(name: PluginName, version: Version, digest: Digest, size: u64) -> Self {
        Self { name, version, digest, size }
    }
}

fn archive(path: &Path) -> Result<BTreeMap<String, Bytes>, LayoutFault> {
    let entry = || path.display().to_string();
    let bytes = read_at_most(path, MOST_ARCHIVE)
        .map_err(|source| LayoutFault::Unreadable { entry: entry(), source })?
        .ok_or_else(|| LayoutFault::TooLarge { entry: entry(), most: MOST_ARCHIVE })?;
    let files = read_archive(&bytes.into())?;
    // Some tools write `./index.json`.
    let plain = |name: String| name.strip_prefix("./").map_or(name.clone(), str::to_owned);
    Ok(files.into_iter().map(|(name, bytes)| (plain(name), bytes)).collect())
}

fn json<T: DeserializeOwned>(entry: &str, bytes: &[u8]) -> Result<T, LayoutFault> {
    serde_json::from_slice(bytes).map_err(|source| LayoutFault::Json { entry: entry.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(LAYOUT_FILE), "{\"imageLayoutVersion\":\"1.0.0\"}")
            .expect("writes");
        let index = std::fs::File::create(folder.path().join(INDEX_FILE)).expect("makes");
        index.set_len(MOST_JSON + 1).expect("a file with a hole");
        let refused = Layout::open(folder.path()).map(drop).expect_err("it is too large");
        let PluginError::Layout { fault, .. } = refused else { panic!("{refused}") };
        assert_eq!(fault.to_string(), "index.json has more than 4 MiB");
    }

    #[test]
    fn an_archive_has_the_same_limits() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("layout.tar");
        let refused = || {
            let refused = Layout::open(&path).map(drop).expect_err("it is too large");
            let PluginError::Layout { fault, .. } = refused else { panic!("{refused}") };
            fault.to_string()
        };
        let version = "{\"imageLayoutVersion\":\"1.0.0\"}".to_owned();
        let index = " ".repeat(usize::try_from(MOST_JSON).expect("it fits") + 1);
        let mut archive = tar::Builder::new(Vec::new());
        for (name, text) in [(LAYOUT_FILE, version), (INDEX_FILE, index)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, name, text.as_bytes()).expect("packs");
        }
        std::fs::write(&path, archive.into_inner().expect("packs")).expect("writes");
        assert_eq!(refused(), "index.json has more than 4 MiB");
        let file = std::fs::File::create(&path).expect("makes");
        file.set_len(MOST_ARCHIVE + 1).expect("a file with a hole");
        assert!(refused().ends_with("layout.tar has more than 1024 MiB"));
    }
}
