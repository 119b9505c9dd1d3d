//! Before and after a component's part of a step: what joins the declared tables
//! with others, and what the step really did.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::audit::{self, AuditError, Before};
use crate::db::PostgresSession;
use crate::revision::Capabilities;

use super::prepare::Prepared;
use super::step::{Context, Transaction};
use super::{Event, StepError};

/// What was there before a step whose effects are looked at.
pub(super) struct Looked {
    before: Before,
    granted: Capabilities,
}

impl Context<'_> {
    /// Looks at the database before the first statement of a step that declares
    /// what it does, and tells what joins granted tables with others.
    pub(super) async fn look_before(
        &self,
        transaction: &Transaction,
        prepared: &Prepared,
        session: &Arc<Mutex<PostgresSession>>,
    ) -> Result<Option<Looked>, StepError> {
        let Some(granted) = prepared.manifest.grants() else {
            return Ok(None);
        };
        let mut session = session.lock().await;
        for missing in audit::missing(&mut session, &granted).await? {
            self.warn(prepared, missing.to_string());
        }
        // Without rows to write or to look at there is nothing to join.
        let joins = match granted.read.is_empty() && granted.write.is_empty() && granted.truncate.is_empty() {
            true => Vec::new(),
            false => audit::joins(&mut session, &granted).await?,
        };
        joins.iter().for_each(|join| self.warn(prepared, join.to_string()));
        let mut observer = self.observer().await;
        let continues = transaction.first != prepared.step.revision;
        let before = audit::before(&mut session, observer.as_deref_mut(), continues).await?;
        Ok(Some(Looked { before, granted }))
    }

    /// Compares what the step did with what its manifest grants. The component
    /// has ended.
    pub(super) async fn look_after(
        &self,
        looked: &Looked,
        session: &Arc<Mutex<PostgresSession>>,
    ) -> Result<(), StepError> {
        let mut session = session.lock().await;
        session.batch(DEFERRED).await.map_err(StepError::Settle)?;
        let mut observer = self.observer().await;
        let effects =
            audit::effects(&mut session, observer.as_deref_mut(), &looked.before, &looked.granted).await?;
        match effects.is_empty() {
            true => Ok(()),
            false => Err(StepError::Effects(effects)),
        }
    }

    /// A session that sees the committed state: the control session, where the
    /// guest has one of its own.
    async fn observer(&self) -> Option<tokio::sync::MutexGuard<'_, PostgresSession>> {
        match self.door {
            Some(_) => Some(self.session().await),
            None => None,
        }
    }

    fn warn(&self, prepared: &Prepared, message: String) {
        (self.reporter)(Event::Warning { revision: prepared.step.revision.clone(), message });
    }
}

/// Triggers that were deferred have their effects too.
const DEFERRED: &str = "SET CONSTRAINTS ALL IMMEDIATE";

impl From<AuditError> for StepError {
    fn from(error: AuditError) -> Self {
        Self::Audit(error)
    }
}
