//! What the server, or the way to it, reports.

use std::error::Error as _;

use super::WireError;

/// The fields of the protocol's ErrorResponse message.
///
/// See PostgreSQL's manual, "Error and Notice Message Fields".
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ServerError {
    /// The SQLSTATE code; see the manual's appendix A.
    pub sqlstate: String,
    /// `ERROR`, `FATAL` or `PANIC`.
    pub severity: String,
    /// The primary message.
    pub message: String,
    /// More about the problem.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where in the statement, in characters from 1.
    pub position: Option<u32>,
    /// The statement that the server ran by itself when it failed (in a
    /// function's body, say), and where in it.
    pub internal: Option<(String, u32)>,
    /// The context: the functions that were active.
    pub context: Option<String>,
    /// The schema of the object that the error is about.
    pub schema: Option<String>,
    /// The table that the error is about.
    pub table: Option<String>,
    /// The column that the error is about.
    pub column: Option<String>,
    /// The type that the error is about.
    pub datatype: Option<String>,
    /// The constraint that was violated.
    pub constraint: Option<String>,
}

/// Why something that was asked of a session failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The server rejected a statement.
    #[error(transparent)]
    Server(#[from] Box<ServerError>),
    /// The connection is gone: nothing more can be asked of this session.
    #[error("the connection to the server was lost: {0}")]
    Connection(String),
    /// The server broke the protocol or a limit, and the connection was ended
    /// for it: nothing more can be asked of this session.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A value could not be encoded or decoded; nothing was sent.
    #[error("{0}")]
    Value(String),
    /// There is no server to ask: a script is being written, and this cannot be
    /// a part of it.
    #[error("{0}")]
    Unrecordable(String),
}

impl DbError {
    /// The server's SQLSTATE, if it was the server that objected.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Server(error) => Some(&error.sqlstate),
            Self::Connection(_) | Self::Wire(_) | Self::Value(_) | Self::Unrecordable(_) => None,
        }
    }

    /// Whether the connection is gone: found closed, ended by us, or ended by the
    /// server with this very error (class 57P, and most of 08; a protocol
    /// violation, 08P01, is how the server objects to missing parameters).
    pub fn is_connection_lost(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Wire(_) => true,
            Self::Server(error) => {
                error.severity == "FATAL"
                    || error.severity == "PANIC"
                    || matches!(error.sqlstate.as_str(), "57P01" | "57P02" | "57P03")
                    || matches!(
                        error.sqlstate.as_str(),
                        "08000" | "08001" | "08003" | "08004" | "08006" | "08007"
                    )
            }
            Self::Value(_) | Self::Unrecordable(_) => false,
        }
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(server) = error.as_db_error() {
            return Self::Server(Box::new(server.into()));
        }
        if error.is_closed() {
            return Self::Connection("closed".into());
        }
        // Since 0.7.15 the driver's own message leaves the cause out.
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        match error.source().is_some_and(|cause| cause.is::<std::io::Error>()) {
            true => Self::Connection(text),
            false => Self::Value(text),
        }
    }
}

impl From<&tokio_postgres::error::DbError> for ServerError {
    fn from(error: &tokio_postgres::error::DbError) -> Self {
        use tokio_postgres::error::ErrorPosition;
        let owned = |field: Option<&str>| field.map(str::to_owned);
        let (position, internal) = match error.position() {
            None => (None, None),
            Some(ErrorPosition::Original(position)) => (Some(*position), None),
            Some(ErrorPosition::Internal { position, query }) => (None, Some((query.clone(), *position))),
        };
        Self {
            sqlstate: error.code().code().to_owned(),
            severity: error.severity().to_owned(),
            message: error.message().to_owned(),
            detail: owned(error.detail()),
            hint: owned(error.hint()),
            position,
            internal,
            context: owned(error.where_()),
            schema: owned(error.schema()),
            table: owned(error.table()),
            column: owned(error.column()),
            datatype: owned(error.datatype()),
            constraint: owned(error.constraint()),
        }
    }
}
