//! Telling the ledger where the database is, without running anything.

use serde_json::Value;

use crate::db::{AdvisoryLock, Connection, Held, PostgresSession, TableName, TextRow};
use crate::graph::Target;
use crate::ledger::{How, LedgerError, Outcome, alembic_heads};
use crate::plan::{self, Stamp, Step};
use crate::revision::{Digest, Direction, Kind, Manifest, RevisionId};
use crate::sandbox::Door;
use crate::source::{Artifact, Found, Isolation};

use super::partly;
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

/// What was taken over from Alembic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromAlembic {
    /// What its table says.
    pub versions: Vec<String>,
    /// What that made of the ledger.
    pub stamp: Stamp,
}

/// What the ledger is to hold of a revision that was not run.
pub(super) struct Row {
    manifest: Manifest,
    params: Value,
    source_digest: Digest,
    /// What could take it back; none of a revision that was imported without
    /// its SQL.
    pub(super) artifact: Option<Artifact>,
}

impl From<Prepared> for Row {
    fn from(prepared: Prepared) -> Self {
        let Prepared { manifest, params, source_digest, artifact, .. } = prepared;
        Self { manifest, params, source_digest, artifact: Some(artifact) }
    }
}

impl Row {
    fn imported(found: &Found) -> Self {
        let (manifest, params) = (found.manifest.clone(), found.params());
        Self { manifest, params, source_digest: found.source_digest, artifact: None }
    }
}

impl Preparer<'_> {
    /// Prepares the rows of a stamp; where there is nothing to run there is
    /// nothing to check.
    pub(super) async fn rows(&mut self, steps: &[Step], on_disk: &OnDisk) -> Result<Vec<Row>, RunError> {
        let mut rows = Vec::with_capacity(steps.len());
        for step in steps {
            let found = &on_disk.revisions[&step.revision];
            match found.manifest.kind {
                Kind::Imported => rows.push(Row::imported(found)),
                Kind::Sql | Kind::Rust | Kind::Plugin => {
                    let prepared = self.as_on_disk(std::slice::from_ref(step), on_disk).await?;
                    rows.extend(prepared.into_iter().map(Row::from));
                }
            }
        }
        Ok(rows)
    }
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
        let (connection, state) = self.connect_for(Direction::Upgrade).await?;
        let result = self.stamp_on(&connection, state, targets, &options, None).await;
        self.close(connection).await;
        result
    }

    /// Takes over what Alembic's table of versions says: stamps its revisions,
    /// and all that they need. The table is left alone.
    ///
    /// Refuses a revision that is not on disk, and to forget one that is applied
    /// here already.
    pub async fn stamp_from_alembic(
        &self,
        table: &TableName,
        options: &StampOptions,
    ) -> Result<FromAlembic, RunError> {
        let (connection, state) = self.connect_for(Direction::Upgrade).await?;
        let result = self.take_over(&connection, state, table, options).await;
        self.close(connection).await;
        result
    }

    /// What Alembic's table says. Its bare name is looked for where the login
    /// looks for names, which the control session of guests does not.
    async fn alembic_versions(
        &self,
        connection: &Connection,
        table: &TableName,
    ) -> Result<Vec<String>, LedgerError> {
        let session = connection.session();
        let mut session = session.lock().await;
        if self.isolation() == Isolation::Policy {
            return alembic_heads(&mut session, table).await;
        }
        session.batch("RESET search_path").await?;
        let versions = alembic_heads(&mut session, table).await;
        session.batch(Door::CONTROL).await?;
        versions
    }

    async fn take_over(
        &self,
        connection: &Connection,
        state: State,
        table: &TableName,
        options: &StampOptions,
    ) -> Result<FromAlembic, RunError> {
        let versions = self.alembic_versions(connection, table).await?;
        let (mut revisions, mut unknown) = (Vec::new(), Vec::new());
        for version in &versions {
            match imported_as(&state.on_disk, version) {
                Some(revision) => revisions.push(revision.clone()),
                None => unknown.push(version.clone()),
            }
        }
        if !unknown.is_empty() {
            return Err(RunError::NotImported { table: table.to_string(), unknown });
        }
        // What needs another one is stamped after it: a stamp takes away what
        // comes after its target.
        let order = state.on_disk.graph.ids(&state.on_disk.graph.order());
        revisions.sort_by_key(|id| order.iter().position(|other| other == id));
        let targets: Vec<Target> = revisions.iter().map(Target::revision).collect();
        let stamp = self.stamp_on(connection, state, &targets, options, Some(table)).await?;
        Ok(FromAlembic { versions, stamp })
    }

    /// `from_alembic` is the table that the targets are from: then no row may
    /// go.
    async fn stamp_on(
        &self,
        connection: &Connection,
        state: State,
        targets: &[Target],
        options: &StampOptions,
        from_alembic: Option<&TableName>,
    ) -> Result<Stamp, RunError> {
        let make = |state: &State| {
            let stamp = make_stamp(state, targets, options)?;
            match from_alembic {
                Some(table) if !stamp.removed.is_empty() => {
                    Err(RunError::AheadOfAlembic { table: table.to_string(), ahead: stamp.removed })
                }
                _ => Ok(stamp),
            }
        };
        let mut stamp = make(&state)?;
        if stamp.is_empty() {
            return Ok(stamp);
        }
        let mut rows = self.prepare_rows(&state.on_disk, &stamp.added, options).await?;
        let lock = AdvisoryLock::for_schema(self.ledger.schema_name());
        let held = self.acquire(connection, lock).await?;
        // Another runner may have been at work until we had the lock. Where this
        // returns early, the end of the session releases it.
        let contents = self.ledger.contents(&mut *connection.session().lock().await).await?;
        let now = State::read(state.on_disk, contents);
        if now.applied != state.applied || now.partly != state.partly {
            self.report_changes(&state.applied, &now.applied);
            stamp = make(&now)?;
            rows = self.prepare_rows(&now.on_disk, &stamp.added, options).await?;
        }
        if !stamp.is_empty() {
            self.write_stamp(&mut *connection.session().lock().await, (lock, &held), &stamp, &rows).await?;
        }
        self.release(connection, lock).await;
        Ok(stamp)
    }

    /// Loads and checks what the rows hold, as an upgrade would: what is
    /// recorded must be able to run, unless it was imported without SQL.
    async fn prepare_rows(
        &self,
        on_disk: &OnDisk,
        revisions: &[RevisionId],
        options: &StampOptions,
    ) -> Result<Vec<Row>, RunError> {
        let mut preparer = Preparer::new(self.host(), &self.project).with_overrides(&options.params);
        let steps = stamp_steps(revisions);
        if !options.no_build {
            preparer.build_missing(&steps, on_disk, &self.reporter, self.stop.builds()).await?;
        }
        let rows = preparer.rows(&steps, on_disk).await?;
        preparer.check_overrides()?;
        Ok(rows)
    }

    /// Writes all of it in one transaction.
    async fn write_stamp(
        &self,
        session: &mut PostgresSession,
        (lock, held): (AdvisoryLock, &Held),
        stamp: &Stamp,
        rows: &[Row],
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
        rows: &[Row],
    ) -> Result<(), LedgerError> {
        self.ledger.unstamp(session, &self.run, &stamp.removed).await?;
        session.batch(&self.ledger.forget_statements_sql(&stamp.forgotten, "true")).await?;
        let mut kept = std::collections::HashSet::new();
        for row in rows {
            if let Some(artifact) = row.artifact.as_ref().filter(|artifact| kept.insert(artifact.digest)) {
                self.ledger.keep_component(session, artifact.digest, &artifact.bytes).await?;
            }
            self.ledger.stamp(session, &self.run, transaction, &stamped(row)).await?;
        }
        Ok(())
    }
}

/// The revision on disk that an id of Alembic's stands for; a package may be
/// before it.
fn imported_as<'a>(on_disk: &'a OnDisk, version: &str) -> Option<&'a RevisionId> {
    let mut same = on_disk.revisions.values().filter(|found| found.manifest.revision.local() == version);
    let first = same.next()?;
    let imported = std::iter::once(first).chain(same).find(|found| found.manifest.imported.is_some());
    Some(&imported.unwrap_or(first).manifest.revision)
}

fn make_stamp(state: &State, targets: &[Target], options: &StampOptions) -> Result<Stamp, RunError> {
    // What is written anew is read from disk.
    let graph = if options.purge { &state.on_disk.graph } else { &state.graph };
    let mut stamp = plan::stamp(graph, &state.applied_ids(), targets, options.purge)?;
    stamp.forgotten = partly::forgotten(state, targets, options.purge)?;
    Ok(stamp)
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
pub(super) fn stamped(row: &Row) -> Outcome<'_> {
    Outcome {
        how: How::Stamped,
        confinement: None,
        direction: Direction::Upgrade,
        manifest: &row.manifest,
        params: &row.params,
        source_digest: row.source_digest,
        component_digest: row.artifact.as_ref().map(|artifact| artifact.digest),
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
