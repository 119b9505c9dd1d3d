//! The image layout: which blobs there are, what they are, and that they are
//! what their names say.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::revision::Digest;
use crate::source::oci::{
    COMPONENT, Descriptor, INDEX, INDEX_FILE, Index, LAYOUT_FILE, LAYOUT_VERSION, LayoutVersion, MANIFEST,
    Manifest, TITLE, blob_file,
};

use super::BundleFault;
use super::archive::{self, Comparison};

/// What a bundle is. A change that an older runner must not read gets another
/// number.
pub(in crate::source) const ARTIFACT: &str = "application/vnd.runner.bundle.v1";
const CONFIG: &str = "application/vnd.runner.bundle.config.v1+json";
const TEXTS: &str = "application/vnd.runner.bundle.texts.v1+json";

/// A component, and the name that tools show for it.
pub(super) struct Component {
    pub(super) title: String,
    pub(super) bytes: Bytes,
}

/// What is in a bundle, without knowing what the JSON of it means.
pub(super) struct Layout {
    /// The configuration, as JSON.
    pub(super) config: Bytes,
    /// The texts of the revisions, as JSON.
    pub(super) texts: Bytes,
    /// The components by their digests.
    pub(super) components: BTreeMap<Digest, Component>,
}

/// A bundle's archive.
pub(super) struct Archive {
    pub(super) bytes: Vec<u8>,
    /// The digest of the artifact's manifest, by which a registry knows it.
    pub(super) digest: Digest,
}

impl Layout {
    /// The archive. The same contents give the same bytes.
    pub(super) fn archive(&self) -> Archive {
        let manifest = self.manifest();
        let mut bytes = Vec::new();
        self.write(&manifest, &mut bytes).expect("memory can be written");
        Archive { bytes, digest: Digest::of(&manifest) }
    }

    /// Reads and verifies an archive; also returns the digest of its manifest.
    pub(super) fn read(archive: &Bytes) -> Result<(Self, Digest), BundleFault> {
        let mut blobs = Blobs::of(archive::read(archive)?)?;
        let bytes = blobs.take(&blobs.index()?, "the artifact's manifest")?;
        let manifest: Manifest = json("the artifact's manifest", &bytes)?;
        check_kind(&manifest.artifact_type)?;
        let config = blobs.take(&manifest.config, "the list of the revisions")?;
        let Some((first, components)) =
            manifest.layers.split_first().filter(|(first, _)| first.media_type == TEXTS)
        else {
            return Err(BundleFault::Layer(
                manifest.layers.first().map_or("list".into(), |layer| layer.title()),
            ));
        };
        let texts = blobs.take(first, "the manifests and scripts")?;
        let mut layout = Self { config, texts, components: BTreeMap::new() };
        for layer in components {
            let title = layer.title();
            if layer.media_type != COMPONENT || layout.components.contains_key(&layer.digest) {
                return Err(BundleFault::Layer(title));
            }
            let bytes = blobs.take(layer, &title)?;
            layout.components.insert(layer.digest, Component { title, bytes });
        }
        blobs.finish()?;
        layout.compare(&bytes, archive)?;
        Ok((layout, Digest::of(&bytes)))
    }

    /// Finds what no digest covers: the archive's headers, the index, and what
    /// stands between the files.
    fn compare(&self, manifest: &[u8], archive: &[u8]) -> Result<(), BundleFault> {
        let mut comparison = Comparison::with(archive);
        match self.write(manifest, &mut comparison) {
            Ok(()) if comparison.left() == 0 => Ok(()),
            Err(_) if comparison.left() > 0 => Err(BundleFault::Framing { at: comparison.same() }),
            Ok(()) | Err(_) => Err(BundleFault::End { at: comparison.same() }),
        }
    }

    fn write(&self, manifest: &[u8], to: impl std::io::Write) -> std::io::Result<()> {
        let version = LayoutVersion { image_layout_version: LAYOUT_VERSION.into() };
        let only = Descriptor { artifact_type: Some(ARTIFACT.into()), ..Descriptor::of(MANIFEST, manifest) };
        let index = Index { schema_version: 2, media_type: INDEX.into(), manifests: vec![only] };
        let (version, index) = (to_json(&version), to_json(&index));
        let mut blobs: BTreeMap<Digest, &[u8]> =
            self.components.iter().map(|(digest, component)| (*digest, &component.bytes[..])).collect();
        for blob in [manifest, &self.config, &self.texts] {
            blobs.insert(Digest::of(blob), blob);
        }
        let blobs: Vec<_> = blobs.into_iter().map(|(digest, blob)| (blob_file(digest), blob)).collect();
        let first = [(LAYOUT_FILE, &version[..]), (INDEX_FILE, &index[..])];
        let blobs = blobs.iter().map(|(name, blob)| (name.as_str(), *blob));
        archive::write(first.into_iter().chain(blobs), to)
    }

    fn manifest(&self) -> Vec<u8> {
        let titled = |title: &str, descriptor: Descriptor| Descriptor {
            annotations: [(TITLE.to_owned(), title.to_owned())].into(),
            ..descriptor
        };
        let mut layers = vec![titled("migrations.json", Descriptor::of(TEXTS, &self.texts))];
        layers.extend(
            self.components
                .values()
                .map(|component| titled(&component.title, Descriptor::of(COMPONENT, &component.bytes))),
        );
        to_json(&Manifest {
            schema_version: 2,
            media_type: MANIFEST.into(),
            artifact_type: ARTIFACT.into(),
            config: Descriptor::of(CONFIG, &self.config),
            layers,
            annotations: BTreeMap::new(),
        })
    }
}

/// The files of an archive, which are taken out as they are needed.
struct Blobs {
    index: Bytes,
    blobs: BTreeMap<String, Bytes>,
}

impl Blobs {
    fn of(mut files: BTreeMap<String, Bytes>) -> Result<Self, BundleFault> {
        let version = files.remove(LAYOUT_FILE).ok_or(BundleFault::NotABundle(LAYOUT_FILE))?;
        let version: LayoutVersion = json(LAYOUT_FILE, &version)?;
        if version.image_layout_version != LAYOUT_VERSION {
            return Err(BundleFault::LayoutVersion(version.image_layout_version));
        }
        let index = files.remove(INDEX_FILE).ok_or(BundleFault::NotABundle(INDEX_FILE))?;
        Ok(Self { index, blobs: files })
    }

    /// The one artifact of the index.
    fn index(&self) -> Result<Descriptor, BundleFault> {
        let mut index: Index = json(INDEX_FILE, &self.index)?;
        match (index.manifests.pop(), index.manifests.len()) {
            (Some(only), 0) => {
                only.artifact_type.as_deref().map_or(Ok(()), check_kind)?;
                Ok(only)
            }
            (only, others) => Err(BundleFault::Artifacts(others + usize::from(only.is_some()))),
        }
    }

    /// A blob, verified.
    fn take(&mut self, wanted: &Descriptor, what: &str) -> Result<Bytes, BundleFault> {
        let (entry, what) = (blob_file(wanted.digest), what.to_owned());
        let Some(blob) = self.blobs.remove(&entry) else {
            return Err(BundleFault::Missing { entry, what });
        };
        let digest = Digest::of(&blob);
        if digest != wanted.digest {
            return Err(BundleFault::Changed { entry, what, found: digest });
        }
        match blob.len() as u64 {
            found if found != wanted.size => {
                Err(BundleFault::Size { entry, what, found, expected: wanted.size })
            }
            _ => Ok(blob),
        }
    }

    /// Everything was taken out.
    fn finish(self) -> Result<(), BundleFault> {
        self.blobs.into_keys().next().map_or(Ok(()), |name| Err(BundleFault::Foreign(name)))
    }
}

fn check_kind(found: &str) -> Result<(), BundleFault> {
    match found == ARTIFACT {
        true => Ok(()),
        false => Err(BundleFault::Kind { found: found.to_owned(), expected: ARTIFACT }),
    }
}

pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("our own values serialise")
}

/// Reads JSON; `entry` names it in messages.
pub(super) fn json<T: DeserializeOwned>(entry: &str, bytes: &[u8]) -> Result<T, BundleFault> {
    serde_json::from_slice(bytes).map_err(|source| BundleFault::Json { entry: entry.to_owned(), source })
}
