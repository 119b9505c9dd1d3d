//! Finds out whether a connection pool in transaction mode is in between.
//!
//! Such a pool lends a server session for the length of one transaction. A lock
//! of the session, its settings and its temporary tables stay behind on a
//! session that is somebody else's next, so that two runners can both be told
//! that they have the lock.
//!
//! A proxy shows by itself: the process that it names when the connection begins
//! (BackendKeyData) is not the one that answers. Only then is more asked. That
//! the pool is one of transactions is proven when our idle session answers from
//! another process than before, or when its process serves a second connection
//! while ours is open.

use std::fmt;
use std::time::Duration;

use super::{ConnectError, Connection, DbError, Location, connect};

/// How long a second connection, and what is asked on it, may take: a pool whose
/// sessions are all in use lets it wait.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the two connections are compared. Pools hand out the session that
/// was used last, or the one that was not used for longest: the second differs
/// from the first in one of two rounds at the latest.
const ROUNDS: usize = 4;

/// Which process answers.
const WHO: &str = "SELECT pg_catalog.pg_backend_pid()";
/// The same in a transaction that stays open.
const WHO_IN_TRANSACTION: &str = "BEGIN; SELECT pg_catalog.pg_backend_pid()";

/// What is between us and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Nothing that we can see.
    Nothing,
    /// A proxy that keeps our session for us, as far as can be seen.
    Proxy,
    /// A proxy that gave us no second session to compare ours with.
    Unknown,
}

/// What gives a pool away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Our session answered from another process than before.
    Moved {
        /// The process before.
        from: String,
        /// The process now.
        to: String,
    },
    /// Our process served a second connection while ours was open.
    Shared {
        /// The process.
        process: String,
    },
    /// It lends sessions for one statement only, and says so.
    Statements {
        /// In its words.
        message: String,
    },
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved { from, to } => {
                write!(f, "our session moved from server process {from} to {to} between two statements")
            }
            Self::Shared { process } => {
                write!(f, "server process {process} served two of our connections at the same time")
            }
            Self::Statements { message } => write!(f, "it refuses transactions: {message}"),
        }
    }
}

/// Why a run does not begin on this connection.
#[derive(Debug, thiserror::Error)]
pub enum PoolerError {
    /// A pool in transaction mode, or in statement mode.
    #[error("a connection pool that shares sessions between its clients is in between: {0}")]
    Pooled(Pooling),
    /// The server could not be asked.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Finds out what is between a connection and its server. Costs one question
/// where there is nothing, and a second connection where there is a proxy.
///
/// The connection must be in no transaction, and hold nothing that it would
/// lose.
pub async fn between(
    connection: &Connection,
    location: &Location,
    application_name: &str,
) -> Result<Between, PoolerError> {
    if matches!(location, Location::Embedded(_)) {
        return Ok(Between::Nothing);
    }
    let ours = ask(connection, WHO).await?;
    if connection.process_id().is_some_and(|named| named.to_string() == ours) {
        return Ok(Between::Nothing);
    }
    let comparison = compare_with_second(connection, ours, location, application_name);
    match tokio::time::timeout(PATIENCE, comparison).await {
        Ok(Ok(found)) => found.map_or(Ok(Between::Proxy), |pooling| Err(PoolerError::Pooled(pooling))),
        Ok(Err(Compared::Ours(error))) => Err(error.into()),
        Ok(Err(Compared::Second(why))) => {
            tracing::debug!("the second connection through the proxy failed: {why}");
            Ok(Between::Unknown)
        }
        Err(_) => Ok(Between::Unknown),
    }
}

/// Why two connections could not be compared.
enum Compared {
    /// Ours is gone.
    Ours(DbError),
    /// The second one was not to be had.
    Second(String),
}

impl From<ConnectError> for Compared {
    fn from(error: ConnectError) -> Self {
        Self::Second(error.to_string())
    }
}

async fn compare_with_second(
    connection: &Connection,
    ours: String,
    location: &Location,
    application_name: &str,
) -> Result<Option<Pooling>, Compared> {
    let second = connect(location, application_name).await?;
    let mut found = Ok(None);
    for _ in 0..ROUNDS {
        found = round(connection, &ours, &second).await;
        if !matches!(found, Ok(None)) {
            break;
        }
    }
    second.close().await;
    found
}

/// One comparison: the second connection keeps a session for as long as its
/// transaction is open, and ours is asked again meanwhile.
async fn round(
    connection: &Connection,
    ours: &str,
    second: &Connection,
) -> Result<Option<Pooling>, Compared> {
    let theirs = match ask(second, WHO_IN_TRANSACTION).await {
        Ok(theirs) => theirs,
        Err(DbError::Server(error)) if error.message.contains("pooling mode") => {
            return Ok(Some(Pooling::Statements { message: error.message.clone() }));
        }
        Err(error) => return Err(Compared::Second(error.to_string())),
    };
    if theirs == ours {
        return Ok(Some(Pooling::Shared { process: theirs }));
    }
    let now = ask(connection, WHO).await.map_err(Compared::Ours)?;
    if now != ours {
        return Ok(Some(Pooling::Moved { from: ours.to_owned(), to: now }));
    }
    let ended = second.session().lock().await.batch("ROLLBACK").await;
    ended.map(|_| None).map_err(|error| Compared::Second(error.to_string()))
}

/// The one value of a question.
async fn ask(connection: &Connection, sql: &str) -> Result<String, DbError> {
    let rows = connection.session().lock().await.batch(sql).await?;
    let value = rows.into_iter().next_back().and_then(|row| row.into_iter().next().flatten());
    value.ok_or_else(|| DbError::Value("the server does not say which process it is".into()))
}
