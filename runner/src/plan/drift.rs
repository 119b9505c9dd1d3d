//! Where the folder and the ledger disagree.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::revision::{Digest, RevisionId};

/// A revision about which the folder and the ledger disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Drift {
    /// Applied, and its sources were edited since.
    Changed {
        /// The revision.
        revision: RevisionId,
        /// The source digest when it was applied.
        applied: Digest,
        /// The source digest now.
        on_disk: Digest,
    },
    /// Applied, and not on disk.
    Missing {
        /// The revision.
        revision: RevisionId,
    },
}

impl Drift {
    /// The revision.
    pub fn revision(&self) -> &RevisionId {
        match self {
            Self::Changed { revision, .. } | Self::Missing { revision } => revision,
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { revision, .. } => write!(f, "`{revision}` was edited after it was applied"),
            Self::Missing { revision } => write!(f, "`{revision}` is applied and not on disk"),
        }
    }
}

/// Compares the source digests of what is on disk with those of what is
/// applied. A rebuilt component is no drift: its sources are the same.
pub fn drift(on_disk: &BTreeMap<RevisionId, Digest>, applied: &BTreeMap<RevisionId, Digest>) -> Vec<Drift> {
    applied
        .iter()
        .filter_map(|(revision, applied)| match on_disk.get(revision) {
            None => Some(Drift::Missing { revision: revision.clone() }),
            Some(on_disk) if on_disk != applied => {
                Some(Drift::Changed { revision: revision.clone(), applied: *applied, on_disk: *on_disk })
            }
            Some(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edited_and_missing_revisions_are_told_apart() {
        let id = |text: &str| RevisionId::new(text).expect("an id");
        let on_disk = BTreeMap::from([(id("a"), Digest::of(b"1")), (id("b"), Digest::of(b"2"))]);
        let applied = BTreeMap::from([
            (id("a"), Digest::of(b"1")),
            (id("b"), Digest::of(b"old")),
            (id("c"), Digest::of(b"3")),
        ]);
        let found = drift(&on_disk, &applied);
        assert!(matches!(&found[0], Drift::Changed { revision, .. } if revision.as_str() == "b"));
        assert!(matches!(&found[1], Drift::Missing { revision } if revision.as_str() == "c"));
        assert_eq!(found.len(), 2);
    }
}
