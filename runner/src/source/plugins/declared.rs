//! `[plugins]` in `runner.toml`.

use std::fmt;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::RegistryAddress;

/// One entry of `[plugins]`: where a plugin is from, and which versions may be
/// used.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginEntry {
    /// Where it is from.
    pub source: PluginSource,
    /// The versions; none for any.
    pub version: Option<VersionReq>,
}

/// Where a plugin is from. Paths are relative to `runner.toml`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PluginSource {
    /// The folder of its crate, or a finished component.
    Path(PathBuf),
    /// A folder or a tar file in OCI image layout; a bundle is one.
    Layout(PathBuf),
    /// A registry.
    Registry(RegistryAddress),
    /// The registry that `[registry]` names. Where runner.toml is read, that one
    /// takes its place.
    DefaultRegistry,
}

/// The entry as a table.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<RegistryAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<VersionReq>,
}

impl PluginEntry {
    /// Whether a version may be used.
    pub fn takes(&self, version: &Version) -> bool {
        self.version.as_ref().is_none_or(|wanted| wanted.matches(version))
    }

    /// The newest of some versions that may be used.
    pub fn newest<'a>(&self, versions: impl Iterator<Item = &'a Version>) -> Option<&'a Version> {
        newest_version(versions.filter(|version| self.takes(version)))
    }

    /// The versions that may be used, as people write them.
    pub fn wanted(&self) -> String {
        self.version.as_ref().map_or_else(|| "*".to_owned(), VersionReq::to_string)
    }
}

/// The newest of some versions: a release, or a version before one where there is
/// nothing else.
pub fn newest_version<'a>(versions: impl Iterator<Item = &'a Version>) -> Option<&'a Version> {
    versions.max_by_key(|version| (version.pre.is_empty(), *version))
}

impl PluginSource {
    /// The file or folder, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) | Self::Layout(path) => Some(path),
            Self::Registry(_) | Self::DefaultRegistry => None,
        }
    }

    /// What it is called in messages; paths are seen from `root`.
    pub fn place(&self, root: &Path) -> String {
        match self {
            Self::Path(path) | Self::Layout(path) => root.join(path).display().to_string(),
            Self::Registry(address) => address.to_string(),
            Self::DefaultRegistry => "the default registry".into(),
        }
    }

    /// Whether it may have several versions.
    pub fn has_versions(&self) -> bool {
        !matches!(self, Self::Path(_))
    }
}

impl fmt::Display for PluginSource {
    /// As `runner.lock` spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "path:{}", path.display()),
            Self::Layout(path) => write!(f, "layout:{}", path.display()),
            Self::Registry(address) => write!(f, "registry:{address}"),
            Self::DefaultRegistry => f.write_str("registry"),
        }
    }
}

impl Serialize for PluginEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = Table { version: self.version.clone(), ..Table::default() };
        match self.source.clone() {
            PluginSource::Path(path) => table.path = Some(path),
            PluginSource::Layout(layout) => table.layout = Some(layout),
            PluginSource::Registry(address) => table.registry = Some(address),
            PluginSource::DefaultRegistry => {}
        }
        table.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PluginEntry {
    /// Not by `untagged`: its errors would not name the key that is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = PluginEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a version, or a table with `version` and one of `registry`, `layout` and `path`")
            }

            fn visit_str<E: Error>(self, version: &str) -> Result<PluginEntry, E> {
                let version = version.parse().map_err(|error| {
                    E::custom(format!("`{version}` is no range of versions, as `1.2` is one: {error}"))
                })?;
                Ok(PluginEntry { source: PluginSource::DefaultRegistry, version: Some(version) })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PluginEntry, A::Error> {
                let Table { path, layout, registry, version } =
                    Table::deserialize(MapAccessDeserializer::new(map))?;
                let source = match (path, layout, registry) {
                    (Some(path), None, None) => PluginSource::Path(path),
                    (None, Some(layout), None) => PluginSource::Layout(layout),
                    (None, None, Some(address)) => PluginSource::Registry(address),
                    (None, None, None) if version.is_some() => PluginSource::DefaultRegistry,
                    _ => {
                        return Err(A::Error::custom(
                            "one of `registry`, `layout` and `path` says where a plugin is from",
                        ));
                    }
                };
                Ok(PluginEntry { source, version })
            }
        }

        deserializer.deserialize_any(Entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Result<PluginEntry, String> {
        let mut table: std::collections::BTreeMap<String, PluginEntry> =
            toml::from_str(text).map_err(|error| error.message().to_owned())?;
        Ok(table.remove("x").expect("it is set"))
    }

    #[test]
    fn an_entry_says_where_the_plugin_is_from() {
        let path = entry("x = { path = \"../x\" }").expect("sound");
        assert_eq!((path.source.to_string().as_str(), path.wanted().as_str()), ("path:../x", "*"));
        let layout = entry("x = { layout = \"v\", version = \"1.2\" }").expect("sound");
        assert_eq!((layout.source.to_string().as_str(), layout.wanted().as_str()), ("layout:v", "^1.2"));
        assert!(layout.takes(&"1.9.0".parse().expect("a version")));
        assert!(!layout.takes(&"2.0.0".parse().expect("a version")));
    }

    #[test]
    fn what_is_wrong_is_said() {
        insta::assert_snapshot!(entry("x = \"new\"").expect_err("no version"), @"`new` is no range of versions, as `1.2` is one: unexpected character 'n' while parsing major version number");
        insta::assert_snapshot!(entry("x = {}").expect_err("no source"), @"one of `registry`, `layout` and `path` says where a plugin is from");
        insta::assert_snapshot!(entry("x = { path = \"a\", layout = \"b\" }").expect_err("two"), @"one of `registry`, `layout` and `path` says where a plugin is from");
        insta::assert_snapshot!(entry("x = { pth = \"a\" }").expect_err("unknown"), @"unknown field `pth`, expected one of `path`, `layout`, `registry`, `version`");
        insta::assert_snapshot!(entry("x = { registry = \"https://a.b\" }").expect_err("a URL"), @"`https://a.b` is no registry: write it without `https://`, as docker does");
    }

    #[test]
    fn a_version_alone_is_from_the_default_registry() {
        for text in ["x = \"1.2\"", "x = { version = \"1.2\" }"] {
            let entry = entry(text).expect("sound");
            assert_eq!(
                (entry.source.clone(), entry.wanted().as_str()),
                (PluginSource::DefaultRegistry, "^1.2")
            );
        }
        let named = entry("x = { registry = \"a.b:5000/team\", version = \"1\" }").expect("sound");
        assert_eq!(named.source.to_string(), "registry:a.b:5000/team");
    }
}
