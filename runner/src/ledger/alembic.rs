//! Where Alembic says that the database is. Its table is read and left alone.

use crate::db::{PostgresSession, TableName, quote_literal};

use super::LedgerError;

/// The rows of Alembic's table of versions: the heads of what it applied, in
/// the order of the ids.
pub async fn alembic_heads(
    session: &mut PostgresSession,
    table: &TableName,
) -> Result<Vec<String>, LedgerError> {
    let name = table.to_string();
    let found = session.batch(&format!("SELECT pg_catalog.to_regclass({})", quote_literal(&name))).await?;
    if found.into_iter().next().and_then(|row| row.into_iter().next().flatten()).is_none() {
        return Err(LedgerError::NoVersionTable { table: name });
    }
    let rows = session.batch(&format!("SELECT version_num FROM {name} ORDER BY version_num")).await?;
    Ok(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
}
