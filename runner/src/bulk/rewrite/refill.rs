//! Asks, decides and sends.

use super::facts::{RewriteFacts, question};
use super::refusal::{RewriteRefusal, refusal};
use super::{RefillOptions, plan};
use crate::db::{DbError, Parameter, QueryResult, ResultLimit, Session};

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
/// name as SQL spells it. One round trip more than one.
pub async fn facts(session: &mut dyn Session, table: &str) -> Result<RewriteFacts, RefillError> {
    let json = value(session, &question(), &[Parameter::Text(table.to_owned())]).await?;
    serde_json::from_str(&json).map_err(|error| RefillError::Answer(error.to_string()))
}

/// Replaces all rows of `table` by those of `stage`, both names as SQL spells
/// them. `columns` are plain names of columns that both have; what is not among
/// them gets its default. The stage is empty afterwards: its room on disk is
/// given back before indexes are built.
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
    stage: &str,
    columns: &[String],
    options: &RefillOptions,
) -> Result<Refilled, RefillError> {
    run(session, &format!("LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")).await?;
    let facts = facts(session, table).await?;
    if let Some(refusal) = refusal(&facts, options) {
        return Err(refusal.into());
    }
    let plan = plan::plan(&facts, stage, columns, options);
    let in_use = |error: RefillError| still_used(error, &plan::table(&facts));
    for statement in &plan.before {
        run(session, statement).await.map_err(in_use)?;
    }
    let deleted = value(session, &plan.count, &[]).await?;
    let deleted = deleted.parse().map_err(|_| RefillError::Answer(deleted))?;
    run(session, &plan.truncate).await.map_err(in_use)?;
    let inserted = run(session, &plan.insert).await?;
    for statement in &plan.after {
        run(session, statement).await?;
    }
    Ok(Refilled { deleted, inserted })
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

/// The one value, of the type `text`, of a query's one row.
async fn value(session: &mut dyn Session, sql: &str, params: &[Parameter]) -> Result<String, RefillError> {
    let failed = |source| failed(sql, source);
    let prepared = session.prepare(sql).await.map_err(failed)?;
    let limit = ResultLimit { rows: 1, bytes: usize::MAX };
    match session.query(&prepared, params, limit).await.map_err(failed)? {
        QueryResult::Complete(tuples) => text(tuples.bytes()).ok_or_else(|| {
            RefillError::Answer(format!("{} rows, where one value is expected", tuples.len()))
        }),
        QueryResult::TooLarge => Err(RefillError::Answer("several rows, where one is expected".into())),
    }
}

/// A tuple of one field: two bytes of count, four of length, the value.
fn text(tuple: &[u8]) -> Option<String> {
    let (count, rest) = tuple.split_first_chunk::<2>()?;
    let (length, value) = rest.split_first_chunk::<4>()?;
    let expected = usize::try_from(i32::from_be_bytes(*length)).ok()?;
    let is_one = i16::from_be_bytes(*count) == 1 && value.len() == expected;
    is_one.then(|| String::from_utf8(value.to_vec()).ok()).flatten()
}
