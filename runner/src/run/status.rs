//! Where each revision stands: what deployments and pipelines ask for.

use serde::Serialize;

use crate::ledger::Partly;
use crate::plan::Drift;
use crate::revision::RevisionId;

use super::{Migrator, RunError, State};

/// Where one revision stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Applied, and as it is on disk.
    Applied,
    /// On disk, and not applied.
    Pending,
    /// Applied, and edited since.
    Changed,
    /// Applied, and not on disk.
    Missing,
}

/// One revision and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevisionStatus {
    /// The revision.
    pub revision: RevisionId,
    /// What it does, in one line.
    pub message: String,
    /// Where it stands.
    pub standing: Standing,
    /// When it was applied, in ISO 8601; none if it is not.
    pub applied_at: Option<String>,
    /// The database role that applied it; none if it is not applied.
    pub applied_by: Option<String>,
    /// How much of it is done, if it is applied or taken back in part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partly: Option<Partly>,
}

/// Where a database and a project stand to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// All revisions, on disk and applied, each after what it needs.
    pub revisions: Vec<RevisionStatus>,
    /// The heads of what is on disk.
    pub heads: Vec<RevisionId>,
    /// The heads of what is applied.
    pub current: Vec<RevisionId>,
    /// What is applied, or taken back, in part; also what is not on disk any more.
    pub partly: Vec<Partly>,
}

/// What keeps a database from being at the heads of the project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database is not at the heads of the project: {}", reasons.join("; "))]
pub struct NotCurrent {
    /// The revisions that are not applied, in order.
    pub pending: Vec<RevisionId>,
    /// The revisions that are applied, or taken back, in part.
    pub partly: Vec<Partly>,
    /// The applied revisions that are not as they are on disk.
    pub drift: Vec<Drift>,
    reasons: Vec<String>,
}

impl State {
    /// Where each revision stands.
    pub fn status(&self) -> Status {
        let order = self.graph.ids(&self.graph.order());
        Status {
            revisions: order.iter().map(|id| self.revision_status(id)).collect(),
            heads: self.on_disk.graph.ids(&self.on_disk.graph.heads()),
            current: self.current_heads(),
            partly: self.partly.values().cloned().collect(),
        }
    }

    /// Where one revision of the graph stands.
    pub fn standing(&self, id: &RevisionId) -> Standing {
        match (self.on_disk.revisions.get(id), self.applied.get(id)) {
            (_, None) => Standing::Pending,
            (None, Some(_)) => Standing::Missing,
            (Some(found), Some(applied)) if found.source_digest != applied.source_digest => Standing::Changed,
            (Some(_), Some(_)) => Standing::Applied,
        }
    }

    fn revision_status(&self, id: &RevisionId) -> RevisionStatus {
        let applied = self.applied.get(id);
        let on_disk = self.on_disk.revisions.get(id).map(|found| found.manifest.message.clone());
        RevisionStatus {
            revision: id.clone(),
            message: on_disk.or_else(|| applied.map(|applied| applied.message.clone())).unwrap_or_default(),
            standing: self.standing(id),
            applied_at: applied.map(|applied| applied.applied_at.clone()),
            applied_by: applied.map(|applied| applied.applied_by.clone()),
            partly: self.partly.get(id).cloned(),
        }
    }

    /// Whether everything on disk is applied, as it is on disk, and nothing else.
    pub fn check_current(&self) -> Result<(), NotCurrent> {
        let (pending, drift) = (self.pending(), self.drift());
        let mut reasons: Vec<String> = drift.iter().map(ToString::to_string).collect();
        let partly: Vec<Partly> = self.partly.values().cloned().collect();
        reasons.splice(0..0, partly.iter().map(ToString::to_string));
        if !pending.is_empty() {
            let ids: Vec<_> = pending.iter().map(|id| format!("`{id}`")).collect();
            reasons.insert(0, format!("not applied: {}", ids.join(", ")));
        }
        match reasons.is_empty() {
            true => Ok(()),
            false => Err(NotCurrent { pending, partly, drift, reasons }),
        }
    }
}

impl Status {
    /// How many revisions stand so.
    pub fn count(&self, standing: Standing) -> usize {
        self.revisions.iter().filter(|revision| revision.standing == standing).count()
    }
}

impl Migrator {
    /// Where each revision stands. Takes no lock and writes nothing.
    pub async fn status(&self) -> Result<Status, RunError> {
        Ok(self.state().await?.status())
    }

    /// Fails if the database is not at the heads of the project: for the start
    /// of an application that must not run on a schema of another version.
    /// Takes no lock and writes nothing.
    pub async fn check_current(&self) -> Result<(), RunError> {
        Ok(self.state().await?.check_current()?)
    }
}
