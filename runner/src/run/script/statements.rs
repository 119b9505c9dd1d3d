//! A step without a transaction as a script: the same statements with the same
//! records as when it runs. Where the script stops, `runner` goes on.

use std::collections::BTreeSet;

use crate::host::Stats;
use crate::policy::Course;
use crate::revision::{Digest, Direction};
use crate::run::alone::Script;
use crate::run::precondition::Precondition;
use crate::run::prepare::Prepared;
use crate::run::settings::SETTLE;
use crate::run::{PrepareError, RunError};

use super::psql::{NOTE_TRANSACTION, Tally, check, comment, statement};
use super::step::heading;
use super::{ACTOR, RUN, Scripter, WHOLE_TRANSACTION, unwritable};

/// Notes how many rows the statements before touched.
const NOTE_ROWS: &str = "SELECT (:runner_rows) AS runner_rows_before \\gset\n";
/// How many rows the statement since then touched, as SQL.
const ROWS: &str = "(:runner_rows) - (:runner_rows_before)";

impl Scripter {
    pub(super) fn statements(
        &self,
        prepared: &Prepared,
        statements: &Script,
        kept: &mut BTreeSet<Digest>,
    ) -> Result<String, RunError> {
        let step = &prepared.step;
        let is_ready = self.is_ready(prepared);
        let mut script =
            heading(&format!("{} {}: {}", step.direction, step.revision, prepared.manifest.message));
        script += &comment("Not in a transaction. Where this stops, `runner` goes on.");
        script += &is_ready;
        script += &check(
            &self.ledger.not_partly_expression(&step.revision),
            &format!("{} of {}: it was begun already; go on with `runner`", step.direction, step.revision),
        );
        script += Tally::begin();
        let mut tally = Tally::default();
        for at in 0..statements.lines().len() {
            script += &self
                .statement(prepared, statements, at, &mut tally)
                .map_err(|error| unwritable(prepared, PrepareError::Statement(error)))?;
        }
        script += &self.settings.quiet_script();
        script += &format!("BEGIN;\n{}{is_ready}", NOTE_TRANSACTION);
        let stats = Stats { statements: statements.lines().len() as u64, ..Stats::default() };
        let took = self.ledger.duration_expression(&step.revision);
        let forget = self.ledger.forget_statements_sql(std::slice::from_ref(&step.revision), "true");
        script += &format!("{SETTLE}\nSELECT {took} AS runner_took \\gset\n{forget};\n");
        script += &self.ledger_rows(prepared, stats, "(:runner_took)", kept)?;
        script += "COMMIT;\n";
        Ok(script)
    }

    /// What the ledger must say for the step to begin, and to end.
    fn is_ready(&self, prepared: &Prepared) -> String {
        let (direction, revision) = (prepared.step.direction, &prepared.step.revision);
        let precondition = Precondition::of(self.ledger.schema_name(), direction, &prepared.manifest);
        let title = format!("{direction} of {revision}");
        let mut ready = check(&precondition.expression, &format!("{title}: {}", precondition.violated));
        if direction == Direction::Downgrade {
            ready += &check(
                &self.ledger.source_expression(revision, prepared.source_digest, &prepared.params),
                &format!("{title}: it was applied from other sources"),
            );
        }
        ready
    }

    /// One statement with its record: in one transaction, or before and after it.
    fn statement(
        &self,
        prepared: &Prepared,
        statements: &Script,
        at: usize,
        tally: &mut Tally,
    ) -> Result<String, crate::policy::PolicyError> {
        let line = &statements.lines()[at];
        let of_ledger = statements.record(&prepared.step, at);
        let record = |done: Option<(&str, &str)>| {
            let record = self.ledger.statement_sql(RUN, ACTOR, &of_ledger, done, "true");
            format!("{record} AS runner_number \\gset\n")
        };
        let done = |took: &str| record(Some((ROWS, took)));
        let mut work = String::new();
        for setting in statements.settings_before(at) {
            work += &statement(setting)?;
        }
        work += &statement(line.checked.text())?;
        work += &tally.after(line.checked.text(), None);
        let settings = self.settings.quiet_script();
        Ok(match line.course {
            Course::Alone(_) => {
                let begun = record(None);
                let done = done(&self.ledger.since_begun_expression(&of_ledger));
                format!("{NOTE_ROWS}{settings}{begun}{work}{settings}{done}")
            }
            Course::Transaction | Course::Setting => {
                format!("{NOTE_ROWS}{settings}BEGIN;\n{work}{SETTLE}\n{}COMMIT;\n", done(WHOLE_TRANSACTION))
            }
        })
    }
}
