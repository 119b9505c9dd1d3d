//! One entry of `migrations.dirs`.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::revision::PackageName;

/// A folder that holds revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MigrationsDir {
    /// The folder; in `runner.toml` relative to that file.
    pub path: PathBuf,
    /// The package that its revisions are part of: their ids begin with its
    /// name and a colon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageName>,
    /// Whether revisions may lie deeper than directly in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recursive: Option<bool>,
}

/// The entry as a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    path: PathBuf,
    package: Option<PackageName>,
    recursive: Option<bool>,
}

impl MigrationsDir {
    /// A folder without a package.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), package: None, recursive: None }
    }

    /// Whether revisions may lie deeper than directly in it.
    pub fn is_recursive(&self) -> bool {
        self.recursive.unwrap_or(false)
    }
}

impl<'de> Deserialize<'de> for MigrationsDir {
    /// Not by `untagged`: its errors would not name the key that is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = MigrationsDir;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path, or a table with `path`, `package` and `recursive`")
            }

            fn visit_str<E: Error>(self, path: &str) -> Result<MigrationsDir, E> {
                Ok(MigrationsDir::new(path))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MigrationsDir, A::Error> {
                let Table { path, package, recursive } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(MigrationsDir { path, package, recursive })
            }
        }

        deserializer.deserialize_any(Entry)
    }
}
