//! Revision ids, branch labels and package names.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest id or label, in bytes.
const MAX_LENGTH: usize = 64;

/// A revision's id: letters, digits, `_` and `.`; before it, if the revision is
/// part of a package, the package's name and a colon, as in `billing:8b01c7d2`.
///
/// The characters that the target grammar needs (`@`, `:`, `+`, `-`) cannot be
/// part of a name, nor can a name be one of the grammar's words. A copy shares
/// the text: plans hold each id many times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RevisionId(Arc<str>);

/// The name of a package of revisions. The same characters as in an id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(Arc<str>);

/// A branch label. The same characters as in an id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(Arc<str>);

/// Why a text is no id and no label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// There is nothing.
    #[error("an id cannot be empty")]
    Empty,
    /// It is longer than 64 bytes.
    #[error("`{0}` is longer than {MAX_LENGTH} characters")]
    TooLong(String),
    /// A character that has a meaning in targets, or that file names would not
    /// survive.
    #[error("`{text}` holds {found:?}; letters, digits, `_` and `.` are allowed")]
    Character {
        /// The whole text.
        text: String,
        /// The first character that is not allowed.
        found: char,
    },
    /// A word of the target grammar.
    #[error("`{0}` is a word of the command line and cannot be an id")]
    Reserved(String),
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_LENGTH {
        return Err(IdError::TooLong(text.to_owned()));
    }
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.');
    if let Some(found) = text.chars().find(|character| !allowed(*character)) {
        return Err(IdError::Character { text: text.to_owned(), found });
    }
    match text {
        "head" | "heads" | "base" | "current" => Err(IdError::Reserved(text.to_owned())),
        _ => Ok(()),
    }
}

/// Checks an id with or without its package.
fn check_qualified(text: &str) -> Result<(), IdError> {
    match text.split_once(':') {
        Some((package, id)) => check(package).and_then(|()| check(id)),
        None => check(text),
    }
}

macro_rules! name {
    ($name:ident, $check:path) => {
        impl $name {
            /// Checks the text.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(RevisionId, check_qualified);
name!(Label, check);
name!(PackageName, check);

impl RevisionId {
    /// A new id: twelve hexadecimal digits from 48 random bits.
    pub fn from_random(bits: u64) -> Self {
        Self(format!("{:012x}", bits & 0xffff_ffff_ffff).into())
    }

    /// The package that the revision is part of.
    pub fn package(&self) -> Option<&str> {
        self.0.split_once(':').map(|(package, _)| package)
    }

    /// The id without the package.
    pub fn local(&self) -> &str {
        self.0.split_once(':').map_or(self.as_str(), |(_, local)| local)
    }

    /// The same id as a part of `package`.
    pub fn in_package(&self, package: &PackageName) -> Self {
        Self(format!("{package}:{}", self.local()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_clear_of_the_target_grammar() {
        for good in ["8b01c7d2aa90", "2024_01.init", "a"] {
            assert_eq!(RevisionId::new(good).expect("an id").to_string(), good);
        }
        for bad in [
            "", "a@head", "a-1", "a+1", "a:", ":b", "a:b:c", "a:head", "head", "heads", "base", "current",
            "é", "a b",
        ] {
            assert!(RevisionId::new(bad).is_err(), "{bad}");
        }
        assert!(RevisionId::new("x".repeat(65)).is_err());
    }

    #[test]
    fn an_id_can_be_part_of_a_package() {
        let id = RevisionId::new("billing:8b01").expect("an id");
        assert_eq!((id.package(), id.local()), (Some("billing"), "8b01"));
        let plain = RevisionId::new("8b01").expect("an id");
        assert_eq!((plain.package(), plain.local()), (None, "8b01"));
        let billing = PackageName::new("billing").expect("a name");
        assert_eq!((plain.in_package(&billing), id.in_package(&billing)), (id.clone(), id));
    }

    #[test]
    fn random_ids_are_twelve_digits() {
        assert_eq!(RevisionId::from_random(0x8b01_c7d2_aa90).as_str(), "8b01c7d2aa90");
        assert_eq!(RevisionId::from_random(7).as_str(), "000000000007");
    }
}
