//! The records of statements: how far a step without a transaction is.
//!
//! A statement that can run in a transaction is recorded in that transaction; of
//! one that cannot, the beginning is committed before it is sent, and the end
//! after it. All of a step's records go with the transaction that writes its row
//! into the table of revisions.

use serde::{Deserialize, Serialize};

use crate::db::{PostgresSession, TextRow, quote_literal};
use crate::revision::{Digest, Direction, RevisionId};

use super::{Ledger, LedgerError, Run};

/// How many columns [`Ledger::partly_sql`] has; the table of revisions has more.
pub(super) const PARTLY_COLUMNS: usize = 5;

/// A step without a transaction that was begun and not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Partly {
    /// The revision.
    pub revision: RevisionId,
    /// Which way.
    pub direction: Direction,
    /// How many of its statements are done.
    pub done: u32,
    /// How many there were when the last one was begun.
    pub total: u32,
    /// The statement of which nobody knows what became of it, from 1.
    pub in_doubt: Option<u32>,
}

/// What is recorded of one statement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StatementRecord {
    /// Which one, from 1.
    pub number: u32,
    /// The digest of its text.
    pub digest: Digest,
    /// Its text as its author wrote it.
    pub text: String,
    /// Whether it is done; else it was begun.
    pub is_done: bool,
    /// How many rows it touched.
    pub rows: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// One statement of a step, for its record.
#[derive(Clone, Copy, Debug)]
pub struct StatementLine<'a> {
    /// The revision.
    pub revision: &'a RevisionId,
    /// Which way.
    pub direction: Direction,
    /// Which one, from 1.
    pub number: u32,
    /// How many there are.
    pub total: u32,
    /// The digest of its text.
    pub digest: Digest,
    /// Its text as its author wrote it.
    pub text: &'a str,
}

impl std::fmt::Display for Partly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = match self.direction {
            Direction::Upgrade => "applied",
            Direction::Downgrade => "taken back",
        };
        write!(f, "`{}` is partly {how}: {} of {} statements", self.revision, self.done, self.total)
    }
}

impl Ledger {
    /// The records of one step, in order.
    pub async fn statements(
        &self,
        session: &mut PostgresSession,
        revision: &RevisionId,
        direction: Direction,
    ) -> Result<Vec<StatementRecord>, LedgerError> {
        let sql = format!(
            "SELECT pg_catalog.json_build_object('number', number, \
                'digest', 'sha256:' || pg_catalog.encode(digest, 'hex'), 'text', text, \
                'is_done', done_at IS NOT NULL, 'rows', coalesce(rows, 0), 'duration_ms', coalesce(duration_ms, 0)) \
             FROM {}.statement WHERE {} ORDER BY number",
            self.schema,
            of_step(revision, direction),
        );
        let damaged = |reason: String| LedgerError::Damaged { revision: revision.to_string(), reason };
        let read = |row: TextRow| {
            let text = row.into_iter().next().flatten().unwrap_or_default();
            serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))
        };
        session.batch(&sql).await?.into_iter().map(read).collect()
    }

    /// Records that a statement begins, or, with its rows and how many
    /// milliseconds it took, as SQL, that it is done. Nothing is written unless
    /// the expression `only_if` is true; what is returned is a row for what was.
    pub fn statement_sql(
        &self,
        run: &str,
        actor: &str,
        line: &StatementLine<'_>,
        done: Option<(&str, &str)>,
        only_if: &str,
    ) -> String {
        let (done_at, rows, duration) = match done {
            Some((rows, duration)) => ("pg_catalog.clock_timestamp()", rows, duration),
            None => ("NULL", "NULL", "NULL"),
        };
        // A statement that is done keeps the time at which it was begun.
        let begun = if done.is_some() { "statement.begun_at" } else { "excluded.begun_at" };
        format!(
            "INSERT INTO {}.statement AS statement (revision, direction, number, total, digest, text, done_at, rows, \
                duration_ms, actor, run, runner_version) \
             SELECT {}, {}, {}, {}, pg_catalog.decode('{}', 'hex'), {}, {done_at}, {rows}, {duration}, {}, {run}, {} \
             WHERE {only_if} \
             ON CONFLICT (revision, direction, number) DO UPDATE SET total = excluded.total, \
                digest = excluded.digest, text = excluded.text, begun_at = {begun}, done_at = excluded.done_at, \
                rows = excluded.rows, duration_ms = excluded.duration_ms, login = excluded.login, \
                actor = excluded.actor, run = excluded.run, runner_version = excluded.runner_version \
             RETURNING number",
            self.schema,
            quote_literal(line.revision.as_str()),
            quote_literal(line.direction.as_str()),
            line.number,
            line.total,
            hex::encode(line.digest.as_bytes()),
            quote_literal(line.text),
            quote_literal(actor),
            quote_literal(env!("CARGO_PKG_VERSION")),
        )
    }

    /// [`Self::statement_sql`] for a run of the program.
    pub fn record_statement_sql(
        &self,
        run: &Run,
        line: &StatementLine<'_>,
        done: Option<(u64, u64)>,
        only_if: &str,
    ) -> String {
        let done = done.map(|(rows, duration)| (rows.to_string(), duration.to_string()));
        let done = done.as_ref().map(|(rows, duration)| (rows.as_str(), duration.as_str()));
        self.statement_sql(&quote_literal(&run.id), &run.actor, line, done, only_if)
    }

    /// Removes the records of revisions, in both directions, if the expression
    /// `only_if` is true.
    pub fn forget_statements_sql(&self, revisions: &[RevisionId], only_if: &str) -> String {
        let list: Vec<_> = revisions.iter().map(|id| quote_literal(id.as_str())).collect();
        format!(
            "DELETE FROM {}.statement WHERE revision = ANY (ARRAY[{}]::text[]) AND {only_if}",
            self.schema,
            list.join(", ")
        )
    }

    /// An expression that is true if nothing of a revision is recorded as done in
    /// part.
    pub fn not_partly_expression(&self, revision: &RevisionId) -> String {
        format!(
            "NOT EXISTS (SELECT 1 FROM {}.statement WHERE revision = {})",
            self.schema,
            quote_literal(revision.as_str())
        )
    }

    /// How long the statements of a revision took, in milliseconds, as SQL.
    pub fn duration_expression(&self, revision: &RevisionId) -> String {
        format!(
            "(SELECT coalesce(pg_catalog.sum(duration_ms), 0) FROM {}.statement WHERE revision = {})",
            self.schema,
            quote_literal(revision.as_str())
        )
    }

    /// How long ago a statement was begun, in milliseconds, as SQL.
    pub fn since_begun_expression(&self, line: &StatementLine<'_>) -> String {
        format!(
            "(SELECT extract(epoch FROM pg_catalog.clock_timestamp() - begun_at) * 1000 FROM {}.statement \
             WHERE {} AND number = {})",
            self.schema,
            of_step(line.revision, line.direction),
            line.number
        )
    }

    /// An expression that is true if nothing is recorded as done in part.
    pub fn nothing_partly_expression(&self) -> String {
        format!("NOT EXISTS (SELECT 1 FROM {}.statement)", self.schema)
    }

    pub(super) fn partly_sql(&self) -> String {
        format!(
            "SELECT revision, direction, count(done_at), (array_agg(total ORDER BY number DESC))[1], \
                max(number) FILTER (WHERE done_at IS NULL) \
             FROM {}.statement GROUP BY revision, direction ORDER BY revision, direction",
            self.schema
        )
    }
}

fn of_step(revision: &RevisionId, direction: Direction) -> String {
    format!(
        "revision = {} AND direction = {}",
        quote_literal(revision.as_str()),
        quote_literal(direction.as_str())
    )
}

pub(super) fn partly_row(row: TextRow) -> Result<Partly, LedgerError> {
    let name = row.first().cloned().flatten().unwrap_or_default();
    let damaged = |reason: &str| LedgerError::Damaged { revision: name.clone(), reason: reason.to_owned() };
    let number = |field: &Option<String>| field.as_ref().and_then(|text| text.parse::<u32>().ok());
    let [_, direction, done, total, in_doubt] = row.as_slice() else {
        return Err(damaged("its statements have other columns"));
    };
    Ok(Partly {
        revision: RevisionId::new(name.as_str()).map_err(|error| damaged(&error.to_string()))?,
        direction: match direction.as_deref() {
            Some("upgrade") => Direction::Upgrade,
            Some("downgrade") => Direction::Downgrade,
            _ => return Err(damaged("its statements have no direction")),
        },
        done: number(done).ok_or_else(|| damaged("its statements are not counted"))?,
        total: number(total).ok_or_else(|| damaged("its statements are not counted"))?,
        in_doubt: number(in_doubt),
    })
}
