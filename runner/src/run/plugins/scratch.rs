//! Databases that are there for one case only.

use std::fmt;

use crate::db::{Connection, DbError, Location, connect, quote_identifier};
use crate::run::RunError;
use crate::run::migrator::APPLICATION_NAME;

/// How often a scratch database is tried to be dropped, and the pause between.
const DROP_TRIES: u32 = 100;
const DROP_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
/// `insufficient_privilege`.
const NOT_PERMITTED: &str = "42501";

/// A database for one case. It is there until [`Scratch::drop_now`].
pub(super) struct Scratch {
    name: String,
    /// Where it is.
    pub(super) location: Location,
}

/// What was done with a scratch database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScratchUse {
    /// It was made.
    Make,
    /// What is in it was read.
    Read,
    /// It was dropped.
    Drop,
}

impl fmt::Display for ScratchUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Make => "made",
            Self::Read => "read",
            Self::Drop => "dropped",
        })
    }
}

impl Scratch {
    /// Makes two on the server of a location: both or none.
    pub(super) async fn pair(server: &Location) -> Result<[Self; 2], RunError> {
        let first = Self::make(server).await?;
        match Self::make(server).await {
            Ok(second) => Ok([first, second]),
            Err(error) => {
                first.drop_now(server).await?;
                Err(error)
            }
        }
    }

    async fn make(server: &Location) -> Result<Self, RunError> {
        let name = format!("runner_case_{:016x}", rand::random::<u64>());
        let location = server.in_database(&name).ok_or(RunError::CaseNeedsServer)?;
        let scratch = Self { name, location };
        let connection = connect(server, APPLICATION_NAME).await?;
        let create = format!("CREATE DATABASE {} TEMPLATE template0", quote_identifier(&scratch.name));
        let created = connection.session().lock().await.batch(&create).await;
        connection.close().await;
        match created {
            Ok(_) => Ok(scratch),
            Err(error) => Err(scratch.error(ScratchUse::Make, error)),
        }
    }

    /// Opens a connection to it.
    pub(super) async fn connect(&self) -> Result<Connection, RunError> {
        Ok(connect(&self.location, APPLICATION_NAME).await?)
    }

    /// Ends what is at work in it, and drops it.
    pub(super) async fn drop_now(&self, server: &Location) -> Result<(), RunError> {
        let connection = connect(server, APPLICATION_NAME).await?;
        let drop = format!("DROP DATABASE {} WITH (FORCE)", quote_identifier(&self.name));
        let mut tries = DROP_TRIES;
        let dropped = loop {
            let dropped = connection.session().lock().await.batch(&drop).await;
            tries -= 1;
            match dropped {
                // An autovacuum worker is at it, which only a superuser may end.
                Err(error) if error.sqlstate() == Some(NOT_PERMITTED) && tries > 0 => {
                    tokio::time::sleep(DROP_PAUSE).await;
                }
                dropped => break dropped,
            }
        };
        connection.close().await;
        dropped.map(|_| ()).map_err(|error| self.error(ScratchUse::Drop, error))
    }

    /// Says which database it was.
    pub(super) fn error(&self, what: ScratchUse, source: DbError) -> RunError {
        RunError::CaseDatabase { database: self.name.clone(), what, source }
    }
}
