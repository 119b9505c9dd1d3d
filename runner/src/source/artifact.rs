//! Finished components: a crate's module, encoded, with the revision's manifest
//! in a custom section, so that a built component says by itself what it is.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::revision::{Digest, Manifest, RevisionId};

/// The custom section that holds the manifest.
const SECTION: &str = "runner:manifest";

/// The component that runs revisions of kind `sql`; built by the build script.
static SQL_COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sql.wasm"));

/// A finished component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its bytes.
    pub bytes: Bytes,
    /// Their digest.
    pub digest: Digest,
    /// Where they are from, for messages.
    pub origin: String,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The compiler's module cannot be made a component.
    #[error("the module of {of} cannot be encoded as a component: {reason}")]
    Encode {
        /// Whose module.
        of: String,
        /// What the encoder says.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What the custom section holds.
#[derive(Debug, Serialize)]
struct Embedded {
    manifest: Manifest,
    source_digest: Digest,
}

/// The part of it that tells a component's age; other runners may write more.
#[derive(Debug, Serialize, Deserialize)]
struct BuiltFrom {
    source_digest: Digest,
}

impl Artifact {
    /// Bytes from somewhere.
    pub fn new(bytes: impl Into<Bytes>, origin: impl Into<String>) -> Self {
        let bytes = bytes.into();
        Self { digest: Digest::of(&bytes), bytes, origin: origin.into() }
    }
}

/// The component that runs revisions of kind `sql`. Its digest is made once, however
/// many revisions it runs.
pub fn sql_component() -> Artifact {
    static ARTIFACT: LazyLock<Artifact> = LazyLock::new(|| Artifact::new(SQL_COMPONENT, "the runner itself"));
    ARTIFACT.clone()
}

/// Encodes a compiler's module and appends the manifest.
pub fn encode(module: &[u8], manifest: &Manifest, source_digest: Digest) -> Result<Vec<u8>, ArtifactError> {
    let mut component = to_component(module, &format!("revision `{}`", manifest.revision))?;
    let embedded = Embedded { manifest: manifest.clone(), source_digest };
    let data = serde_json::to_vec(&embedded).expect("our own values serialise");
    append_section(&mut component, SECTION, &data);
    Ok(component)
}

/// Encodes a compiler's module as a component; `of` says whose it is.
pub(super) fn to_component(module: &[u8], of: &str) -> Result<Vec<u8>, ArtifactError> {
    let encoded =
        ComponentEncoder::default().validate(true).module(module).and_then(|encoder| encoder.encode());
    encoded.map_err(|error| ArtifactError::Encode { of: of.to_owned(), reason: format!("{error:#}") })
}

/// Appends a custom section to a component.
pub(super) fn append_section(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    CustomSection { name: name.into(), data: data.into() }.append_to_component(component);
}

/// Notes which sources a component was built from.
pub(super) fn append_sources(component: &mut Vec<u8>, source_digest: Digest) {
    let data = serde_json::to_vec(&BuiltFrom { source_digest }).expect("our own values serialise");
    append_section(component, SECTION, &data);
}

/// Where a revision's finished component is kept.
pub fn artifact_path(components_dir: &Path, revision: &RevisionId) -> PathBuf {
    // Not every file system takes the colon of a package.
    let folder = revision.package().map_or(components_dir.to_owned(), |package| components_dir.join(package));
    folder.join(format!("{}.wasm", revision.local()))
}

/// The finished component of a revision, if it was built from these sources.
pub fn load_artifact(
    components_dir: &Path,
    revision: &RevisionId,
    source_digest: Digest,
) -> Result<Option<Artifact>, ArtifactError> {
    load_if(&artifact_path(components_dir, revision), |bytes| is_built_from(bytes, source_digest))
}

/// The component in a file, if there is one and it says that it was built from
/// these sources.
pub(super) fn load_built(path: &Path, source_digest: Digest) -> Result<Option<Artifact>, ArtifactError> {
    load_if(path, |bytes| section(bytes, SECTION).is_some_and(|data| names(data, source_digest)))
}

/// The component in a file, if there is one and it is to be taken.
fn load_if(path: &Path, is_taken: impl Fn(&[u8]) -> bool) -> Result<Option<Artifact>, ArtifactError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ArtifactError::Io { path: path.to_owned(), source }),
    };
    // A file that was tampered with fails when the host loads it; here only
    // its age counts.
    Ok(is_taken(&bytes).then(|| Artifact::new(bytes, path.display().to_string())))
}

/// Whether a component says that it was built from these sources. One from
/// elsewhere, which says nothing of its sources, is taken as it is.
pub(super) fn is_built_from(component: &[u8], source_digest: Digest) -> bool {
    section(component, SECTION).is_none_or(|data| names(data, source_digest))
}

/// Whether the section names these sources.
fn names(section: &[u8], source_digest: Digest) -> bool {
    serde_json::from_slice(section).is_ok_and(|built: BuiltFrom| built.source_digest == source_digest)
}

/// What a custom section holds; the last one of that name, which is the one we
/// appended.
pub(super) fn section<'a>(component: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let payloads = Parser::new(0).parse_all(component).map_while(Result::ok);
    let sections = payloads.filter_map(|payload| match payload {
        Payload::CustomSection(section) if section.name() == name => Some(section.data()),
        _ => None,
    });
    sections.last()
}
