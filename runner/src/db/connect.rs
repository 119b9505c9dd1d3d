//! From a location to a session.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, NoTls};

use super::location::ServerLocation;
use super::tls::{TlsError, Verification};
use super::{Canceller, Location, PostgresSession, ServerError};

/// How long a connection attempt to one address may take where the URL does
/// not say (`connect_timeout`).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An open connection: the session, and what keeps it alive.
pub struct Connection {
    session: Arc<Mutex<PostgresSession>>,
    canceller: Canceller,
    /// Moves the bytes; ends when the session is dropped.
    task: JoinHandle<()>,
    #[cfg(feature = "embedded")]
    embedded: Option<super::embedded::Embedded>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers.
    #[error("the server of {location} cannot be reached")]
    Unreachable {
        /// Where it should be.
        location: String,
        /// What the network says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server answers, and refuses.
    #[error("the server refuses a connection to {location} ({})", source.sqlstate)]
    Refused {
        /// Where it is.
        location: String,
        /// What it says.
        source: Box<ServerError>,
    },
    /// The connection breaks off, or TLS does not come about.
    #[error("no connection to {location}")]
    Failed {
        /// Where it is.
        location: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS cannot be set up on our side.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// `embedded` was asked for, and is not in this build.
    #[error("this build of runner has no embedded server")]
    NoEmbedded,
    /// The embedded server does not start.
    #[error("the embedded server does not start: {0}")]
    Embedded(String),
}

/// Connects.
pub async fn connect(location: &Location, application_name: &str) -> Result<Connection, ConnectError> {
    match location {
        Location::Server(server) => connect_to(server, location.to_string(), application_name).await,
        #[cfg(feature = "embedded")]
        Location::Embedded(path) => {
            let path = path.clone();
            let started = tokio::task::spawn_blocking(move || super::embedded::Embedded::start(path)).await;
            let embedded = started
                .map_err(|error| ConnectError::Embedded(error.to_string()))?
                .map_err(ConnectError::Embedded)?;
            let inner = Location::parse(&embedded.url())
                .map_err(|error| ConnectError::Embedded(error.to_string()))?;
            let Location::Server(server) = inner else {
                return Err(ConnectError::Embedded("it gave no address".into()));
            };
            let mut connection = connect_to(&server, location.to_string(), application_name).await?;
            connection.embedded = Some(embedded);
            Ok(connection)
        }
        #[cfg(not(feature = "embedded"))]
        Location::Embedded(_) => Err(ConnectError::NoEmbedded),
    }
}

async fn connect_to(
    server: &ServerLocation,
    location: String,
    application_name: &str,
) -> Result<Connection, ConnectError> {
    let mut config = server.config.clone();
    if config.get_application_name().is_none() {
        config.application_name(application_name);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    let failed = |error| connect_error(&location, error);
    if server.tls.verification == Verification::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
        let task = tokio::spawn(drive(connection));
        return Ok(Connection::new(PostgresSession::new(client, None), task));
    }
    let tls = server.tls.connector()?;
    let (client, connection) = config.connect(tls.clone()).await.map_err(failed)?;
    let task = tokio::spawn(drive(connection));
    Ok(Connection::new(PostgresSession::new(client, Some(tls)), task))
}

fn connect_error(location: &str, error: tokio_postgres::Error) -> ConnectError {
    let location = location.to_owned();
    if let Some(server) = error.as_db_error() {
        return ConnectError::Refused { location, source: Box::new(server.into()) };
    }
    let unreachable = error.to_string().starts_with("error connecting to server")
        || error.source().is_some_and(|source| source.is::<std::io::Error>());
    let source = error.into_source().unwrap_or_else(|| "the connection was closed".into());
    match unreachable {
        true => ConnectError::Unreachable { location, source },
        false => ConnectError::Failed { location, source },
    }
}

/// Moves the connection's bytes until it ends, and passes the server's notices
/// on to the log.
async fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => match notice.severity() {
                "WARNING" => tracing::warn!(target: "runner::server", "{}", notice.message()),
                _ => tracing::info!(target: "runner::server", "{}", notice.message()),
            },
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(target: "runner::server", "the connection ended: {error}");
                return;
            }
        }
    }
}

impl Connection {
    fn new(session: PostgresSession, task: JoinHandle<()>) -> Self {
        let canceller = session.canceller();
        Self {
            session: Arc::new(Mutex::new(session)),
            canceller,
            task,
            #[cfg(feature = "embedded")]
            embedded: None,
        }
    }

    /// The session.
    pub fn session(&self) -> Arc<Mutex<PostgresSession>> {
        self.session.clone()
    }

    /// What cancels the session's statements.
    pub fn canceller(&self) -> &Canceller {
        &self.canceller
    }

    /// Closes the connection and waits until the server has been told.
    ///
    /// An embedded server stops after that; dropping a connection instead
    /// would stop it under the session's feet.
    pub async fn close(self) {
        drop(self.session);
        // The task ends by itself when the last handle of the session is gone.
        // A handle that is kept elsewhere must not hang the program.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.task).await;
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            let _ = tokio::task::spawn_blocking(move || embedded.stop()).await;
        }
    }
}
