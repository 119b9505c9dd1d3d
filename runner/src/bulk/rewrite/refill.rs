//! Asks, decides and sends.

use super::facts::{RewriteFacts, question};
use super::refusal::{RewriteRefusal, refusal};
use super::{RefillOptions, plan};
use crate::bulk::Stage;
use crate::db::{DbError, Session};

/// What became of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refilled {
    /// Rows that the table had.
    pub deleted: u64,
    /// Rows that it has. Fewer than the stage had where a trigger kept some back.
    pub inserted: u64,
}

/// Why a table could not be refilled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefillError {
    /// It must not be; nothing was changed.
    #[error(transparent)]
    Refused(#[from] RewriteRefusal),
    /// The transaction itself still uses it. The transaction is aborted.
    #[error(
        "{table} is still in use by the migration itself; close the readers of it before the writer is \
         finished"
    )]
    InUse {
        /// The table.
        table: String,
        /// What the server says.
        source: DbError,
    },
    /// A statement failed. The transaction is aborted.
    #[error("the statement `{statement}` failed")]
    Statement {
        /// What was sent.
        statement: String,
        /// What the server says.
        source: DbError,
    },
    /// The server's answer is not understood; nothing was changed.
    #[error("the server's answer about the table cannot be read: {0}")]
    Answer(String),
}

impl RefillError {
    /// What the server, or the way to it, reported.
    pub fn db(&self) -> Option<&DbError> {
        match self {
            Self::InUse { source, .. } | Self::Statement { source, .. } => Some(source),
            Self::Refused(_) | Self::Answer(_) => None,
        }
    }
}

/// Reads what decides whether and how the table can be refilled. `table` is a
/// name as SQL spells it. One round trip.
pub async fn facts(session: &mut dyn Session, table: &str) -> Result<RewriteFacts, RefillError> {
    let json = value(session, &question(table)).await?;
    serde_json::from_str(&json).map_err(|error| RefillError::Answer(error.to_string()))
}

/// Replaces all rows of `table`, a name as SQL spells it, by those of a stage.
/// Columns that the stage does not have get their defaults. The stage is empty
/// afterwards: its room on disk is given back before indexes are built.
///
/// The table is locked against everybody until the transaction's end. What the
/// catalogs say is asked again under this lock, since the migration itself may
/// have changed the table after the writer was opened.
///
/// # Errors
///
/// After [`RefillError::InUse`] and [`RefillError::Statement`] the transaction
/// is aborted, and its rollback puts everything back.
pub async fn refill(
    session: &mut dyn Session,
    table: &str,
    stage: &Stage,
    options: &RefillOptions,
) -> Result<Refilled, RefillError> {
    // A lock is no answer where the table cannot be rewritten.
    permitted(session, table, options).await?;
    run(session, &format!("LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")).await?;
    let facts = permitted(session, table, options).await?;
    let plan = plan::plan(&facts, stage, options);
    let in_use = |error: RefillError| still_used(error, &facts.label());
    for statement in &plan.before {
        run(session, statement).await.map_err(in_use)?;
    }
    let deleted = value(session, &plan.count).await?;
    let deleted = deleted.parse().map_err(|_| RefillError::Answer(deleted))?;
    run(session, &plan.truncate).await.map_err(in_use)?;
    let inserted = run(session, &plan.insert).await?;
    for statement in &plan.after {
        run(session, statement).await?;
    }
    Ok(Refilled { deleted, inserted })
}

/// The facts, if nothing in them speaks against a refill.
async fn permitted(
    session: &mut dyn Session,
    table: &str,
    options: &RefillOptions,
) -> Result<RewriteFacts, RefillError> {
    let facts = facts(session, table).await?;
    match refusal(&facts, options) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(facts),
    }
}

async fn run(session: &mut dyn Session, statement: &str) -> Result<u64, RefillError> {
    session.run(statement).await.map_err(|source| failed(statement, source))
}

fn failed(statement: &str, source: DbError) -> RefillError {
    RefillError::Statement { statement: statement.to_owned(), source }
}

/// `object_in_use`: a cursor is open on the table, or checks are pending.
fn still_used(error: RefillError, table: &str) -> RefillError {
    match error {
        RefillError::Statement { source, .. } if source.sqlstate() == Some("55006") => {
            RefillError::InUse { table: table.to_owned(), source }
        }
        error => error,
    }
}

/// The one value of a query's one row.
async fn value(session: &mut dyn Session, sql: &str) -> Result<String, RefillError> {
    let rows = session.ask(sql).await.map_err(|source| failed(sql, source))?;
    let value = rows.first().and_then(|row| row.first()).cloned().flatten();
    value.ok_or_else(|| RefillError::Answer("there is no value".to_owned()))
}
