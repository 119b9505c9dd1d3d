//! Writing a plugin into a folder in OCI image layout or into a registry, as an
//! artifact of the CNCF's Wasm artifact layout. Both get the same blobs.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::Serialize;

use crate::host::Interface;
use crate::revision::{Digest, PluginName};
use crate::source::build::write_aside;
use crate::source::oci::{
    COMPONENT, Descriptor, INDEX, INDEX_FILE, Index, LAYOUT_FILE, LAYOUT_VERSION, LayoutVersion, MANIFEST,
    Manifest, TITLE, blob_file,
};
use crate::source::{Artifact, BuildStop, Project};

use super::layout::{Layout, VERSION};
use super::registry::Push;
use super::{Exclusive, LayoutFault, Metadata, PluginError, RegistryAddress, RegistryFault};

/// The type of the configuration of such an artifact.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// The annotation under which tools find an artifact in a layout: a tag.
const REFERENCE: &str = "org.opencontainers.image.ref.name";

/// Where a plugin is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A folder in OCI image layout.
    Layout(PathBuf),
    /// A registry.
    Registry(RegistryAddress),
}

/// A plugin that is to be published.
#[derive(Clone, Copy)]
pub struct Publication<'a> {
    /// Its name.
    pub name: &'a PluginName,
    /// Its version.
    pub version: &'a Version,
    /// Its component.
    pub artifact: &'a Artifact,
    /// What the component imports and exports.
    pub interface: &'a Interface,
    /// What it says about itself.
    pub metadata: &'a Metadata,
}

/// The configuration of an artifact: what a component needs and offers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    /// The same plugin makes the same bytes, so it says no time.
    created: &'static str,
    architecture: &'static str,
    os: &'static str,
    layer_digests: [Digest; 1],
    component: Surface<'a>,
}

#[derive(Serialize)]
struct Surface<'a> {
    exports: &'a [String],
    imports: &'a [String],
}

/// The blobs of a publication.
struct Blobs {
    config: Vec<u8>,
    manifest: Vec<u8>,
    /// What `index.json` says of it.
    entry: Descriptor,
}

impl Project {
    /// Publishes a plugin, and returns the digest of its manifest, by which a
    /// registry knows it. A version that is there with the same bytes is left alone;
    /// one with other bytes is an error.
    pub fn publish_plugin(
        &self,
        to: &Destination,
        publication: &Publication<'_>,
        stop: &BuildStop,
    ) -> Result<Digest, PluginError> {
        match to {
            Destination::Layout(layout) => publish(layout, publication),
            Destination::Registry(address) if self.access.offline => Err(RegistryFault::Offline.of(address)),
            Destination::Registry(address) => {
                let Publication { name, version, artifact, .. } = publication;
                let Blobs { config, manifest, .. } = &blobs(publication);
                let push = Push { version, component: &artifact.bytes, config, manifest };
                let pushed = self.repository(address, name).push(&push, stop);
                pushed.map_err(|fault| fault.of(address))
            }
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(path) => path.display().fmt(f),
            Self::Registry(address) => address.fmt(f),
        }
    }
}

/// Writes a plugin into a layout, which is made if there is none, and returns the
/// digest of its manifest.
pub fn publish(layout: &Path, publication: &Publication<'_>) -> Result<Digest, PluginError> {
    let fault = |fault| PluginError::Layout { path: layout.to_owned(), fault };
    if layout.is_file() {
        return Err(fault(LayoutFault::NotAFolder));
    }
    let blobs = blobs(publication);
    let mut index = Index { schema_version: 2, media_type: INDEX.into(), manifests: Vec::new() };
    let _alone = begin(layout)
        .map_err(|source| fault(LayoutFault::Unwritable { entry: LAYOUT_FILE.into(), source }))?;
    if layout.join(INDEX_FILE).exists() {
        let there = Layout::open(layout)?;
        let (name, version) = (publication.name, publication.version);
        let offers = there.offers()?;
        if let Some(offer) = offers.iter().find(|offer| offer.name == *name && offer.version == *version) {
            return match offer.digest == publication.artifact.digest {
                true => Ok(blobs.entry.digest),
                false => Err(fault(LayoutFault::Published { name: name.clone(), version: version.clone() })),
            };
        }
        index = there.index().map_err(fault)?;
    }
    let digest = blobs.entry.digest;
    index.manifests.push(blobs.entry);
    // The index comes last: until then nothing names the blobs.
    let files = [
        (blob_file(publication.artifact.digest), publication.artifact.bytes.to_vec()),
        (blob_file(Digest::of(&blobs.config)), blobs.config),
        (blob_file(digest), blobs.manifest),
        (INDEX_FILE.to_owned(), to_json(&index)),
    ];
    for (entry, bytes) in files {
        write_aside(&layout.join(&entry), &bytes)
            .map_err(|source| fault(LayoutFault::Unwritable { entry, source }))?;
    }
    Ok(digest)
}

/// Makes a layout if there is none, which has no index yet. Whoever writes the index
/// has the lock of the file that says that it is a layout.
fn begin(layout: &Path) -> std::io::Result<Exclusive> {
    let mut alone = Exclusive::on(&layout.join(LAYOUT_FILE))?;
    if alone.file.metadata()?.len() == 0 {
        let version = LayoutVersion { image_layout_version: LAYOUT_VERSION.into() };
        alone.file.write_all(&to_json(&version))?;
    }
    Ok(alone)
}

fn blobs(publication: &Publication<'_>) -> Blobs {
    let Publication { name, version, artifact, interface, metadata } = publication;
    let config = to_json(&Config {
        created: "1970-01-01T00:00:00Z",
        architecture: "wasm",
        os: "wasip2",
        layer_digests: [artifact.digest],
        component: Surface { exports: &interface.exports, imports: &interface.imports },
    });
    let title = |text: String| BTreeMap::from([(TITLE.to_owned(), text)]);
    let layer = Descriptor {
        annotations: title(format!("{name}.wasm")),
        ..Descriptor::of(COMPONENT, &artifact.bytes)
    };
    let mut annotations = title(name.to_string());
    let more = [
        (VERSION, Some(version.to_string())),
        ("org.opencontainers.image.description", metadata.description.clone()),
        ("org.opencontainers.image.licenses", metadata.licenses.clone()),
        ("org.opencontainers.image.source", metadata.source.clone()),
        ("dev.runner.interface", Some(interface.version.clone())),
    ];
    annotations.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    let manifest = to_json(&Manifest {
        schema_version: 2,
        media_type: MANIFEST.into(),
        artifact_type: String::new(),
        config: Descriptor::of(CONFIG, &config),
        layers: vec![layer],
        annotations,
    });
    // A tag has no `+`.
    let tag = format!("{name}-{version}").replace('+', "_");
    let entry = Descriptor {
        annotations: [(REFERENCE.to_owned(), tag)].into(),
        ..Descriptor::of(MANIFEST, &manifest)
    };
    Blobs { config, manifest, entry }
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("our own values serialise")
}
