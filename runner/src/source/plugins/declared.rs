//! `[plugins]` in `runner.toml`.

use std::fmt;
use std::path::{Path, PathBuf};

use semver::VersionReq;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
}

/// The entry as a table.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<VersionReq>,
}

impl PluginEntry {
    /// Whether a version may be used.
    pub fn takes(&self, version: &semver::Version) -> bool {
        self.version.as_ref().is_none_or(|wanted| wanted.matches(version))
    }

    /// The versions that may be used, as people write them.
    pub fn wanted(&self) -> String {
        self.version.as_ref().map_or_else(|| "*".to_owned(), VersionReq::to_string)
    }
}

impl PluginSource {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Layout(path) => path,
        }
    }
}

impl fmt::Display for PluginSource {
    /// As `runner.lock` spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "path:{}", path.display()),
            Self::Layout(path) => write!(f, "layout:{}", path.display()),
        }
    }
}

impl Serialize for PluginEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (path, layout) = match self.source.clone() {
            PluginSource::Path(path) => (Some(path), None),
            PluginSource::Layout(layout) => (None, Some(layout)),
        };
        Table { path, layout, version: self.version.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PluginEntry {
    /// Not by `untagged`: its errors would not name the key that is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = PluginEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table with `path`, or with `layout` and `version`")
            }

            fn visit_str<E: Error>(self, version: &str) -> Result<PluginEntry, E> {
                Err(E::custom(format!(
                    "a version alone does not say where the plugin is from, and this runner asks no registry: \
                     write `{{ version = \"{version}\", layout = \"FOLDER\" }}` or `{{ path = \"FOLDER\" }}`"
                )))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PluginEntry, A::Error> {
                let Table { path, layout, version } = Table::deserialize(MapAccessDeserializer::new(map))?;
                let source = match (path, layout) {
                    (Some(path), None) => PluginSource::Path(path),
                    (None, Some(layout)) => PluginSource::Layout(layout),
                    _ => {
                        return Err(A::Error::custom(
                            "one of `path` and `layout` says where a plugin is from",
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
        insta::assert_snapshot!(entry("x = \"1.2\"").expect_err("no source"), @r#"a version alone does not say where the plugin is from, and this runner asks no registry: write `{ version = "1.2", layout = "FOLDER" }` or `{ path = "FOLDER" }`"#);
        insta::assert_snapshot!(entry("x = { version = \"1\" }").expect_err("no source"), @"one of `path` and `layout` says where a plugin is from");
        insta::assert_snapshot!(entry("x = { path = \"a\", layout = \"b\" }").expect_err("two"), @"one of `path` and `layout` says where a plugin is from");
        insta::assert_snapshot!(entry("x = { pth = \"a\" }").expect_err("unknown"), @"unknown field `pth`, expected one of `path`, `layout`, `version`");
    }
}
