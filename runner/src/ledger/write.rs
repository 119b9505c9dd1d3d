//! Writing the ledger: always inside the transaction of the step that it tells
//! of, except for failures, whose transaction is gone.

use crate::db::{Parameter, PostgresSession, Session as _};
use crate::revision::{Digest, Direction};

use super::{Failure, Ledger, LedgerError, Outcome, Run};

/// Zstandard's level: components are written once and read almost never.
const COMPRESSION: i32 = 9;

impl Ledger {
    /// Keeps a component's bytes, once per digest.
    pub async fn keep_component(
        &self,
        session: &mut PostgresSession,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<(), LedgerError> {
        let compressed = zstd::bulk::compress(bytes, COMPRESSION)
            .map_err(|error| LedgerError::Component { digest, reason: error.to_string() })?;
        let sql = format!(
            "INSERT INTO {}.component (digest, size, zstd) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING",
            self.schema
        );
        let size = integer(bytes.len() as u64);
        session.run_own(&sql, &[digest_parameter(digest), size, Parameter::Binary(compressed)]).await?;
        Ok(())
    }

    /// Records a step that succeeded: the row of the applied revision, made or
    /// removed, and the journal's.
    ///
    /// One round trip.
    pub async fn record(
        &self,
        session: &mut PostgresSession,
        run: &Run,
        outcome: &Outcome<'_>,
    ) -> Result<(), LedgerError> {
        let journal = [
            text(&run.id),
            text(&run.actor),
            text(outcome.direction.as_str()),
            text(outcome.manifest.revision.as_str()),
            digest_parameter(outcome.source_digest),
            digest_parameter(outcome.component_digest),
            integer(outcome.duration_ms),
            integer(outcome.statements),
            integer(outcome.rows),
            text(env!("CARGO_PKG_VERSION")),
        ];
        let touched = match outcome.direction {
            Direction::Upgrade => {
                let params = [journal.as_slice(), &revision_parameters(outcome)].concat();
                session.run_own(&self.upgrade_sql(), &params).await?
            }
            Direction::Downgrade => session.run_own(&self.downgrade_sql(), &journal).await?,
        };
        match touched {
            1 => Ok(()),
            _ => Err(LedgerError::NotApplied(outcome.manifest.revision.clone())),
        }
    }

    fn journal_sql(&self) -> String {
        format!(
            "WITH journal AS (INSERT INTO {}.journal (run, actor, direction, revision, outcome, source_digest, \
                component_digest, duration_ms, statements, rows, runner_version) \
             VALUES ($1, $2, $3, $4, 'done', $5, $6, $7, $8, $9, $10)) ",
            self.schema
        )
    }

    fn upgrade_sql(&self) -> String {
        format!(
            "{}INSERT INTO {}.revision (run, actor, revision, source_digest, component_digest, duration_ms, \
                statements, rows, runner_version, parents, depends_on, labels, message, manifest, params) \
             VALUES ($1, $2, $4, $5, $6, $7, $8, $9, $10, $11::text::text[], $12::text::text[], $13::text::text[], \
                $14, $15::text::json, $16::text::json)",
            self.journal_sql(),
            self.schema
        )
    }

    fn downgrade_sql(&self) -> String {
        format!("{}DELETE FROM {}.revision WHERE revision = $4", self.journal_sql(), self.schema)
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
                duration_ms, sqlstate, error, runner_version) \
             VALUES ($1, $2, $3, $4, 'failed', $5, $6, $7, $8, $9, $10)",
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
            failure.sqlstate.map_or(Parameter::Null, text),
            text(failure.message),
            text(env!("CARGO_PKG_VERSION")),
        ];
        let statement = session.prepare(&sql).await?;
        session.execute(&statement, &params).await?;
        Ok(())
    }
}

fn revision_parameters(outcome: &Outcome<'_>) -> [Parameter; 6] {
    let manifest = outcome.manifest;
    let json = |value: serde_json::Result<String>| Parameter::Text(value.expect("a manifest serialises"));
    [
        array(manifest.parents.iter().map(AsRef::as_ref)),
        array(manifest.depends_on.iter().map(String::as_str)),
        array(manifest.labels.iter().map(AsRef::as_ref)),
        text(&manifest.message),
        json(serde_json::to_string(manifest)),
        json(serde_json::to_string(outcome.params)),
    ]
}

fn text(value: &str) -> Parameter {
    // The server's text cannot hold NUL; a message from a guest can.
    Parameter::Text(value.replace('\0', "\u{fffd}"))
}

fn integer(value: u64) -> Parameter {
    Parameter::Text(value.to_string())
}

fn digest_parameter(digest: Digest) -> Parameter {
    Parameter::Binary(digest.as_bytes().to_vec())
}

/// An array in PostgreSQL's text form. Ids and labels hold no character that it
/// would have to quote; quoted all the same.
fn array<'a>(items: impl Iterator<Item = &'a str>) -> Parameter {
    let items: Vec<_> =
        items.map(|item| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    Parameter::Text(format!("{{{}}}", items.join(",")))
}
