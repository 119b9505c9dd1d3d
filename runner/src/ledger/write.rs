//! Writing the ledger: always inside the transaction of the step that it tells
//! of, except for failures, whose transaction is gone.

use crate::db::{DbError, Parameter, PostgresSession, Request, Session as _, TextRow};
use crate::revision::{Digest, Direction, RevisionId};

use super::{Confinement, Failure, How, Ledger, LedgerError, Outcome, Run};

/// Zstandard's level. A plugin's component is 5 % smaller at level 9, and takes four
/// times as long, in the transaction of the first step that it runs.
const COMPRESSION: i32 = 3;

/// True inside the transaction whose id is the eleventh parameter.
const OWN_TRANSACTION: &str = "pg_catalog.pg_current_xact_id_if_assigned() = $11::text::pg_catalog.xid8";
/// What the server says where a step's row was not written.
pub(crate) const NOT_RECORDED: &str = "runner: the ledger was not changed";

impl Ledger {
    /// Keeps a component's bytes, once per digest.
    pub async fn keep_component(
        &self,
        session: &mut PostgresSession,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<(), LedgerError> {
        let compressed = compressed(digest, bytes)?;
        let sql = format!(
            "INSERT INTO {}.component (digest, size, zstd) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING",
            self.schema
        );
        let size = integer(bytes.len() as u64);
        session.run_own(&sql, &[digest_parameter(digest), size, Parameter::Binary(compressed)]).await?;
        Ok(())
    }

    /// Records a step that succeeded, right after `settle`: the row of the
    /// applied revision, made or removed, and the journal's. `transaction` is
    /// the id of the step's transaction; in any other one nothing is written.
    ///
    /// Both are sent together, so this is one round trip. If `settle` fails the
    /// server refuses what follows, since the transaction is aborted then.
    pub async fn record_after(
        &self,
        session: &mut PostgresSession,
        settle: &str,
        run: &Run,
        transaction: &str,
        outcome: &Outcome<'_>,
    ) -> (Result<Vec<TextRow>, DbError>, Result<(), LedgerError>) {
        let (sql, params) =
            (self.record_sql(outcome.direction), recorded_parameters(run, transaction, outcome));
        let (settled, touched) = session.batch_and_own(settle, &sql, &params).await;
        let recorded = match touched {
            Ok(1) => Ok(()),
            Ok(_) => Err(LedgerError::NotApplied(outcome.manifest.revision.clone())),
            Err(error) => Err(error.into()),
        };
        (settled, recorded)
    }

    /// The request that records a step that succeeded; see
    /// [`Self::record_after`]. Its answer is `true`, and it fails with
    /// [`NOT_RECORDED`] unless it writes the row of the revision: whoever sends
    /// COMMIT behind it does not see its answer before.
    pub fn recording(&self, run: &Run, transaction: &str, outcome: &Outcome<'_>) -> Request {
        let params = recorded_parameters(run, transaction, outcome);
        Request::Own { sql: self.asserted_sql(outcome.direction), params }
    }

    /// Records revisions as applied although nothing ran, parents first, each
    /// as if it had just been upgraded. `transaction` is the id of the
    /// transaction that the caller began.
    pub async fn stamp(
        &self,
        session: &mut PostgresSession,
        run: &Run,
        transaction: &str,
        outcome: &Outcome<'_>,
    ) -> Result<(), LedgerError> {
        let mut params = journal_parameters(run, transaction, outcome);
        params.extend(revision_parameters(outcome));
        match session.run_own(&self.upgrade_sql(), &params).await? {
            1 => Ok(()),
            _ => Err(LedgerError::NotApplied(outcome.manifest.revision.clone())),
        }
    }

    /// Removes the rows of revisions although nothing ran, and tells the journal
    /// in the order of `revisions`.
    pub async fn unstamp(
        &self,
        session: &mut PostgresSession,
        run: &Run,
        revisions: &[RevisionId],
    ) -> Result<(), LedgerError> {
        let params = [
            text(&run.id),
            text(&run.actor),
            text(&array(revisions.iter().map(AsRef::as_ref))),
            text(env!("CARGO_PKG_VERSION")),
            optional(run.tag.as_deref()),
        ];
        session.run_own(&self.unstamp_sql(), &params).await?;
        Ok(())
    }

    pub(super) fn unstamp_sql(&self) -> String {
        format!(
            "WITH gone AS (DELETE FROM {0}.revision WHERE revision = ANY ($3::text::text[]) \
                RETURNING revision, source_digest, component_digest) \
             INSERT INTO {0}.journal (run, actor, direction, revision, outcome, source_digest, component_digest, \
                duration_ms, statements, rows, runner_version, tag) \
             SELECT $1::text, $2::text, '{1}', gone.revision, '{2}', gone.source_digest, gone.component_digest, \
                0, 0, 0, $4::text, $5::text \
             FROM pg_catalog.unnest($3::text::text[]) WITH ORDINALITY AS wanted (revision, place) \
                JOIN gone ON gone.revision = wanted.revision \
             ORDER BY wanted.place",
            self.schema,
            Direction::Downgrade,
            How::Stamped.as_str(),
        )
    }

    /// Nothing is written unless this is still the step's own transaction: the
    /// statement is on its way before the answer of `settle` is known.
    fn journal_sql(&self) -> String {
        format!(
            "WITH journal AS (INSERT INTO {}.journal (run, actor, direction, revision, outcome, source_digest, \
                component_digest, duration_ms, statements, rows, runner_version, tag, isolation) \
             SELECT $1::text, $2::text, $3::text, $4::text, $12::text, $5::bytea, $6::bytea, $7::bigint, $8::bigint, \
                $9::bigint, $10::text, $13::text, $14::text WHERE {OWN_TRANSACTION})",
            self.schema
        )
    }

    /// The statement that records a step.
    pub(crate) fn record_sql(&self, direction: Direction) -> String {
        match direction {
            Direction::Upgrade => self.upgrade_sql(),
            Direction::Downgrade => self.downgrade_sql(),
        }
    }

    /// The same, but that it fails where it changes no row.
    pub(crate) fn asserted_sql(&self, direction: Direction) -> String {
        let change = match direction {
            Direction::Upgrade => self.insert_sql(),
            Direction::Downgrade => self.delete_sql(),
        };
        format!(
            "{}, changed AS ({change} RETURNING 1) \
             SELECT (CASE pg_catalog.count(*) WHEN 1 THEN true \
                ELSE pg_catalog.concat('{NOT_RECORDED}')::pg_catalog.bool END)::pg_catalog.text FROM changed",
            self.journal_sql()
        )
    }

    fn upgrade_sql(&self) -> String {
        format!("{} {}", self.journal_sql(), self.insert_sql())
    }

    fn downgrade_sql(&self) -> String {
        format!("{} {}", self.journal_sql(), self.delete_sql())
    }

    fn insert_sql(&self) -> String {
        format!(
            "INSERT INTO {}.revision (run, actor, revision, source_digest, component_digest, duration_ms, \
                statements, rows, runner_version, parents, depends_on, labels, message, manifest, params) \
             SELECT $1::text, $2::text, $4::text, $5::bytea, $6::bytea, $7::bigint, $8::bigint, $9::bigint, $10::text, \
                $15::text::text[], $16::text::text[], $17::text::text[], $18::text, $19::text::json, $20::text::json \
             WHERE {OWN_TRANSACTION}",
            self.schema
        )
    }

    fn delete_sql(&self) -> String {
        format!("DELETE FROM {}.revision WHERE revision = $4 AND {OWN_TRANSACTION}", self.schema)
    }

    /// Records a step that failed, in a transaction of its own.
    pub async fn record_failure(
        &self,
        session: &mut PostgresSession,
        run: &Run,
        failure: &Failure<'_>,
    ) -> Result<(), LedgerError> {
        let sql = format!(
            "INSERT INTO {}.journal (run, actor, direction, revision, outcome, source_digest, component_digest, \
                duration_ms, sqlstate, error, runner_version, tag, isolation) \
             VALUES ($1, $2, $3, $4, 'failed', $5, $6, $7, $8, $9, $10, $11, $12)",
            self.schema
        );
        let params = [
            text(&run.id),
            text(&run.actor),
            text(failure.direction.as_str()),
            text(failure.revision.as_str()),
            digest_parameter(failure.source_digest),
            digest_parameter(failure.component_digest),
            integer(failure.duration_ms),
            optional(failure.sqlstate),
            text(failure.message),
            text(env!("CARGO_PKG_VERSION")),
            optional(run.tag.as_deref()),
            text(failure.confinement.as_str()),
        ];
        let statement = session.prepare(&sql).await?;
        session.execute(&statement, &params).await?;
        Ok(())
    }
}

fn recorded_parameters(run: &Run, transaction: &str, outcome: &Outcome<'_>) -> Vec<Parameter> {
    let mut params = journal_parameters(run, transaction, outcome);
    if outcome.direction == Direction::Upgrade {
        params.extend(revision_parameters(outcome));
    }
    params
}

pub(super) fn journal_parameters(run: &Run, transaction: &str, outcome: &Outcome<'_>) -> Vec<Parameter> {
    vec![
        text(&run.id),
        text(&run.actor),
        text(outcome.direction.as_str()),
        text(outcome.manifest.revision.as_str()),
        digest_parameter(outcome.source_digest),
        outcome.component_digest.map_or(Parameter::Null, digest_parameter),
        integer(outcome.duration_ms),
        integer(outcome.statements),
        integer(outcome.rows),
        text(env!("CARGO_PKG_VERSION")),
        text(transaction),
        text(outcome.how.as_str()),
        optional(run.tag.as_deref()),
        optional(outcome.confinement.map(Confinement::as_str)),
    ]
}

pub(super) fn revision_parameters(outcome: &Outcome<'_>) -> [Parameter; 6] {
    revision_texts(outcome).map(|value| text(&value))
}

/// What else the row of an applied revision holds, in text format: parents,
/// dependencies, labels, message, manifest, parameters.
pub(super) fn revision_texts(outcome: &Outcome<'_>) -> [String; 6] {
    let manifest = outcome.manifest;
    let json = |value: serde_json::Result<String>| value.expect("a manifest serialises");
    [
        array(manifest.parents.iter().map(AsRef::as_ref)),
        array(manifest.depends_on.iter().map(String::as_str)),
        array(manifest.labels.iter().map(AsRef::as_ref)),
        manifest.message.clone(),
        json(serde_json::to_string(manifest)),
        json(serde_json::to_string(outcome.params)),
    ]
}

/// A component's bytes as the ledger keeps them.
pub(super) fn compressed(digest: Digest, bytes: &[u8]) -> Result<Vec<u8>, LedgerError> {
    zstd::bulk::compress(bytes, COMPRESSION)
        .map_err(|error| LedgerError::Component { digest, reason: error.to_string() })
}

pub(super) fn text(value: &str) -> Parameter {
    // The server's text cannot hold NUL; a message from a guest can.
    Parameter::Text(value.replace('\0', "\u{fffd}"))
}

fn optional(value: Option<&str>) -> Parameter {
    value.map_or(Parameter::Null, text)
}

pub(super) fn integer(value: u64) -> Parameter {
    Parameter::Text(value.to_string())
}

pub(super) fn digest_parameter(digest: Digest) -> Parameter {
    Parameter::Binary(digest.as_bytes().to_vec())
}

/// An array in PostgreSQL's text form. Ids and labels hold no character that it
/// would have to quote; quoted all the same.
fn array<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<_> =
        items.map(|item| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", items.join(","))
}
