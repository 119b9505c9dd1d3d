//! A stamp as a script.

use std::collections::BTreeSet;

use crate::graph::Target;
use crate::plan::{self, PlanError, Stamp};
use crate::revision::RevisionId;

use super::psql::{NOTE_TRANSACTION, check, check_one_row};
use super::step::heading;
use super::{ACTOR, NOTHING_RAN, ScriptOptions, Scripter};
use crate::run::stamp::{Row, stamp_steps, stamped};
use crate::run::{Migrator, RunError};

impl Scripter {
    /// A script that tells the ledger that the database is at some revisions,
    /// and runs nothing. Without `from` it begins at the base, and makes the
    /// ledger's tables. With `purge` it removes every row first, whatever is
    /// there.
    pub async fn stamp(
        &self,
        from: Option<&Target>,
        targets: &[Target],
        purge: bool,
        options: &ScriptOptions,
    ) -> Result<String, RunError> {
        let on_disk = Migrator::on_disk(&self.project)?;
        let graph = &on_disk.graph;
        let starts = from.map(|from| graph.locate(from, None)).transpose().map_err(PlanError::from)?;
        let applied = graph.ids_in(&graph.needed_for(starts.unwrap_or_default()));
        let stamp = plan::stamp(graph, &applied, targets, purge)?;
        let from: Vec<RevisionId> = applied.iter().cloned().collect();
        let steps = stamp_steps(&stamp.added);
        let mut preparer = self.preparer(&steps, &on_disk, options).await?;
        let rows = preparer.rows(&steps, &on_disk).await?;
        preparer.check_overrides()?;
        let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
        let with_tables = applied.is_empty();
        let script = self.stamp_rows(&from, &stamp, purge, &rows)?;
        Ok(self.whole(&format!("stamp {}", targets.join(" ")), with_tables, &script))
    }

    fn stamp_rows(
        &self,
        from: &[RevisionId],
        stamp: &Stamp,
        purge: bool,
        rows: &[Row],
    ) -> Result<String, RunError> {
        let (ledger, tag) = (&self.ledger, self.tag.as_deref());
        let mut script = heading("stamp: nothing is run");
        script += "BEGIN;\nSET LOCAL search_path = pg_catalog, pg_temp;\n";
        script += NOTE_TRANSACTION;
        script += &check(
            &ledger.nothing_partly_expression(),
            "stamp: a revision is applied or taken back in part; stamp it with `runner stamp`, which forgets that",
        );
        if purge {
            script += &ledger.unstamp_script(ACTOR, tag, None, &NOTHING_RAN);
        } else {
            if from.is_empty() {
                let begins = "stamp: the script begins at the base, and revisions are applied";
                script += &check(&ledger.empty_expression(), begins);
            }
            let is_there = ledger.applied_expression(from, true);
            script += &check(&is_there, "stamp: a revision at which the script begins is not applied");
            let is_free = ledger.not_needed_expression(&stamp.removed);
            script += &check(&is_free, "stamp: another revision needs one whose row is to go");
            let is_free = ledger.applied_expression(&stamp.added, false);
            script += &check(&is_free, "stamp: a revision whose row is to come is applied already");
            script += &ledger.unstamp_script(ACTOR, tag, Some(&stamp.removed), &NOTHING_RAN);
        }
        let mut kept = BTreeSet::new();
        for row in rows {
            if let Some(artifact) = row.artifact.as_ref().filter(|artifact| kept.insert(artifact.digest)) {
                script += &ledger.component_script(artifact.digest, &artifact.bytes)?;
            }
            script += &ledger.record_script(ACTOR, tag, &stamped(row), &NOTHING_RAN);
            script += &check_one_row("stamp: the row was not written");
        }
        Ok(script + "COMMIT;\n")
    }
}
