//! Why there is no sandbox.

use crate::db::{ConnectError, DbError, ServerError};
use crate::ledger::LedgerError;

/// Why a migration cannot have a login of its own.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// runner.toml does not say who owns the application's schemas.
    #[error("`sandbox.owner` is not set in runner.toml: the role that owns the schemas of the application")]
    NoOwner,
    /// The embedded server has one login.
    #[error("the embedded server has one login only, so it cannot have `isolation = \"role\"`")]
    Embedded,
    /// Each step is another session.
    #[error(
        "with `isolation = \"role\"` each step has a connection and so a transaction of its own: \
         `--single-transaction` cannot be"
    )]
    SingleTransaction,
    /// Its rows are written by the transaction that there is not.
    #[error(
        "revision `{revision}` has `transaction = \"none\"`, and with `isolation = \"role\"` the ledger is written in \
         the migration's transaction"
    )]
    WithoutTransaction {
        /// The first such revision of the plan.
        revision: String,
    },
    /// Code would run with a superuser's rights.
    #[error(
        "revision `{revision}` is code, and the login `{login}` is a superuser: the server would refuse it nothing"
    )]
    Superuser {
        /// The first such revision of the plan.
        revision: String,
        /// The login.
        login: String,
    },
    /// Something is missing, or does not hold.
    #[error("the sandbox is not ready: {}", reasons.join("; "))]
    NotReady {
        /// What is missing or does not hold.
        reasons: Vec<String>,
    },
    /// A guest would not be confined by what `install` makes.
    #[error("the sandbox would not hold: {}", reasons.join("; "))]
    Unsound {
        /// Why not.
        reasons: Vec<String>,
        /// What to do about each, where there is something.
        remedies: Vec<String>,
    },
    /// The control login may not make roles.
    #[error("the login `{login}` may not make roles (CREATEROLE), or not hand on `{owner}`")]
    LacksCreateRole {
        /// The login.
        login: String,
        /// The role that owns the application's schemas.
        owner: String,
        /// What an administrator has to run.
        sql: Vec<String>,
    },
    /// The control login lacks another right.
    #[error("the login `{login}` may not do this: {}", source.message)]
    NotPermitted {
        /// The login.
        login: String,
        /// The statements, of which one was refused.
        sql: Vec<String>,
        /// What the server says.
        source: Box<ServerError>,
    },
    /// The guest's login does not come about.
    #[error("the guest `{guest}` cannot log in")]
    Login {
        /// The login.
        guest: String,
        /// Why.
        source: Box<ConnectError>,
    },
    /// The guest's session is not what was asked for.
    #[error("the session of the guest is `{found}`, and `{expected}` was asked for")]
    WrongSession {
        /// The login and the role that there are.
        found: String,
        /// Those that there should be.
        expected: String,
    },
    /// The server gave an answer that makes no sense.
    #[error("the server's answer about its roles cannot be read: {0}")]
    Answer(String),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The server refused, or is gone.
    #[error("the sandbox cannot be set up")]
    Database(#[from] DbError),
}
