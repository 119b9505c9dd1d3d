//! Applying what waits in a stage.

use std::sync::Arc;

use super::staged::{Goal, Kind, Progress, refusal};
use super::state::Fault;
use super::work::{Sent, Work, observing};
use crate::bulk::{BulkError, Change, Conflict, Examples};
use crate::db::{SavepointName, quote_literal};

/// One change that is under way.
#[derive(Clone, Copy)]
struct Task<'a> {
    change: &'a Change,
    kind: Kind,
    label: &'a str,
}

impl Task<'_> {
    fn table(self) -> String {
        self.change.target().label()
    }
}

/// How much memory the server may use to bring stage and table together; see
/// PostgreSQL's manual, `work_mem`. With less it divides both into parts on disk,
/// and goes through the table in the order of the parts: half as fast.
const WORK_MEM: &str = "256MB";
/// The stages, in bytes, for which that makes no difference.
const SMALL_STAGE: u64 = 1 << 20;

impl Work {
    /// Applies what waits, if it is more than may wait. What is to be a table's
    /// whole contents waits for its end.
    pub(super) async fn apply_if_much(&mut self, id: u32) -> Result<(), Fault> {
        let limit = self.data.stage_bytes;
        let is_much = self.staged(id).is_some_and(|staged| {
            matches!(staged.plan.goal, Goal::Change(..)) && staged.progress.bytes >= limit
        });
        if !is_much {
            return Ok(());
        }
        self.catch_up().await;
        self.apply(id, false).await
    }

    /// Applies what waits. With `is_last` the stage is gone after it, otherwise
    /// empty.
    pub(super) async fn apply(&mut self, id: u32, is_last: bool) -> Result<(), Fault> {
        let applied = self.apply_rows(id, is_last).await;
        if applied.is_err()
            && let Some(staged) = self.staged(id)
        {
            staged.has_failed = true;
        }
        applied
    }

    async fn apply_rows(&mut self, id: u32, is_last: bool) -> Result<(), Fault> {
        let Some(staged) = self.staged(id) else { return Err(Fault::closed("writer")) };
        let (plan, before) = (Arc::clone(&staged.plan), staged.progress);
        let mut after = before;
        let _beat = self.meter.applying(before.waiting, &plan.target.label());
        match &plan.goal {
            Goal::Change(..) if before.waiting == 0 => {}
            Goal::Change(kind, change) => {
                let task = Task { change, kind: *kind, label: &plan.label };
                self.apply_change(task, &mut after).await?;
            }
            Goal::Rewrite(options) => {
                let (deleted, inserted) = self.refill(&plan, *options, before.waiting).await?;
                (after.deleted, after.inserted) = (deleted, inserted);
            }
        }
        let stage = &plan.stage;
        if is_last {
            self.ask_own(&stage.drop(before.flushes > 0), &["DROP TABLE"], &plan.label).await?;
        } else {
            self.ask_own(&stage.keep_keys(before.flushes == 0), &["SELECT", "INSERT 0"], &plan.label).await?;
            self.ask_own(&stage.empty(), &["TRUNCATE TABLE"], &plan.label).await?;
        }
        (after.waiting, after.bytes, after.flushes) = (0, 0, before.flushes + 1);
        if let Some(staged) = self.staged(id) {
            staged.progress = after;
        }
        Ok(())
    }

    async fn apply_change(&mut self, task: Task<'_>, progress: &mut Progress) -> Result<(), Fault> {
        let memory = self.widen_memory(task, progress.bytes).await?;
        self.check_repeated(task, *progress).await?;
        match task.kind {
            Kind::Update { skip_unchanged, allow_missing } => {
                self.update(task, skip_unchanged, allow_missing, progress).await?;
            }
            Kind::Upsert(conflict) => self.upsert(task, conflict, progress).await?,
            Kind::Delete { allow_missing } => self.delete(task, allow_missing, progress).await?,
        }
        self.give_memory_back(task, memory).await
    }

    async fn update(
        &mut self,
        task: Task<'_>,
        skip_unchanged: bool,
        allow_missing: bool,
        progress: &mut Progress,
    ) -> Result<(), Fault> {
        let updated = self.run_own_counted(&task.change.update(skip_unchanged), &["UPDATE"], task).await?;
        progress.updated += updated;
        // A key that was there twice has changed one row, and one that is not in
        // the table none.
        if updated == progress.waiting {
            return Ok(());
        }
        self.check_duplicates(task).await?;
        let missing = self.examples(&task.change.missing(), task).await?;
        let count = missing.as_ref().map_or(0, |missing| missing.count);
        if let (Some(found), false) = (missing, allow_missing) {
            return Err(self.missing(task, found));
        }
        progress.missing += count;
        progress.unchanged += progress.waiting.saturating_sub(updated + count);
        Ok(())
    }

    async fn delete(
        &mut self,
        task: Task<'_>,
        allow_missing: bool,
        progress: &mut Progress,
    ) -> Result<(), Fault> {
        // Which keys were missing can be seen only before they are deleted.
        let savepoint = SavepointName::random();
        if !allow_missing {
            self.ask_own(&savepoint.set(), &["SAVEPOINT"], task.label).await?;
        }
        let deleted = self.run_own_counted(&task.change.delete(), &["DELETE"], task).await?;
        progress.deleted += deleted;
        if deleted != progress.waiting {
            self.check_duplicates(task).await?;
            // A trigger may have kept some.
            let there = self.ask_own(&task.change.count_there(), &["SELECT"], task.label).await?;
            let kept = task.change.count(&there).map_err(refusal)?;
            let missing = progress.waiting.saturating_sub(deleted + kept);
            if missing > 0 && !allow_missing {
                self.ask_own(&savepoint.roll_back(), &["ROLLBACK"], task.label).await?;
                return Err(match self.examples(&task.change.missing(), task).await? {
                    Some(found) => self.missing(task, found),
                    None => {
                        let error = BulkError::CameBack { table: task.table(), count: missing };
                        self.spoiled(&error, task.label)
                    }
                });
            }
            progress.missing += missing;
            progress.unchanged += kept;
        }
        if !allow_missing {
            self.ask_own(&savepoint.release(), &["RELEASE"], task.label).await?;
        }
        Ok(())
    }

    async fn upsert(
        &mut self,
        task: Task<'_>,
        conflict: Conflict,
        progress: &mut Progress,
    ) -> Result<(), Fault> {
        let savepoint = SavepointName::random();
        self.ask_own(&savepoint.set(), &["SAVEPOINT"], task.label).await?;
        let session = self.usable()?;
        self.count_statement();
        let (answer, observed) = observing!(session, session => session.ask(&task.change.upsert(conflict)));
        // A row that the statement has inserted or changed already.
        if answer.as_ref().is_err_and(|error| error.sqlstate() == Some("21000")) {
            self.ask_own(&savepoint.roll_back(), &["ROLLBACK"], task.label).await?;
            self.check_duplicates(task).await?;
        }
        let answer = self.as_expected(answer, observed, &["SELECT"], Sent::whole(task.label))?;
        let applied = task.change.applied(&answer).map_err(refusal)?;
        self.ask_own(&savepoint.release(), &["RELEASE"], task.label).await?;
        let others = progress.waiting.saturating_sub(applied.inserted + applied.updated);
        if others > 0 {
            self.check_duplicates(task).await?;
        }
        progress.inserted += applied.inserted;
        progress.updated += applied.updated;
        progress.unchanged += others;
        Ok(())
    }

    async fn check_duplicates(&mut self, task: Task<'_>) -> Result<(), Fault> {
        match self.examples(&task.change.duplicates(), task).await? {
            Some(found) => {
                Err(self.spoiled(&BulkError::Duplicates { table: task.table(), found }, task.label))
            }
            None => Ok(()),
        }
    }

    /// Looks for keys that were applied with an earlier part of the rows.
    async fn check_repeated(&mut self, task: Task<'_>, progress: Progress) -> Result<(), Fault> {
        if progress.flushes == 0 {
            return Ok(());
        }
        match self.examples(&task.change.repeated(), task).await? {
            Some(found) => {
                Err(self.spoiled(&BulkError::Duplicates { table: task.table(), found }, task.label))
            }
            None => Ok(()),
        }
    }

    fn missing(&mut self, task: Task<'_>, found: Examples) -> Fault {
        let may_be_hidden = task.change.target().row_security;
        self.spoiled(&BulkError::Missing { table: task.table(), found, may_be_hidden }, task.label)
    }

    async fn examples(&mut self, sql: &str, task: Task<'_>) -> Result<Option<Examples>, Fault> {
        let rows = self.ask_own(sql, &["SELECT"], task.label).await?;
        task.change.examples(&rows).map_err(refusal)
    }

    /// Returns the setting that is to be put back.
    async fn widen_memory(&mut self, task: Task<'_>, bytes: u64) -> Result<Option<String>, Fault> {
        if bytes < SMALL_STAGE {
            return Ok(None);
        }
        let sql = format!(
            "SELECT pg_catalog.current_setting('work_mem'), CASE WHEN \
             pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) OPERATOR(pg_catalog.<) \
             pg_catalog.pg_size_bytes('{WORK_MEM}') THEN pg_catalog.set_config('work_mem', '{WORK_MEM}', true) END"
        );
        let rows = self.ask_own(&sql, &["SELECT"], task.label).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }

    async fn give_memory_back(&mut self, task: Task<'_>, before: Option<String>) -> Result<(), Fault> {
        let Some(before) = before else { return Ok(()) };
        let before = quote_literal(&before);
        let sql = format!("SELECT pg_catalog.set_config('work_mem', {before}, true)");
        self.ask_own(&sql, &["SELECT"], task.label).await.map(drop)
    }

    async fn run_own_counted(&mut self, sql: &str, tags: &[&str], task: Task<'_>) -> Result<u64, Fault> {
        let session = self.usable()?;
        self.count_statement();
        let (answer, observed) = observing!(session, session => session.run(sql));
        self.as_expected(answer, observed, tags, Sent::whole(task.label))
    }
}
