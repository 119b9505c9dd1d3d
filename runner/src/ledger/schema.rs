//! The ledger's tables, and how it upgrades itself.
//!
//! Adding a version: append a script to `VERSIONS`; never edit one that was
//! released. An older runner then refuses the ledger by its number.

use crate::db::{DbError, PostgresSession, quote_literal};

use super::{Ledger, LedgerError};

/// The version that this runner writes.
pub const CURRENT_VERSION: i64 = VERSIONS.len() as i64;

/// The script that makes each version from the one before. `{schema}` is the
/// quoted name of the ledger's schema.
pub(super) const VERSIONS: [&str; 4] =
    [include_str!("v1.sql"), include_str!("v2.sql"), include_str!("v3.sql"), include_str!("v4.sql")];

impl Ledger {
    /// Whether the tables are those of the current version.
    pub async fn is_current(&self, session: &mut PostgresSession) -> Result<bool, LedgerError> {
        Ok(self.version(session).await? == CURRENT_VERSION)
    }

    /// Makes the ledger, or upgrades it, in a transaction of its own. The caller
    /// holds the lock.
    pub async fn ensure(&self, session: &mut PostgresSession) -> Result<(), LedgerError> {
        let found = self.version(session).await?;
        if found == CURRENT_VERSION {
            return Ok(());
        }
        let script = self.upgrade_script(found, self.has_schema(session).await?);
        match session.batch(&script).await {
            Ok(_) => Ok(()),
            Err(error) => {
                session.batch("ROLLBACK").await?;
                Err(self.upgrade_error(error))
            }
        }
    }

    /// The script that brings the ledger from version `from` to the current
    /// one; 0 stands for no ledger.
    fn upgrade_script(&self, from: i64, has_schema: bool) -> String {
        let skipped = usize::try_from(from).expect("a version that was read is not negative");
        let scripts = VERSIONS[skipped..].concat().replace("{schema}", &self.schema);
        // IF NOT EXISTS would ask for the right to create one where an
        // administrator has made the schema already.
        let create = match has_schema {
            false => format!("CREATE SCHEMA {};\n", self.schema),
            true => String::new(),
        };
        format!("BEGIN;\n{create}{scripts}\n{}COMMIT;\n", self.version_sql())
    }

    /// Notes that the tables are those of the current version.
    pub(super) fn version_sql(&self) -> String {
        format!(
            "UPDATE {}.ledger SET version = {CURRENT_VERSION}, upgraded_at = now(), runner_version = {};\n",
            self.schema,
            quote_literal(env!("CARGO_PKG_VERSION")),
        )
    }

    async fn has_schema(&self, session: &mut PostgresSession) -> Result<bool, LedgerError> {
        let sql = format!("SELECT pg_catalog.to_regnamespace({}) IS NOT NULL", quote_literal(&self.schema));
        let rows = session.batch(&sql).await?;
        Ok(rows.first().and_then(|row| row.first()?.as_deref()) == Some("t"))
    }

    fn upgrade_error(&self, error: DbError) -> LedgerError {
        let schema = self.name.clone();
        match error {
            DbError::Server(source) if source.sqlstate == "42501" => {
                LedgerError::NotPermitted { schema, source }
            }
            DbError::Server(source) if source.sqlstate == "42P07" => LedgerError::NotALedger { schema },
            other => other.into(),
        }
    }

    /// The ledger's version; 0 where there is no ledger.
    async fn version(&self, session: &mut PostgresSession) -> Result<i64, LedgerError> {
        let sql = format!("SELECT version FROM {}.ledger", self.schema);
        match session.batch(&sql).await {
            Ok(rows) => {
                let version = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
                self.known_version(version.unwrap_or(0))
            }
            Err(error) if is_absent(&error) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses a version that is newer than this runner.
    pub(super) fn known_version(&self, found: i64) -> Result<i64, LedgerError> {
        match found > CURRENT_VERSION {
            true => Err(LedgerError::Newer { schema: self.name.clone(), found }),
            false => Ok(found),
        }
    }
}

/// Whether the server says that the schema or the table is not there.
pub(super) fn is_absent(error: &DbError) -> bool {
    matches!(error.sqlstate(), Some("42P01" | "3F000"))
}
