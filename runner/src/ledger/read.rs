//! Reading the ledger. Writes nothing.

use crate::db::{DbError, PostgresSession, TextRow, quote_literal};
use crate::revision::{Digest, RevisionId};

use super::schema::is_absent;
use super::statement::{PARTLY_COLUMNS, partly_row};
use super::{Applied, Contents, Ledger, LedgerError, Recorded};

impl Ledger {
    /// What is applied, and what is in part; none where there is no ledger.
    ///
    /// One round trip; another one where there is no ledger, or one that an older
    /// runner made.
    pub async fn contents(&self, session: &mut PostgresSession) -> Result<Option<Contents>, LedgerError> {
        let applied = self.applied_sql();
        let rows = match session.batch(&format!("{applied}; {}", self.partly_sql())).await {
            // Before version 4 there was no table of statements.
            Err(error) if is_absent(&error) => session.batch(&applied).await,
            answer => answer,
        };
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(self.unreadable(session, error).await),
        };
        let mut rows = rows.into_iter();
        let version = rows.next().and_then(|row| row.into_iter().next().flatten()?.parse().ok());
        self.known_version(version.unwrap_or(0))?;
        let (statements, rows): (Vec<_>, Vec<_>) = rows.partition(|row| row.len() == PARTLY_COLUMNS);
        Ok(Some(Contents {
            applied: rows.into_iter().map(applied_row).collect::<Result<_, _>>()?,
            partly: statements.into_iter().map(partly_row).collect::<Result<_, _>>()?,
        }))
    }

    fn applied_sql(&self) -> String {
        // Ids and labels hold no space, so a space keeps them apart.
        format!(
            "SELECT version FROM {0}.ledger; \
             SELECT revision, array_to_string(parents, ' '), array_to_string(depends_on, ' '), \
                    array_to_string(labels, ' '), message, encode(source_digest, 'hex'), \
                    encode(component_digest, 'hex'), \
                    to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), applied_by \
             FROM {0}.revision ORDER BY revision",
            self.schema
        )
    }

    /// A ledger that a newer runner made may have other columns: say that it is
    /// newer rather than that a column is missing.
    async fn unreadable(&self, session: &mut PostgresSession, error: DbError) -> LedgerError {
        if error.sqlstate() != Some("42703") {
            return error.into();
        }
        let found = session.batch(&format!("SELECT version FROM {}.ledger", self.schema)).await;
        let version = found.ok().and_then(|rows| rows.first()?.first()?.as_deref()?.parse().ok());
        match version.map(|version| self.known_version(version)) {
            Some(Err(newer)) => newer,
            _ => LedgerError::NotALedger { schema: self.name.clone() },
        }
    }

    /// Everything about one applied revision.
    pub async fn recorded(
        &self,
        session: &mut PostgresSession,
        revision: &RevisionId,
    ) -> Result<Recorded, LedgerError> {
        // A ledger that an older runner made has no such column yet, and is read
        // all the same; so the column is asked for by its name in the row.
        let isolation = format!(
            "SELECT pg_catalog.to_jsonb(step) ->> 'isolation' FROM {0}.journal step \
             WHERE step.run = {0}.revision.run AND step.revision = {0}.revision.revision \
                AND step.direction = 'upgrade' AND step.outcome = 'done' ORDER BY step.id DESC LIMIT 1",
            self.schema
        );
        let sql = format!(
            "SELECT json_build_object('manifest', manifest, 'params', params, \
                'source_digest', 'sha256:' || encode(source_digest, 'hex'), \
                'component_digest', 'sha256:' || encode(component_digest, 'hex'), \
                'applied_at', to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), \
                'applied_by', applied_by, 'actor', actor, 'duration_ms', duration_ms, \
                'statements', statements, 'rows', rows, 'runner_version', runner_version, \
                'confinement', ({isolation})) \
             FROM {0}.revision WHERE revision = {1}",
            self.schema,
            quote_literal(revision.as_str()),
        );
        let rows = session.batch(&sql).await?;
        let text = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
        let text = text.ok_or_else(|| LedgerError::NotApplied(revision.clone()))?;
        serde_json::from_str(&text).map_err(|error| LedgerError::Damaged {
            revision: revision.to_string(),
            reason: error.to_string(),
        })
    }

    /// The bytes of a component that ran, verified against their digest.
    pub async fn component(
        &self,
        session: &mut PostgresSession,
        digest: Digest,
    ) -> Result<Vec<u8>, LedgerError> {
        let damaged = |reason: &str| LedgerError::Component { digest, reason: reason.to_owned() };
        let sql = format!(
            "SELECT size, encode(zstd, 'hex') FROM {}.component WHERE digest = decode('{}', 'hex')",
            self.schema,
            hex::encode(digest.as_bytes()),
        );
        let rows = session.batch(&sql).await?;
        let row = rows.into_iter().next().ok_or_else(|| damaged("it is not there"))?;
        let mut fields = row.into_iter().flatten();
        let (Some(size), Some(text)) = (fields.next(), fields.next()) else {
            return Err(damaged("a field is NULL"));
        };
        let size = size.parse().map_err(|_| damaged("its size is no number"))?;
        let compressed = hex::decode(text).map_err(|_| damaged("it is not hexadecimal"))?;
        let bytes =
            zstd::bulk::decompress(&compressed, size).map_err(|_| damaged("it does not decompress"))?;
        match Digest::of(&bytes) == digest {
            true => Ok(bytes),
            false => Err(damaged("its bytes have another digest")),
        }
    }
}

fn applied_row(row: TextRow) -> Result<Applied, LedgerError> {
    let mut fields = row.into_iter().map(Option::unwrap_or_default);
    let mut next = || fields.next().unwrap_or_default();
    let name = next();
    let damaged = |reason: String| LedgerError::Damaged { revision: name.clone(), reason };
    let id = |text: &str| RevisionId::new(text).map_err(|error| damaged(error.to_string()));
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let digest =
        |text: String| Digest::try_from(format!("sha256:{text}")).map_err(|error| damaged(error.to_string()));
    Ok(Applied {
        revision: id(&name)?,
        parents: words(next()).iter().map(|parent| id(parent)).collect::<Result<_, _>>()?,
        depends_on: words(next()),
        labels: words(next()),
        message: next(),
        source_digest: digest(next())?,
        component_digest: Some(next()).filter(|text| !text.is_empty()).map(digest).transpose()?,
        applied_at: next(),
        applied_by: next(),
    })
}
