//! Bulk writers whose rows become the contents of a table: `open-rewrite`.

use super::bindings::sql::RewriteOptions;
use super::large::LargeChange;
use super::staged::{Goal, Plan, refusal};
use super::state::Fault;
use super::work::{Sent, Work, observing};
use crate::bulk::rewrite::{self, RefillError, RefillOptions, RewriteRefusal};
use crate::bulk::{Stage, StagedColumn, Target};
use crate::db::DbError;
use crate::policy::TableUse;

impl Work {
    pub(super) async fn start_rewrite(
        &mut self,
        table: &str,
        columns: &[String],
        options: RewriteOptions,
    ) -> Result<u32, Fault> {
        let target = self.target("TRUNCATE", table, &[TableUse::Write, TableUse::Truncate]).await?;
        // What is no table at all is refused before it is locked.
        self.may_refill(&target, options, table).await?;
        self.must_not_be_read_yet(&target, table).await?;
        self.warn_of_size(LargeChange::Rewrite, &target);
        // From here on nobody alters the table or its rows, and then it is read
        // again.
        let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", target.sql_only());
        self.ask_own(&lock, &["LOCK TABLE"], table).await?;
        let target = self.read_target(&target.sql_name(), table).await?;
        self.may_refill(&target, options, table).await?;
        let columns = written_columns(&target, columns)?;
        let label = format!("TRUNCATE and refill {}", target.sql_name());
        let (stage, goal) = (Stage::of_columns(columns), Goal::Rewrite(options));
        self.make_stage(Plan { target, stage, goal, label }).await
    }

    /// Replaces the table's rows by those that wait, of which there are `rows`.
    /// Returns how many there were and how many there are.
    pub(super) async fn refill(
        &mut self,
        plan: &Plan,
        options: RewriteOptions,
        rows: u64,
    ) -> Result<(u64, u64), Fault> {
        let options = refill_options(options, rows);
        let table = plan.target.sql_name().to_string();
        let session = self.usable()?;
        self.count_statement();
        let (answer, observed) =
            observing!(session, session => rewrite::refill(&mut *session, &table, &plan.stage, &options));
        let refilled = answer.map_err(|error| self.not_refilled(error, &plan.label, plan.stage.name()))?;
        // The statements differ from table to table.
        self.as_expected(Ok(()), observed, &[], Sent::whole(&plan.label))?;
        Ok((refilled.deleted, refilled.inserted))
    }

    /// Asks whether the table may be refilled, before anything is written for it.
    async fn may_refill(
        &mut self,
        target: &Target,
        options: RewriteOptions,
        label: &str,
    ) -> Result<(), Fault> {
        let session = self.usable()?;
        self.count_statement();
        let name = target.sql_name().to_string();
        let (answer, observed) = observing!(session, session => rewrite::facts(&mut *session, &name));
        let facts = answer.map_err(|error| self.not_refilled(error, label, label))?;
        self.as_expected(Ok(()), observed, &["SELECT"], Sent::whole(label))?;
        if !options.fire_triggers && !facts.triggers.is_empty() {
            let (schema, name) = (Some(target.schema.as_str()), target.name.as_str());
            let allowed = self.policy_mut().table("ALTER TABLE", schema, name, &[TableUse::Define]);
            allowed.map_err(|error| self.refused(error, label))?;
        }
        match rewrite::refusal(&facts, &refill_options(options, 0)) {
            Some(refusal) => Err(unsafe_to_do(&refusal)),
            None => Ok(()),
        }
    }

    /// What the guest is told is called `label` where the statement would show
    /// the name of the stage.
    fn not_refilled(&mut self, error: RefillError, label: &str, stage: &str) -> Fault {
        let what = error.to_string();
        match error {
            RefillError::Refused(refusal) => unsafe_to_do(&refusal),
            RefillError::InUse { source: DbError::Server(mut source), .. } => {
                source.message = what;
                self.failed_without_place(DbError::Server(source), Sent::whole(label))
            }
            RefillError::InUse { source, .. } => self.failed_without_place(source, Sent::whole(label)),
            RefillError::Statement { statement, source } => {
                let text = if statement.contains(stage) { label } else { statement.as_str() };
                self.failed_without_place(source, Sent::whole(text))
            }
            RefillError::Answer(_) => Fault::other("internal", what),
        }
    }
}

fn refill_options(options: RewriteOptions, rows: u64) -> RefillOptions {
    RefillOptions {
        fire_triggers: options.fire_triggers,
        // Where there are triggers to be disabled, `may_refill` has asked, and the
        // lock keeps others from making any.
        may_alter: true,
        // What is there afterwards is the same, which the audit of effects makes
        // sure of; so it needs no grant beside those that took the rows out.
        may_rebuild_indexes: true,
        rows,
    }
}

fn unsafe_to_do(refusal: &RewriteRefusal) -> Fault {
    Fault::other("unsafe", refusal.to_string())
}

/// The columns that rows are written for: those named, or all but the generated
/// ones.
fn written_columns(target: &Target, names: &[String]) -> Result<Vec<StagedColumn>, Fault> {
    target.written_columns(names).map_err(refusal)
}
