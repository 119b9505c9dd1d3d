//! What the ledger holds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Partly;
use crate::revision::{Digest, Direction, Manifest, RevisionId};

/// What the ledger says of the state of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// What is applied, in the order of the ids.
    pub applied: Vec<Applied>,
    /// The steps without a transaction that were begun and not finished.
    pub partly: Vec<Partly>,
}

/// What is read of every applied revision: enough for the graph and for drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The revision.
    pub revision: RevisionId,
    /// Its parents when it was applied.
    pub parents: Vec<RevisionId>,
    /// What it depended on.
    pub depends_on: Vec<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its message.
    pub message: String,
    /// The digest of what its author wrote.
    pub source_digest: Digest,
    /// The digest of the component that ran, or that would have; none of a
    /// revision that was stamped and has no code.
    pub component_digest: Option<Digest>,
    /// When it was applied, in ISO 8601.
    pub applied_at: String,
    /// The database role that applied it.
    pub applied_by: String,
}

/// Everything about one applied revision: enough to take it back without its
/// folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The manifest when it was applied.
    pub manifest: Manifest,
    /// The parameters that the component was given; for kind `sql` the two
    /// scripts.
    pub params: Value,
    /// The digest of what its author wrote.
    pub source_digest: Digest,
    /// The digest of the component that ran, or that would have; none of a
    /// revision that was stamped and has no code.
    pub component_digest: Option<Digest>,
    /// When it was applied, in ISO 8601.
    pub applied_at: String,
    /// The database role that applied it.
    pub applied_by: String,
    /// Who ran the program, as it was told.
    pub actor: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How many statements it ran.
    pub statements: u64,
    /// How many rows they touched.
    pub rows: u64,
    /// The version of the runner.
    pub runner_version: String,
    /// What confined it while it ran; none where nothing ran, and where an older
    /// runner did not say.
    pub confinement: Option<Confinement>,
}

/// One run of the program, as the journal knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// A random number that its journal rows share, in hexadecimal.
    pub id: String,
    /// Who runs the program, as `user@host`.
    pub actor: String,
    /// What whoever runs it wants to find it by.
    pub tag: Option<String>,
}

/// What confined a step while it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confinement {
    /// A login of its own, and the rules for its statements.
    Role,
    /// The rules for its statements, on the runner's own session.
    Policy,
    /// Nothing but what keeps the runner's transaction whole: the project's own
    /// SQL, whose manifest asks for no more.
    Unrestricted,
}

impl Confinement {
    /// The word of the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Policy => "policy",
            Self::Unrestricted => "unrestricted",
        }
    }
}

/// How a row of the ledger came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The step ran.
    Done,
    /// Nothing ran: the ledger was told that it is so.
    Stamped,
}

impl How {
    /// The word of the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stamped => "stamped",
        }
    }
}

/// What a finished step leaves behind, or a stamp.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<'a> {
    /// Whether it ran.
    pub how: How,
    /// What confined it while it ran; none if it did not run.
    pub confinement: Option<Confinement>,
    /// Which way.
    pub direction: Direction,
    /// The revision's manifest.
    pub manifest: &'a Manifest,
    /// The parameters that the component was given.
    pub params: &'a Value,
    /// The digest of what its author wrote.
    pub source_digest: Digest,
    /// The digest of the component that ran, if there is one.
    pub component_digest: Option<Digest>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How many statements it ran.
    pub statements: u64,
    /// How many rows they touched.
    pub rows: u64,
}

/// What a failed step leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// Which way.
    pub direction: Direction,
    /// The revision.
    pub revision: &'a RevisionId,
    /// The digest of what its author wrote.
    pub source_digest: Digest,
    /// The digest of the component that ran.
    pub component_digest: Digest,
    /// The server's code, if it was the server that objected.
    pub sqlstate: Option<&'a str>,
    /// What confined it.
    pub confinement: Confinement,
    /// What went wrong.
    pub message: &'a str,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}
