//! Bulk writers whose rows wait in a stage: `open-update`, `open-upsert`,
//! `open-delete`.
//!
//! Every statement here is the host's own. What the guest gives becomes quoted
//! names in it, after they were compared with the catalogs.

use std::sync::Arc;

use super::bindings::sql::{Counts, RewriteOptions, TableColumn, TableDescription};
use super::bindings::types;
use super::state::Fault;
use super::work::{Sent, Work};
use super::writer::OpenWriter;
use crate::bulk::{BulkError, Change, Conflict, Examples, Shape, Stage, Target, Use};
use crate::db::{DbError, ServerError, TableName, TextRow};
use crate::policy::TableUse;

/// What a guest wants to open.
pub(super) struct Opening {
    /// The table's name as the guest gave it.
    pub(super) table: String,
    /// None means the primary key.
    pub(super) key: Vec<String>,
    pub(super) columns: Vec<String>,
    pub(super) kind: Kind,
    pub(super) lock_out_writers: bool,
}

/// What becomes of the rows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Update { skip_unchanged: bool, allow_missing: bool },
    Upsert(Conflict),
    Delete { allow_missing: bool },
}

impl Kind {
    /// The command that a guest would write for it.
    fn command(self) -> &'static str {
        match self {
            Self::Update { .. } => "UPDATE",
            Self::Upsert(_) => "INSERT",
            Self::Delete { .. } => "DELETE",
        }
    }

    fn usage(self) -> Use {
        match self {
            Self::Update { .. } => Use::Update,
            Self::Upsert(conflict) => Use::Upsert { keep_existing: conflict == Conflict::Keep },
            Self::Delete { .. } => Use::Delete,
        }
    }
}

/// What never changes of a staged writer.
pub(super) struct Plan {
    pub(super) target: Target,
    pub(super) stage: Stage,
    pub(super) goal: Goal,
    /// What errors call it.
    pub(super) label: String,
}

/// What becomes of the rows, with all that is known of it.
pub(super) enum Goal {
    /// They change rows by their key.
    Change(Kind, Box<Change>),
    /// They become the table's contents.
    Rewrite(RewriteOptions),
}

/// A writer's rows that wait, and what became of those that were applied.
pub(super) struct Staged {
    pub(super) plan: Arc<Plan>,
    progress: Progress,
    /// Whether a statement of it has failed: nothing more is taken, until a
    /// savepoint is rolled back that was set before.
    pub(super) has_failed: bool,
    /// Whether the guest has given its handle back.
    pub(super) is_finishing: bool,
}

/// What a savepoint has to bring back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Rows in the stage.
    pub(super) waiting: u64,
    /// Their bytes, as they were sent.
    bytes: u64,
    /// How often the stage was applied and emptied.
    flushes: u32,
    inserted: u64,
    updated: u64,
    deleted: u64,
    unchanged: u64,
    missing: u64,
}

impl Staged {
    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    /// A savepoint was rolled back.
    pub(super) fn rewind(&mut self, progress: Progress) {
        self.progress = progress;
        self.has_failed = false;
    }

    /// The server has taken rows into the stage.
    pub(super) fn took(&mut self, rows: u64, bytes: u64) {
        self.progress.waiting += rows;
        self.progress.bytes += bytes;
    }

    /// What became of all rows, of which `written` were written.
    pub(super) fn counts(&self, written: u64) -> Counts {
        let Progress { inserted, updated, deleted, unchanged, missing, .. } = self.progress;
        Counts { written, inserted, updated, deleted, unchanged, missing }
    }
}

impl Plan {
    /// The target, for messages.
    fn table(&self) -> String {
        self.target.label()
    }

    /// The same error without a word of the stage. `before` are the rows that
    /// were written before this COPY.
    pub(super) fn explained(&self, error: DbError, before: u64) -> Result<DbError, BulkError> {
        let DbError::Server(error) = error else { return Ok(error) };
        let place = error.context.as_deref();
        let place = place.and_then(|context| crate::bulk::place_of(context, self.stage.name()));
        let row = place.as_ref().map(|place| before + place.row);
        let is_stage = error.table.as_deref() == Some(self.stage.name());
        if let (Some(row), "23502", true, Some(column)) =
            (row, error.sqlstate.as_str(), is_stage, &error.column)
        {
            return Err(BulkError::NullInKey { table: self.table(), row, column: column.clone() });
        }
        Ok(DbError::Server(Box::new(self.renamed(*error, row, place.and_then(|place| place.column)))))
    }

    fn renamed(&self, mut error: ServerError, row: Option<u64>, column: Option<String>) -> ServerError {
        let (stage, target) = (self.stage.name(), &self.target);
        if error.table.as_deref() == Some(stage) {
            (error.schema, error.table) = (Some(target.schema.clone()), Some(target.name.clone()));
        }
        if let Some(row) = row {
            let column = column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
            error.message.push_str(&format!(" (row {row} that was written for {}{column})", self.table()));
        }
        error.column = error.column.or(column);
        for text in
            [Some(&mut error.message), error.detail.as_mut(), error.hint.as_mut(), error.context.as_mut()]
                .into_iter()
                .flatten()
        {
            *text = text.replace(stage, &target.name);
        }
        error
    }
}

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
    /// Reads what a table is, if the policy allows these uses of it.
    pub(super) async fn target(
        &mut self,
        what: &'static str,
        table: &str,
        uses: &[TableUse],
    ) -> Result<Target, Fault> {
        self.usable()?;
        let name = TableName::parse(table).map_err(|error| Fault::other("syntax", error.to_string()))?;
        let allowed = self.policy_mut().table(what, name.schema.as_deref(), &name.table, uses);
        let allowed = allowed.map_err(|error| self.refused(error, table))?;
        let schema = Some(allowed.schema).filter(|schema| !schema.is_empty());
        let name = TableName { schema, table: allowed.name };
        self.read_target(&name, table).await
    }

    pub(super) async fn read_target(&mut self, name: &TableName, label: &str) -> Result<Target, Fault> {
        let rows = self.ask_own(&Target::question(&name.to_string()), &["SELECT"], label).await?;
        Target::from_rows(label, &rows).map_err(refusal)
    }

    pub(super) async fn describe(&mut self, table: &str) -> Result<TableDescription, Fault> {
        let target = self.target("describe-table", table, &[TableUse::Describe]).await?;
        let key = target.natural_key();
        let columns = target.columns.into_iter().map(|column| TableColumn {
            nullable: column.nullable,
            generated: column.generated,
            column: types::Column {
                name: column.name,
                type_oid: column.type_oid,
                type_name: column.type_name,
                type_modifier: column.type_modifier,
            },
        });
        Ok(TableDescription {
            columns: columns.collect(),
            schema: target.schema,
            name: target.name,
            key,
            estimated_rows: target.estimated_rows,
        })
    }

    pub(super) async fn start_staged(&mut self, opening: Opening) -> Result<u32, Fault> {
        let Opening { table, key, columns, kind, lock_out_writers } = opening;
        let uses: &[TableUse] = match lock_out_writers {
            true => &[TableUse::Write, TableUse::Lock],
            false => &[TableUse::Write],
        };
        let target = self.target(kind.command(), &table, uses).await?;
        target.must_be_table().map_err(refusal)?;
        // From here on nobody alters the table, and then it is read again.
        let mode = if lock_out_writers { "SHARE ROW EXCLUSIVE" } else { "ROW EXCLUSIVE" };
        let lock = format!("LOCK TABLE {} IN {mode} MODE", target.sql_only());
        self.ask_own(&lock, &["LOCK TABLE"], &table).await?;
        let target = self.read_target(&target.sql_name(), &table).await?;
        let shape = Shape::new(&target, &key, &columns, kind.usage()).map_err(refusal)?;
        let label = format!("{} {} by ({})", kind.command(), target.sql_name(), shape.key_names().join(", "));
        let change = Change::new(target, shape);
        let (target, stage) = (change.target().clone(), change.stage().clone());
        let goal = Goal::Change(kind, Box::new(change));
        self.make_stage(Plan { target, stage, goal, label }).await
    }

    pub(super) async fn make_stage(&mut self, plan: Plan) -> Result<u32, Fault> {
        let stage = plan.stage.clone();
        // The second is the tag of CREATE TABLE AS … WITH NO DATA.
        let tags = ["SELECT", "CREATE TABLE AS", "ALTER TABLE"];
        self.ask_own(&stage.create(&plan.target), &tags, &plan.label).await?;
        let session = self.usable()?;
        let names: Vec<String> = stage.columns().iter().map(|column| column.name.clone()).collect();
        let name = stage.sql_name().to_string();
        let answer = session.lock().await.table_columns(&name, &names).await;
        let columns = self.noted_without_place(answer, Sent::whole(&plan.label))?;
        let id = self.next_id();
        let label = plan.target.sql_name().to_string();
        let staged = Staged {
            plan: Arc::new(plan),
            progress: Progress::default(),
            has_failed: false,
            is_finishing: false,
        };
        self.writers.insert(id, OpenWriter::staged(name, label, columns, staged));
        Ok(id)
    }

    /// Applies what waits, if it is more than may wait. What is to be a table's
    /// whole contents waits for its end.
    pub(super) async fn apply_if_much(&mut self, id: u32) -> Result<(), Fault> {
        let limit = self.stage_bytes;
        let is_much = self.staged(id).is_some_and(|staged| {
            matches!(staged.plan.goal, Goal::Change(..)) && staged.progress.bytes >= limit
        });
        if is_much { self.apply(id, false).await } else { Ok(()) }
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
        let savepoint = Savepoint::new();
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
                if let Some(found) = self.examples(&task.change.missing(), task).await? {
                    return Err(self.missing(task, found));
                }
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
        let savepoint = Savepoint::new();
        self.ask_own(&savepoint.set(), &["SAVEPOINT"], task.label).await?;
        let session = self.usable()?;
        self.count_statement();
        let (answer, observed) = {
            let mut session = session.lock().await;
            (session.ask(&task.change.upsert(conflict)).await, session.observed())
        };
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
        let before = crate::db::quote_literal(&before);
        let sql = format!("SELECT pg_catalog.set_config('work_mem', {before}, true)");
        self.ask_own(&sql, &["SELECT"], task.label).await.map(drop)
    }

    pub(super) fn staged(&mut self, id: u32) -> Option<&mut Staged> {
        self.writers.get_mut(&id).and_then(|writer| writer.staged.as_deref_mut())
    }

    async fn run_own_counted(&mut self, sql: &str, tags: &[&str], task: Task<'_>) -> Result<u64, Fault> {
        let session = self.usable()?;
        self.count_statement();
        let (answer, observed) = {
            let mut session = session.lock().await;
            (session.run(sql).await, session.observed())
        };
        self.as_expected(answer, observed, tags, Sent::whole(task.label))
    }

    /// Asks something in the host's own words. Errors call it `label`.
    pub(super) async fn ask_own(
        &mut self,
        sql: &str,
        tags: &[&str],
        label: &str,
    ) -> Result<Vec<TextRow>, Fault> {
        let session = self.usable()?;
        self.count_statement();
        let (answer, observed) = {
            let mut session = session.lock().await;
            (session.ask(sql).await, session.observed())
        };
        self.as_expected(answer, observed, tags, Sent::whole(label))
    }
}

/// A savepoint around one statement of the host's own.
struct Savepoint(String);

impl Savepoint {
    fn new() -> Self {
        Self(format!("runner_{:016x}", rand::random::<u64>()))
    }

    fn set(&self) -> String {
        format!("SAVEPOINT {}", self.0)
    }

    fn roll_back(&self) -> String {
        format!("ROLLBACK TO SAVEPOINT {}", self.0)
    }

    fn release(&self) -> String {
        format!("RELEASE SAVEPOINT {}", self.0)
    }
}

/// What a guest is told before anything was done.
pub(super) fn refusal(error: BulkError) -> Fault {
    Fault::other(error.kind(), error.to_string())
}
