//! The names of plugins.

use std::fmt;

use semver::VersionReq;
use serde::{Deserialize, Serialize};

/// The most characters of a name; a registry takes more.
const LONGEST: usize = 64;

/// The name of a plugin, as in `repair-text`: that of its crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginName(String);

/// A text that names no plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PluginNameError {
    /// It holds what a name does not.
    #[error(
        "`{0}` is no name of a plugin: lower-case letters, digits, `-` and `_` are allowed, after a letter"
    )]
    Characters(String),
    /// It is too long.
    #[error("`{0}` is too long for the name of a plugin: at most {LONGEST} characters are allowed")]
    TooLong(String),
}

/// The plugin that runs a revision. In a migration.toml it may ask for versions, as
/// in `repair-text@1.2`; the ledger has the one that ran, as in
/// `repair-text@1.2.0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginUse {
    /// Its name.
    pub name: PluginName,
    /// The version that ran; in a migration.toml, those that it may be.
    pub version: Option<String>,
}

impl PluginName {
    /// Checks a name.
    pub fn new(text: impl Into<String>) -> Result<Self, PluginNameError> {
        let text = text.into();
        let fits = |character: char| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || "-_".contains(character)
        };
        match text.starts_with(|first: char| first.is_ascii_lowercase()) && text.chars().all(fits) {
            false => Err(PluginNameError::Characters(text)),
            true if text.len() > LONGEST => Err(PluginNameError::TooLong(text)),
            true => Ok(Self(text)),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for PluginName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PluginName {
    type Error = PluginNameError;

    fn try_from(text: String) -> Result<Self, PluginNameError> {
        Self::new(text)
    }
}

impl From<PluginName> for String {
    fn from(name: PluginName) -> Self {
        name.0
    }
}

impl From<PluginName> for PluginUse {
    fn from(name: PluginName) -> Self {
        Self { name, version: None }
    }
}

impl PluginUse {
    /// The versions that a migration.toml asks for; none for any.
    pub fn wanted(&self) -> Result<Option<VersionReq>, semver::Error> {
        self.version.as_deref().map(VersionReq::parse).transpose()
    }
}

impl TryFrom<String> for PluginUse {
    type Error = PluginNameError;

    fn try_from(text: String) -> Result<Self, PluginNameError> {
        match text.split_once('@') {
            Some((name, version)) => {
                Ok(Self { name: PluginName::new(name)?, version: Some(version.to_owned()) })
            }
            None => PluginName::new(text).map(Self::from),
        }
    }
}

impl From<PluginUse> for String {
    fn from(plugin: PluginUse) -> Self {
        match plugin.version {
            Some(version) => format!("{}@{version}", plugin.name),
            None => plugin.name.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates_in_lower_case() {
        for fine in ["a", "repair-text", "x_9"] {
            assert_eq!(PluginName::new(fine).expect("a name").as_str(), fine);
        }
        for wrong in ["", "9x", "-x", "Repair", "a/b", "../x", "a b", "é", "a@1", &"x".repeat(65)] {
            assert!(PluginName::new(wrong).is_err(), "{wrong}");
        }
    }
}
