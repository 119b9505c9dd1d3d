//! Telling the ledger where the database is, without running anything.

use crate::db::{AdvisoryLock, Connection, Held, PostgresSession, TextRow};
use crate::graph::Target;
use crate::ledger::{How, LedgerError, Outcome};
use crate::plan::{self, Stamp, Step};
use crate::revision::{Direction, RevisionId};

use super::prepare::{Prepared, Preparer};
use super::{Migrator, OnDisk, Override, RunError, State};

/// How a stamp is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StampOptions {
    /// Remove every row first, and write those that stay anew.
    pub purge: bool,
    /// Crates that are not built yet are an error instead of being built.
    pub no_build: bool,
    /// Parameters that take the place of what the manifests say.
    pub params: Vec<Override>,
}

impl Migrator {
    /// Tells the ledger that the database is at some revisions, and runs
    /// nothing. For each target in turn: what comes after it is no longer
    /// applied, and it is, with everything that it needs.
    ///
    /// A row that is written can be taken back with `downgrade` later: it has
    /// the component with it. Takes no lock and writes nothing if the ledger
    /// says so already.
    pub async fn stamp(&self, targets: &[Target], options: StampOptions) -> Result<Stamp, RunError> {
        let (connection, state) = self.connect().await?;
        let result = self.stamp_on(&connection, state, targets, &options).await;
        connection.close().await;
        result
    }

    async fn stamp_on(
        &self,
        connection: &Connection,
        state: State,
        targets: &[Target],
        options: &StampOptions,
    ) -> Result<Stamp, RunError> {
        let mut stamp = make_stamp(&state, targets, options)?;
        if stamp.is_empty() {
            return Ok(stamp);
        }
        let mut rows = self.prepare_rows(&state.on_disk, &stamp.added, options).await?;
        let lock = AdvisoryLock::for_schema(self.ledger.schema_name());
        let held = self.acquire(connection, lock).await?;
        // Another runner may have been at work until we had the lock. Where this
        // returns early, the end of the session releases it.
        let applied = self.ledger.applied(&mut *connection.session().lock().await).await?;
        let now = State::new(state.on_disk, applied);
        if now.applied != state.applied {
            stamp = make_stamp(&now, targets, options)?;
            rows = self.prepare_rows(&now.on_disk, &stamp.added, options).await?;
        }
        if !stamp.is_empty() {
            self.write_stamp(&mut *connection.session().lock().await, (lock, &held), &stamp, &rows).await?;
        }
        let released = lock.release(&mut *connection.session().lock().await).await;
        if let Err(error) = released {
            tracing::debug!("the lock could not be released ({error}); the server does it by itself");
        }
        Ok(stamp)
    }

    /// Loads and checks what the rows hold, as an upgrade would: what is
    /// recorded must be able to run.
    async fn prepare_rows(
        &self,
        on_disk: &OnDisk,
        revisions: &[RevisionId],
        options: &StampOptions,
    ) -> Result<Vec<Prepared>, RunError> {
        let mut preparer = Preparer::new(self.host(), &self.project).with_overrides(&options.params);
        let steps = stamp_steps(revisions);
        if !options.no_build {
            preparer.build_missing(&steps, on_disk, &self.reporter).await?;
        }
        let rows = preparer.as_on_disk(&steps, on_disk).await?;
        preparer.check_overrides()?;
        Ok(rows)
    }

    /// Writes all of it in one transaction.
    async fn write_stamp(
        &self,
        session: &mut PostgresSession,
        (lock, held): (AdvisoryLock, &Held),
        stamp: &Stamp,
        rows: &[Prepared],
    ) -> Result<(), LedgerError> {
        self.ledger.ensure(session).await?;
        let begin = format!(
            "BEGIN; SET LOCAL search_path = pg_catalog, pg_temp; \
             SELECT pg_catalog.pg_current_xact_id(), {} AND {}",
            held.same_process_expression(),
            lock.held_expression(),
        );
        let began = session.batch(&begin).await?;
        let result = match transaction(began) {
            Some(transaction) => self.write_rows(session, &transaction, stamp, rows).await,
            None => Err(LedgerError::LockLost),
        };
        let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = session.batch(end).await;
        result.and(ended.map(|_| ()).map_err(LedgerError::from))
    }

    async fn write_rows(
        &self,
        session: &mut PostgresSession,
        transaction: &str,
        stamp: &Stamp,
        rows: &[Prepared],
    ) -> Result<(), LedgerError> {
        self.ledger.unstamp(session, &self.run, &stamp.removed).await?;
        let mut kept = std::collections::HashSet::new();
        for row in rows {
            if kept.insert(row.artifact.digest) {
                self.ledger.keep_component(session, row.artifact.digest, &row.artifact.bytes).await?;
            }
            self.ledger.stamp(session, &self.run, transaction, &stamped(row)).await?;
        }
        Ok(())
    }
}

fn make_stamp(state: &State, targets: &[Target], options: &StampOptions) -> Result<Stamp, RunError> {
    // What is written anew is read from disk.
    let graph = if options.purge { &state.on_disk.graph } else { &state.graph };
    Ok(plan::stamp(graph, &state.applied_ids(), targets, options.purge)?)
}

/// The steps whose rows are written.
pub(super) fn stamp_steps(revisions: &[RevisionId]) -> Vec<Step> {
    let step = |revision: &RevisionId| Step {
        revision: revision.clone(),
        direction: Direction::Upgrade,
        heads_after: Vec::new(),
    };
    revisions.iter().map(step).collect()
}

/// What the ledger holds of a revision that was not run.
pub(super) fn stamped(row: &Prepared) -> Outcome<'_> {
    Outcome {
        how: How::Stamped,
        direction: Direction::Upgrade,
        manifest: &row.manifest,
        params: &row.params,
        source_digest: row.source_digest,
        component_digest: Some(row.artifact.digest),
        duration_ms: 0,
        statements: 0,
        rows: 0,
    }
}

/// The transaction's id, if the lock is still ours.
fn transaction(began: Vec<TextRow>) -> Option<String> {
    let mut fields = began.into_iter().next_back()?.into_iter().flatten();
    let id = fields.next()?;
    (fields.next()? == "t").then_some(id)
}
