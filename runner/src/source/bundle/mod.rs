//! Bundles: one file with everything that a deployment needs and no sources.
//!
//! The file is a tar archive that holds an image layout of the Open Container
//! Initiative, so that a registry can take it as it is: `oci-layout`,
//! `index.json`, and the blobs under `blobs/sha256`, each under the name of its
//! digest, so that a component that several revisions share is kept once. The
//! one manifest has a configuration, which lists the revisions with the digests
//! of their sources and components, a layer with the texts of all manifests and
//! SQL scripts, and a layer for each component. See "OCI Image Layout
//! Specification" and "Guidelines for Artifact Usage" in the image
//! specification, 1.1.
//!
//! The same revisions and components make the same bytes. Nothing is unpacked:
//! a bundle is read into memory and verified as a whole before anything is done
//! with it. It says what it was made of, and not who made it.

mod archive;
mod content;
mod error;
mod layout;
mod open;
mod pack;
mod settings;

pub(super) use archive::read as read_archive;
pub use error::{BundleError, BundleFault};
pub(super) use layout::ARTIFACT;
pub use open::Bundle;
pub use pack::Packed;
