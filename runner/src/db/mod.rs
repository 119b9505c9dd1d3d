//! Talking to PostgreSQL: connecting, the one session, the lock, errors.
//!
//! The only place that names tokio-postgres. Knows nothing of revisions,
//! components or policy.

mod activity;
mod canceller;
mod certificate;
mod client;
mod connect;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod libpq;
mod location;
mod lock;
mod login;
mod name;
mod parts;
mod pipeline;
mod pooler;
mod postgres;
mod qualify;
mod recording;
mod redact;
mod savepoint;
mod session;
mod socket;
mod tls;
mod wait;
mod wire;

pub use activity::{Activity, blockers_of};
pub use canceller::Canceller;
pub use certificate::CertificateFault;
pub use client::ClientAccess;
pub use connect::{ConnectError, Connection, OLDEST_SERVER, connect, connect_as};
pub use error::{DbError, ServerError};
pub use libpq::ConnectionParameters;
pub use location::{Location, LocationError};
pub use lock::{AdvisoryLock, Held, LockError, Waiting};
pub use login::{Login, LoginError, scram_verifier};
pub use name::{NameError, TableName, dollar_quoted, quote_identifier, quote_literal};
pub use parts::LocationPart;
pub use pipeline::{Answer, Request};
pub use pooler::{Between, PoolerError, Pooling, between};
pub use postgres::{Ended, PostgresSession, TextRow};
pub use qualify::qualified;
pub use recording::{Recorded, Recording};
pub use savepoint::SavepointName;
pub use session::{
    Column, CursorId, Fits, Kind, Parameter, Prepared, QueryResult, ResultLimit, Session, SharedSession,
    Tuples, Type, Written,
};
pub use tls::share_tls_provider;
pub use wait::connect_within;
pub use wire::{Observed, Traffic, TransactionStatus, WireError};
