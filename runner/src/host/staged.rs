//! Bulk writers whose rows wait in a stage: `open-update`, `open-upsert`,
//! `open-delete`.
//!
//! Every statement here is the host's own. What the guest gives becomes quoted
//! names in it, after they were compared with the catalogs.

use std::sync::Arc;

use super::bindings::sql::{Counts, RewriteOptions, TableColumn, TableDescription};
use super::bindings::types;
use super::large::LargeChange;
use super::state::Fault;
use super::work::{Sent, Work, observing};
use super::writer::OpenWriter;
use crate::bulk::{BulkError, Change, Conflict, Shape, Stage, Target, Use};
use crate::db::{DbError, ServerError, TableName, TextRow, quote_literal};
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

    fn change(self, lock_out_writers: bool) -> LargeChange {
        match self {
            Self::Update { .. } => LargeChange::Update { lock_out_writers },
            Self::Upsert(_) => LargeChange::Upsert { lock_out_writers },
            Self::Delete { .. } => LargeChange::Delete { lock_out_writers },
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
    pub(super) progress: Progress,
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
    pub(super) bytes: u64,
    /// How often the stage was applied and emptied.
    pub(super) flushes: u32,
    pub(super) inserted: u64,
    pub(super) updated: u64,
    pub(super) deleted: u64,
    pub(super) unchanged: u64,
    pub(super) missing: u64,
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
        // What is wrong is said before anything is locked.
        Shape::new(&target, &key, &columns, kind.usage()).map_err(refusal)?;
        if lock_out_writers {
            self.must_not_be_read_yet(&target, &table).await?;
        }
        self.warn_of_size(kind.change(lock_out_writers), &target);
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

    /// Refuses to lock writers out of a table that an open reader has begun to
    /// read: what they commit before the lock is there, the reader does not see,
    /// and the rows made of it would take it back.
    pub(super) async fn must_not_be_read_yet(&mut self, target: &Target, label: &str) -> Result<(), Fault> {
        if self.readers.is_empty() {
            return Ok(());
        }
        // Opening a cursor has taken this lock on all that it reads.
        let sql = format!(
            "SELECT 1 FROM pg_catalog.pg_locks WHERE pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() \
             AND locktype OPERATOR(pg_catalog.=) 'relation' AND mode OPERATOR(pg_catalog.=) 'AccessShareLock' \
             AND relation OPERATOR(pg_catalog.=) {}::pg_catalog.regclass::pg_catalog.oid LIMIT 1",
            quote_literal(&target.sql_name().to_string())
        );
        match self.ask_own(&sql, &["SELECT"], label).await?.is_empty() {
            true => Ok(()),
            false => Err(Fault::other(
                "order",
                format!(
                    "{} is being read already, from before others are locked out: what they write meanwhile would be \
                     lost; open the writer before the reader",
                    target.label()
                ),
            )),
        }
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

    pub(super) fn staged(&mut self, id: u32) -> Option<&mut Staged> {
        self.writers.get_mut(&id).and_then(|writer| writer.staged.as_deref_mut())
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
        let (answer, observed) = observing!(session, session => session.ask(sql));
        self.as_expected(answer, observed, tags, Sent::whole(label))
    }
}

/// What a guest is told before anything was done.
pub(super) fn refusal(error: BulkError) -> Fault {
    Fault::other(error.kind(), error.to_string())
}
