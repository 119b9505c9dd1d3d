//! Putting a plugin into a registry.

use bytes::Bytes;
use oci_client::RegistryOperation;
use semver::Version;

use crate::revision::Digest;
use crate::source::BuildStop;
use crate::source::oci::{COMPONENT, MANIFEST};

use super::RegistryFault;
use super::client::{Connection, Repository, UPLOAD};

/// What is pushed: the blobs, and the manifest that names them.
pub(in crate::source::plugins) struct Push<'a> {
    pub(in crate::source::plugins) version: &'a Version,
    pub(in crate::source::plugins) component: &'a Bytes,
    pub(in crate::source::plugins) config: &'a [u8],
    pub(in crate::source::plugins) manifest: &'a [u8],
}

impl Repository<'_> {
    /// Pushes a plugin, and returns the digest of its manifest. A version that is
    /// there with the same component is left alone.
    pub(in crate::source::plugins) fn push(
        &self,
        push: &Push<'_>,
        stop: &BuildStop,
    ) -> Result<Digest, RegistryFault> {
        self.ask(UPLOAD, stop, async |connection| connection.push(push).await)
    }
}

impl Connection<'_> {
    async fn push(&self, push: &Push<'_>) -> Result<Digest, RegistryFault> {
        let reference = self.reference(push.version);
        let component = Digest::of(push.component);
        if let Some((there, digest)) = self.manifest(&reference, push.version).await? {
            let is_same =
                there.layers.iter().any(|layer| layer.media_type == COMPONENT && layer.digest == component);
            return match is_same {
                true => Ok(digest),
                false => Err(RegistryFault::Published {
                    name: self.repository.name.clone(),
                    version: push.version.clone(),
                }),
            };
        }
        self.log_in(&reference, RegistryOperation::Push).await?;
        let config = Bytes::copy_from_slice(push.config);
        // The manifest comes last: until then nothing names the blobs.
        for blob in [push.component.clone(), config] {
            let digest = Digest::of(&blob).to_string();
            let there = self.client.blob_exists(&reference, &digest).await;
            if !there.map_err(|error| self.fault(error))? {
                let pushed = self.client.push_blob(&reference, blob, &digest).await;
                pushed.map_err(|error| self.fault(error))?;
            }
        }
        let kind = MANIFEST.parse().expect("a media type is a header");
        let manifest = push.manifest.to_vec();
        let pushed = self.client.push_manifest_raw(&reference, manifest, kind).await;
        pushed.map_err(|error| self.fault(error))?;
        Ok(Digest::of(push.manifest))
    }
}
