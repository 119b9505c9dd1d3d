//! Cancelling what a session's server is doing, over a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{CancelToken, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::DbError;
use super::socket::{Endpoint, SocketError};
use super::wire::Guarded;

/// How long a request to cancel may take, name and TLS included.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// How the session's server was reached: at this address, and no other host of
/// the same name.
pub(super) struct Way {
    pub(super) endpoint: Endpoint,
    pub(super) config: Config,
    pub(super) tls: Option<MakeRustlsConnect>,
}

/// Cancels what a session's server is doing.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    way: Arc<Way>,
}

impl Canceller {
    pub(super) fn new(token: CancelToken, way: Way) -> Self {
        Self { token, way: Arc::new(way) }
    }

    /// Asks the server to cancel the running statement. Whether there was one
    /// is not known.
    ///
    /// Fails if the server does not take the request within five seconds.
    pub async fn cancel(&self) -> Result<(), DbError> {
        match tokio::time::timeout(CANCEL_TIMEOUT, self.request()).await {
            Ok(result) => result,
            Err(_) => Err(DbError::Connection(format!(
                "the server took no request to cancel within {CANCEL_TIMEOUT:?}"
            ))),
        }
    }

    async fn request(&self) -> Result<(), DbError> {
        let way = &self.way;
        let stream = way.endpoint.open(&way.config, way.tls.as_ref()).await.map_err(|error| match error {
            SocketError::Network(error) | SocketError::Handshake(error) => {
                DbError::Connection(error.to_string())
            }
            other => DbError::Connection(other.to_string()),
        })?;
        Ok(self.token.cancel_query_raw(stream, Guarded).await?)
    }
}
