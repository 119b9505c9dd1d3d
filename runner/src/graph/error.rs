//! What can be wrong with a set of revisions.

use std::fmt;

use semver::Version;

use crate::revision::{Label, PackageName, RevisionId};

use super::Required;

/// One thing that is wrong with the set of revisions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two revisions share an id.
    #[error("revision `{id}` exists twice: in {first} and in {second}")]
    DuplicateId {
        /// The id.
        id: RevisionId,
        /// Where the first one is.
        first: String,
        /// Where the second one is.
        second: String,
    },
    /// A parent that does not exist.
    #[error("revision `{id}` names unknown parent `{parent}` ({origin})")]
    UnknownParent {
        /// The revision.
        id: RevisionId,
        /// What it names.
        parent: RevisionId,
        /// Where the revision is.
        origin: String,
    },
    /// A dependency that does not exist.
    #[error("revision `{id}` depends on unknown revision or label `{dependency}` ({origin})")]
    UnknownDependency {
        /// The revision.
        id: RevisionId,
        /// What it names.
        dependency: String,
        /// Where the revision is.
        origin: String,
    },
    /// A parent or a dependency that is in several packages.
    #[error("revision `{id}` names `{name}`, which several packages have: {} ({origin})", list(candidates))]
    AmbiguousName {
        /// The revision.
        id: RevisionId,
        /// What it names.
        name: String,
        /// The revisions of that name.
        candidates: Vec<RevisionId>,
        /// Where the revision is.
        origin: String,
    },
    /// A dependency that is a parent already.
    #[error("revision `{id}` depends on `{dependency}`, which is its parent already ({origin})")]
    RedundantDependency {
        /// The revision.
        id: RevisionId,
        /// What it names.
        dependency: String,
        /// Where the revision is.
        origin: String,
    },
    /// A range of versions of a package that is not there.
    #[error(
        "revision `{id}` requires {}, and no revision is of that package{}",
        ranges(required),
        near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    )]
    UnknownPackage {
        /// The revision.
        id: RevisionId,
        /// What it asks for.
        required: Vec<Required>,
        /// The package whose name is most like it.
        near: Option<String>,
    },
    /// A range of versions of the revision's own package.
    #[error(
        "revision `{id}` requires {}, which is its own package: name a revision of it in `parents` or `depends_on`",
        ranges(required)
    )]
    OwnPackage {
        /// The revision.
        id: RevisionId,
        /// What it asks for.
        required: Vec<Required>,
    },
    /// No version lies in all ranges that a revision asks for.
    #[error("revision `{id}` requires {}, and {}", ranges(required), there_is(versions))]
    NoVersion {
        /// The revision.
        id: RevisionId,
        /// What it asks for.
        required: Vec<Required>,
        /// What there is, oldest first.
        versions: Vec<Version>,
    },
    /// A revision of an older version than what comes before it.
    #[error(
        "revision `{id}` is there since version {since} of its package, and its parent since {before} ({origin})"
    )]
    SinceGoesBack {
        /// The revision.
        id: RevisionId,
        /// What it says.
        since: Version,
        /// The version of its parent.
        before: Version,
        /// Where the revision is.
        origin: String,
    },
    /// Ranges that cannot all be met in one order.
    #[error(
        "the versions of package `{package}` that are required exclude each other:\n{}",
        reasons.join("\n")
    )]
    VersionConflict {
        /// One of the packages.
        package: PackageName,
        /// What each revision of the circle asks for.
        reasons: Vec<String>,
    },
    /// Two revisions claim a label.
    #[error("label `{label}` is claimed by `{first}` and by `{second}`")]
    DuplicateLabel {
        /// The label.
        label: Label,
        /// One of them.
        first: RevisionId,
        /// The other.
        second: RevisionId,
    },
    /// A label that is a revision's id.
    #[error("label `{label}` of `{id}` is also the id of a revision")]
    LabelIsId {
        /// The label.
        label: Label,
        /// The revision that claims it.
        id: RevisionId,
    },
    /// Revisions that wait for each other.
    #[error("revisions form a cycle: {}", Cycle(.0))]
    Cycle(Vec<RevisionId>),
}

struct Cycle<'a>(&'a [RevisionId]);

impl fmt::Display for Cycle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in self.0 {
            write!(f, "`{id}` → ")?;
        }
        // The cycle is closed: the first one again.
        if let Some(first) = self.0.first() {
            write!(f, "`{first}`")?;
        }
        Ok(())
    }
}

/// Ranges as messages list them, with where they are written.
fn ranges(required: &[Required]) -> String {
    let one = |required: &Required| format!("`{}` ({})", required.range, required.place);
    required.iter().map(one).collect::<Vec<_>>().join(" and ")
}

fn there_is(versions: &[Version]) -> String {
    match versions {
        [] => "no revision of that package says since which version it is there (`since = \"1.0.0\"`)".into(),
        [one] => format!("that package has version {one} only"),
        several => {
            let several: Vec<_> = several.iter().map(ToString::to_string).collect();
            format!("that package has the versions {}", several.join(", "))
        }
    }
}

/// Ids as messages list them.
pub(super) fn list(ids: &[RevisionId]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}
