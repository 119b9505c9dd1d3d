//! Versions of a package that a revision depends on.

use std::fmt;
use std::str::FromStr;

use semver::{Version, VersionReq};

use super::{IdError, PackageName};

/// A range of versions of a package, as in `billing@^1.2` or `billing@>=1.2, <2`.
/// No id and no label holds the `@`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The package.
    pub package: PackageName,
    /// The versions.
    pub versions: VersionReq,
}

/// A text that is no such range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// What stands before the `@` names no package.
    #[error("`{text}` names no package: {source}")]
    Package {
        /// The whole text.
        text: String,
        /// Why.
        source: IdError,
    },
    /// What stands behind it is no range.
    #[error("`{text}` asks for no versions: {reason}")]
    Versions {
        /// The whole text.
        text: String,
        /// Why.
        reason: String,
    },
}

impl Requirement {
    /// Whether an entry of `depends_on` is a range, rather than an id or a label.
    pub fn is_meant(entry: &str) -> bool {
        entry.contains('@')
    }

    /// Whether a version lies in the range.
    pub fn takes(&self, version: &Version) -> bool {
        self.versions.matches(version)
    }

    /// Whether a version lies beyond the range: above it, as 2.0.0 and its
    /// pre-releases are above `^1.2`. The pre-releases of what lies in it do not.
    pub fn is_passed_by(&self, version: &Version, least: &Version) -> bool {
        let released = Version::new(version.major, version.minor, version.patch);
        version > least && !self.takes(version) && !self.takes(&released)
    }
}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        let (package, versions) = text.split_once('@').unwrap_or((text, ""));
        let package = PackageName::new(package)
            .map_err(|source| RequirementError::Package { text: text.to_owned(), source })?;
        let versions = VersionReq::parse(versions).map_err(|error| RequirementError::Versions {
            text: text.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { package, versions })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.package, self.versions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_written_behind_the_package() {
        for (text, shown) in [("billing@1.2", "billing@^1.2"), ("b@>=1.2, <2", "b@>=1.2, <2")] {
            assert_eq!(text.parse::<Requirement>().expect("a range").to_string(), shown);
        }
        let said = |text: &str| text.parse::<Requirement>().expect_err("none").to_string();
        assert!(said("a-b@1").contains("`a-b@1` names no package"), "{}", said("a-b@1"));
        assert!(said("b@one").contains("`b@one` asks for no versions"), "{}", said("b@one"));
        assert!(said("b@").contains("`b@` asks for no versions"), "{}", said("b@"));
    }

    #[test]
    fn what_is_above_the_range_passes_it() {
        let range: Requirement = "b@^1.2".parse().expect("a range");
        let (least, version) = (Version::new(1, 2, 0), |text: &str| text.parse::<Version>().expect("one"));
        let passes = |text: &str| range.is_passed_by(&version(text), &least);
        assert!(passes("2.0.0") && passes("2.0.0-rc.1"));
        assert!(!passes("1.9.0") && !passes("1.3.0-rc.1") && !passes("1.0.0"));
    }
}
