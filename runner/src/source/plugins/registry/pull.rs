//! What a registry has, and getting it.

use bytes::Bytes;
use oci_client::errors::OciDistributionError;
use oci_client::manifest::OciDescriptor;
use oci_client::{Reference, RegistryOperation};
use semver::Version;

use crate::revision::{Digest, PluginName};
use crate::source::BuildStop;
use crate::source::oci::{COMPONENT, Descriptor, INDEX, MANIFEST, Manifest};

use super::RegistryFault;
use super::client::{Bounded, Connection, Repository, SILENCE, is_absent};

/// The longest component that is pulled, in bytes. The plugins of the catalogue
/// have less than 2 MiB.
const LONGEST: u64 = 64 << 20;

/// How many names are asked for at a time, and how often at most.
const PAGE: usize = 1_000;
const MOST_PAGES: usize = 20;

/// A plugin that was pulled.
pub(in crate::source::plugins) struct Pulled {
    pub(in crate::source::plugins) version: Version,
    /// The component, which is what its digest says.
    pub(in crate::source::plugins) component: Bytes,
}

/// What became of a search.
pub(in crate::source::plugins) enum Sought<T> {
    /// It is there.
    Found(T),
    /// There is no such version; these there are, oldest first.
    NoVersion(Vec<Version>),
    /// There is no such plugin; these there are, as far as the registry tells.
    NoPlugin(Vec<PluginName>),
}

impl Repository<'_> {
    /// The versions that there are, oldest first. Tags that are no version are not
    /// ours.
    pub(in crate::source::plugins) fn versions(
        &self,
        stop: &BuildStop,
    ) -> Result<Sought<Vec<Version>>, RegistryFault> {
        self.ask(SILENCE, stop, async |connection| connection.versions().await)
    }

    /// Pulls the version that is chosen of those that there are, oldest first.
    pub(in crate::source::plugins) fn newest(
        &self,
        choose: impl Fn(&[Version]) -> Option<Version> + Send + Sync,
        stop: &BuildStop,
    ) -> Result<Sought<Pulled>, RegistryFault> {
        self.ask(SILENCE, stop, async |connection| {
            let known = match connection.versions().await? {
                Sought::Found(known) => known,
                Sought::NoVersion(known) => return Ok(Sought::NoVersion(known)),
                Sought::NoPlugin(known) => return Ok(Sought::NoPlugin(known)),
            };
            match choose(&known) {
                Some(version) => connection.pull(&version).await,
                None => Ok(Sought::NoVersion(known)),
            }
        })
    }

    /// Pulls one version.
    pub(in crate::source::plugins) fn exactly(
        &self,
        version: &Version,
        stop: &BuildStop,
    ) -> Result<Sought<Pulled>, RegistryFault> {
        self.ask(SILENCE, stop, async |connection| connection.pull(version).await)
    }
}

impl Connection<'_> {
    async fn versions(&self) -> Result<Sought<Vec<Version>>, RegistryFault> {
        let mut tags: Vec<String> = Vec::new();
        for _ in 0..MOST_PAGES {
            let last = tags.last().cloned();
            let (any, auth) = (self.any(), &self.login.auth);
            let page = match self.client.list_tags(&any, auth, Some(PAGE), last.as_deref()).await {
                Ok(page) => page.tags,
                Err(error) if is_absent(&error) => return Ok(Sought::NoPlugin(self.names().await)),
                // docker's registry lists no tags as `null`.
                Err(OciDistributionError::JsonError(_)) if tags.is_empty() => Vec::new(),
                Err(error) => return Err(self.fault(error)),
            };
            // A registry may make pages shorter than they were asked for.
            if page.is_empty() || page.last() == tags.last() {
                break;
            }
            tags.extend(page);
        }
        let mut versions: Vec<Version> =
            tags.iter().filter_map(|tag| tag.replace('_', "+").parse().ok()).collect();
        versions.sort();
        versions.dedup();
        Ok(Sought::Found(versions))
    }

    /// The plugins of the namespace. Few registries tell everybody.
    async fn names(&self) -> Vec<PluginName> {
        let catalog = self.client.catalog(&self.any(), &self.login.auth, Some(PAGE), None).await;
        let repositories = catalog.map(|catalog| catalog.repositories).unwrap_or_default();
        let name = |repository: &String| PluginName::new(self.repository.address.name_of(repository)?).ok();
        repositories.iter().filter_map(name).collect()
    }

    async fn pull(&self, version: &Version) -> Result<Sought<Pulled>, RegistryFault> {
        let reference = self.reference(version);
        let Some((manifest, _)) = self.manifest(&reference, version).await? else {
            return Ok(match self.versions().await? {
                Sought::Found(known) => Sought::NoVersion(known),
                Sought::NoVersion(known) => Sought::NoVersion(known),
                Sought::NoPlugin(known) => Sought::NoPlugin(known),
            });
        };
        let what = self.what(version);
        let layer = manifest.layers.iter().find(|layer| layer.media_type == COMPONENT);
        let layer = layer.ok_or_else(|| RegistryFault::NoComponent {
            what: what.clone(),
            found: format!("its layers are {}", types(&manifest.layers)),
        })?;
        let component = self.layer(&reference, layer, what).await?;
        Ok(Sought::Found(Pulled { version: version.clone(), component }))
    }

    /// The manifest of a version and its digest; none if there is no such version.
    pub(super) async fn manifest(
        &self,
        reference: &Reference,
        version: &Version,
    ) -> Result<Option<(Manifest, Digest)>, RegistryFault> {
        let wanted = [MANIFEST, INDEX];
        let pulled = self.client.pull_manifest_raw(reference, &self.login.auth, &wanted).await;
        let (bytes, announced) = match pulled {
            Ok(pulled) => pulled,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(self.fault(error)),
        };
        let what = format!("the manifest of {}", self.what(version));
        let digest = Digest::of(&bytes);
        if announced != digest.to_string() {
            return Err(RegistryFault::Malformed { what, reason: format!("its digest is not {announced}") });
        }
        let kind: Kind = read(&bytes, &what)?;
        match kind.media_type.as_deref() {
            None | Some(MANIFEST) => Ok(Some((read(&bytes, &what)?, digest))),
            Some(other) => Err(RegistryFault::NoComponent {
                what: self.what(version),
                found: format!("it is of type {other}"),
            }),
        }
    }

    async fn layer(
        &self,
        reference: &Reference,
        layer: &Descriptor,
        what: String,
    ) -> Result<Bytes, RegistryFault> {
        if layer.size > LONGEST {
            return Err(RegistryFault::TooLarge { what, size: layer.size, most: LONGEST });
        }
        self.log_in(reference, RegistryOperation::Pull).await?;
        let blob = OciDescriptor {
            media_type: layer.media_type.clone(),
            digest: layer.digest.to_string(),
            size: i64::try_from(layer.size).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        let mut out = Bounded::new(layer.size);
        let pulled = self.client.pull_blob(reference, &blob, &mut out).await;
        let (found, expected) = (out.bytes.len() as u64, layer.size);
        match pulled {
            Ok(()) if found == expected && Digest::of(&out.bytes) == layer.digest => Ok(out.bytes.into()),
            Ok(()) | Err(OciDistributionError::DigestError(_)) if found < expected => {
                Err(RegistryFault::Truncated { what, found, expected })
            }
            // The connection ended in the middle.
            Err(OciDistributionError::RequestError(_)) if found > 0 => {
                Err(RegistryFault::Truncated { what, found, expected })
            }
            Ok(()) | Err(OciDistributionError::DigestError(_) | OciDistributionError::IoError(_)) => {
                Err(RegistryFault::Changed { what, expected: layer.digest })
            }
            Err(error) => Err(self.fault(error)),
        }
    }

    pub(super) fn what(&self, version: &Version) -> String {
        format!("{} {version}", self.repository.name)
    }
}

/// What says of which kind a manifest is.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    media_type: Option<String>,
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, RegistryFault> {
    serde_json::from_slice(bytes)
        .map_err(|error| RegistryFault::Malformed { what: what.to_owned(), reason: error.to_string() })
}

fn types(layers: &[Descriptor]) -> String {
    let types: Vec<&str> = layers.iter().map(|layer| layer.media_type.as_str()).collect();
    if types.is_empty() { "none".to_owned() } else { types.join(", ") }
}
