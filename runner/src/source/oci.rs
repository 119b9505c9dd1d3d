//! The JSON of an image layout of the Open Container Initiative, as far as
//! bundles and plugins need it. See "OCI Image Layout Specification" and "OCI
//! Image Manifest Specification", 1.1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::revision::Digest;

/// The media type of a component.
pub(super) const COMPONENT: &str = "application/wasm";
/// The media type of a manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of `index.json`.
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The annotation that tools show as a file's name.
pub(super) const TITLE: &str = "org.opencontainers.image.title";

/// The file that says that a folder is a layout.
pub(super) const LAYOUT_FILE: &str = "oci-layout";
/// The file that lists its artifacts.
pub(super) const INDEX_FILE: &str = "index.json";
/// The version of the layout that we read and write.
pub(super) const LAYOUT_VERSION: &str = "1.0.0";

const BLOBS: &str = "blobs/sha256/";

/// What `oci-layout` holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LayoutVersion {
    pub(super) image_layout_version: String,
}

/// What `index.json` holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub(super) schema_version: u32,
    #[serde(default = "index_type")]
    pub(super) media_type: String,
    pub(super) manifests: Vec<Descriptor>,
}

fn index_type() -> String {
    INDEX.to_owned()
}

/// An artifact's manifest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) schema_version: u32,
    #[serde(default)]
    pub(super) media_type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) artifact_type: String,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

/// What names a blob: what it is, its digest and its length.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
    pub(super) digest: Digest,
    /// In bytes.
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// The descriptor of a blob.
    pub(super) fn of(media_type: &str, blob: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            artifact_type: None,
            digest: Digest::of(blob),
            size: blob.len() as u64,
            annotations: BTreeMap::new(),
        }
    }

    /// The name that tools show for it.
    pub(super) fn title(&self) -> String {
        self.annotations.get(TITLE).cloned().unwrap_or_else(|| self.digest.to_string())
    }
}

/// The file of a blob, below the layout's folder.
pub(super) fn blob_file(digest: Digest) -> String {
    format!("{BLOBS}{}", hex::encode(digest.as_bytes()))
}
