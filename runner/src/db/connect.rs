//! From a location to a session.

use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::error::DbError as ServerMessage;
use tokio_postgres::{AsyncMessage, Client, Config, SimpleQueryMessage};

use super::canceller::Way;
use super::location::ServerLocation;
use super::login::{Login, LoginError};
use super::socket::{Endpoint, SocketError, Stream, hosts};
use super::tls::{TlsError, Verification};
use super::wire::{Admitted, Guard, Guarded, Subject, Traffic, Wire};
use super::{Canceller, Location, PostgresSession, ServerError};

/// How long a connection attempt to one address may take where the URL does
/// not say (`connect_timeout`).
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the server may take to hear that a connection is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The oldest major version of the server that is served: what the audit and
/// the guest's login need is there since then.
pub const OLDEST_SERVER: u32 = 14;

/// What the driver says where the server asks for a password and the location has
/// none; it has no type for it.
const PASSWORD_MISSING: &str = "password missing";

/// The driver's connection, guarded.
type Driven = tokio_postgres::Connection<Guard<Stream>, Guard<Stream>>;

/// An open connection: the session, and what keeps it alive.
pub struct Connection {
    session: Arc<Mutex<PostgresSession>>,
    canceller: Canceller,
    wire: Arc<Wire>,
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
    /// The server asks for a password, and there is none.
    #[error("the server of {location} asks for a password, and none is given")]
    NoPassword {
        /// Where it is.
        location: String,
    },
    /// The server is older than what is served.
    #[error("the server of {location} is PostgreSQL {found}; {OLDEST_SERVER} or newer is needed")]
    TooOld {
        /// Where it is.
        location: String,
        /// Its version, as it reports it.
        found: String,
    },
    /// The database's encoding is not UTF8, in which texts are checked and sent.
    #[error("the encoding of {location} is {found}; UTF8 is needed")]
    Encoding {
        /// Where it is.
        location: String,
        /// Its encoding, as the server reports it.
        found: String,
    },
    /// Another login cannot be had like this.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// TLS cannot be set up on our side.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// `embedded` was asked for, and is not in this build.
    #[error("this build of runner has no embedded server")]
    NoEmbedded,
    /// The embedded server does not start.
    #[error("the embedded server does not start: {0}")]
    Embedded(String),
    /// No login was possible for as long as we waited for one.
    #[error("the server of {location} took no login within {waited:?}")]
    NotInTime {
        /// Where it should be.
        location: String,
        /// How long we waited.
        waited: Duration,
        /// What stood in the way the last time.
        source: Box<ConnectError>,
    },
}

/// What the server says where it is there and takes no login yet, or no longer:
/// it starts or recovers (57P03), shuts down (57P01, 57P02), or all of its
/// connections are taken (53300). See PostgreSQL's manual, appendix A.
const NOT_NOW: [&str; 4] = ["57P03", "57P01", "57P02", "53300"];

impl ConnectError {
    /// Whether it may be different a moment later with nobody putting anything
    /// right: nobody answers, or the server takes no login now. A password that
    /// is wrong stays wrong.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NotInTime { .. } => true,
            Self::Refused { source, .. } => NOT_NOW.contains(&source.sqlstate.as_str()),
            Self::Failed { .. }
            | Self::NoPassword { .. }
            | Self::TooOld { .. }
            | Self::Encoding { .. }
            | Self::Login(_)
            | Self::Tls(_)
            | Self::NoEmbedded
            | Self::Embedded(_) => false,
        }
    }

    /// Nothing came back for as long as there was time.
    pub(super) fn no_answer(location: &Location) -> Self {
        Self::Unreachable { location: location.to_string(), source: timed_out().into() }
    }

    /// What the server said, if it was the server that refused.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Refused { source, .. } => Some(source),
            Self::NotInTime { source, .. } => source.server(),
            _ => None,
        }
    }
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

/// Connects as another user to the database of a location: the same host, the
/// same TLS.
///
/// The settings go into the startup packet, as `options`: a proxy that does not
/// pass them on refuses the connection, or loses them. Whoever relies on them
/// asks the server for their values.
pub async fn connect_as(
    location: &Location,
    login: &Login,
    application_name: &str,
) -> Result<Connection, ConnectError> {
    let Location::Server(server) = location else {
        return Err(LoginError::Embedded.into());
    };
    let mut server = server.clone();
    login.apply(&mut server.config)?;
    let location = Location::Server(server.clone()).to_string();
    connect_to(&server, location, application_name).await
}

/// Tries the hosts of the location one after the other, and the addresses of
/// each, until one takes us. The error is that of the last one that somebody has
/// to put right, or else that of the last one.
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
    let tls = match server.tls.verification {
        Verification::Disable => None,
        _ => Some(server.tls.connector()?),
    };
    let attempt = Attempt { config, tls, location };
    let hosts = hosts(&attempt.config).map_err(|error| attempt.socket_error(error))?;
    let mut told: Option<ConnectError> = None;
    let mut tell = |error: ConnectError| {
        if !error.may_pass() || told.as_ref().is_none_or(ConnectError::may_pass) {
            told = Some(error);
        }
    };
    for host in hosts {
        let endpoints = match attempt.within_limit(host.resolve(&attempt.config)).await {
            Ok(endpoints) => endpoints,
            Err(error) => {
                tell(attempt.socket_error(error));
                continue;
            }
        };
        for endpoint in endpoints {
            match attempt.connect(endpoint).await {
                Ok(connection) => return Ok(connection),
                Err(error) => tell(error),
            }
        }
    }
    Err(told.expect("a URL without a host is an error, and so is a host without an address"))
}

/// What all attempts to connect to a location share.
struct Attempt {
    config: Config,
    tls: Option<tokio_postgres_rustls::MakeRustlsConnect>,
    location: String,
}

impl Attempt {
    /// Work on the network with the time that one attempt has. A server that takes
    /// the connection and says nothing must not hang us.
    async fn within_limit<T>(
        &self,
        work: impl Future<Output = Result<T, SocketError>>,
    ) -> Result<T, SocketError> {
        let limit = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let timed_out = |_| SocketError::Network(timed_out());
        tokio::time::timeout(limit, work).await.map_err(timed_out)?
    }

    async fn connect(&self, endpoint: Endpoint) -> Result<Connection, ConnectError> {
        let limit = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        match tokio::time::timeout(limit, self.log_in(endpoint)).await {
            Ok(result) => result,
            Err(_) => Err(self.socket_error(SocketError::Network(timed_out()))),
        }
    }

    /// Connects to one address, TLS and the login included.
    async fn log_in(&self, endpoint: Endpoint) -> Result<Connection, ConnectError> {
        let stream = endpoint.open(&self.config, self.tls.as_ref()).await;
        let stream = stream.map_err(|error| self.socket_error(error))?;
        let wire = Arc::new(Wire::default());
        let guard = Guard::new(stream, Arc::clone(&wire));
        // TLS is settled; the driver is told to take the outcome as it is.
        let mut config = self.config.clone();
        config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        let connected = config.connect_raw(guard, Guarded).await;
        let (client, connection) = connected.map_err(|error| self.driver_error(error, &wire))?;
        self.check(&wire)?;
        let task = tokio::spawn(drive(connection, Arc::clone(&wire)));
        self.check_target(&client, &wire).await?;
        let way = Way { endpoint, config: self.config.clone(), tls: self.tls.clone() };
        let canceller = Canceller::new(client.cancel_token(), way);
        let session = PostgresSession::new(client, Arc::clone(&wire), canceller.clone());
        Ok(Connection {
            session: Arc::new(Mutex::new(session)),
            canceller,
            wire,
            task,
            #[cfg(feature = "embedded")]
            embedded: None,
        })
    }

    /// Refuses a server that is not served, by what it has reported by itself.
    fn check(&self, wire: &Wire) -> Result<(), ConnectError> {
        let location = || self.location.clone();
        let (Some(version), Some(encoding)) =
            (wire.parameter("server_version"), wire.parameter("server_encoding"))
        else {
            let source = "the server does not tell its version and its encoding".into();
            return Err(ConnectError::Failed { location: location(), source });
        };
        if major(&version).is_none_or(|major| major < OLDEST_SERVER) {
            return Err(ConnectError::TooOld { location: location(), found: version });
        }
        match encoding.as_str() {
            "UTF8" => Ok(()),
            _ => Err(ConnectError::Encoding { location: location(), found: encoding }),
        }
    }

    /// `target_session_attrs`, as far as the driver knows it.
    async fn check_target(&self, client: &Client, wire: &Wire) -> Result<(), ConnectError> {
        let (wanted, refusal) = match self.config.get_target_session_attrs() {
            TargetSessionAttrs::ReadWrite => ("off", "database does not allow writes"),
            TargetSessionAttrs::ReadOnly => ("on", "database is not read only"),
            _ => return Ok(()),
        };
        let answer = client.simple_query("SHOW transaction_read_only").await;
        let answer = answer.map_err(|error| self.driver_error(error, wire))?;
        let mut values = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        match values.next() == Some(wanted) {
            true => Ok(()),
            false => {
                Err(ConnectError::Unreachable { location: self.location.clone(), source: refusal.into() })
            }
        }
    }

    fn socket_error(&self, error: SocketError) -> ConnectError {
        let location = self.location.clone();
        match error {
            // A socket that we may not open is there, and stays closed to us.
            SocketError::Network(source) if source.kind() == ErrorKind::PermissionDenied => {
                ConnectError::Failed { location, source: source.into() }
            }
            SocketError::Network(source) => ConnectError::Unreachable { location, source: source.into() },
            SocketError::Handshake(source) if is_cut_off(&source) => {
                ConnectError::Unreachable { location, source: source.into() }
            }
            SocketError::Handshake(source) => ConnectError::Failed { location, source: source.into() },
            other => ConnectError::Failed { location, source: other.into() },
        }
    }

    fn driver_error(&self, error: tokio_postgres::Error, wire: &Wire) -> ConnectError {
        let location = self.location.clone();
        if let Some(server) = error.as_db_error() {
            return ConnectError::Refused { location, source: Box::new(server.into()) };
        }
        if let Some(fault) = wire.fault() {
            return ConnectError::Failed { location, source: fault.into() };
        }
        let misses_password = error.source().is_some_and(|source| source.to_string() == PASSWORD_MISSING);
        if misses_password && self.config.get_password().is_none() {
            return ConnectError::NoPassword { location };
        }
        // What takes a connection and ends it without a word is a proxy of a
        // server that is not up, as a container's is.
        let unreachable =
            error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>());
        let source = error.into_source().unwrap_or_else(|| "the connection was closed".into());
        match unreachable {
            true => ConnectError::Unreachable { location, source },
            false => ConnectError::Failed { location, source },
        }
    }
}

fn timed_out() -> std::io::Error {
    std::io::Error::new(ErrorKind::TimedOut, "the server did not answer in time")
}

/// Whether the other side ended the connection, and did not object to anything.
fn is_cut_off(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    )
}

/// The major version in a version as the server reports it: `15.8 (Debian
/// 15.8-1)`, `18beta1`.
fn major(version: &str) -> Option<u32> {
    let end = version.find(|character: char| !character.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

/// Moves the connection's bytes until it ends, and passes the server's notices
/// on to the log, as far as the step's budget goes.
async fn drive(mut connection: Driven, wire: Arc<Wire>) {
    let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => log(&notice, &wire),
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(target: "runner::server", "the connection ended: {error}");
                return;
            }
        }
    }
}

fn log(notice: &ServerMessage, wire: &Wire) {
    let message = wire.hide(notice.message());
    let admitted = wire.admit(message.len());
    let Subject { revision, span } = wire.subject();
    let revision = revision.as_ref().map(tracing::field::display);
    let code = notice.code().code();
    match (admitted, notice.severity()) {
        (Admitted::Yes, "WARNING") => {
            tracing::warn!(target: "runner::server", parent: span, revision, sqlstate = code, "{message}");
        }
        (Admitted::Yes, severity) => {
            tracing::info!(target: "runner::server", parent: span, revision, severity, "{message}");
        }
        (Admitted::Exhausted, _) => {
            let message = "the server says more than is logged of one step";
            tracing::warn!(target: "runner::server", parent: span, revision, "{message}");
        }
        (Admitted::No, _) => {}
    }
}

impl Connection {
    /// The session.
    pub fn session(&self) -> Arc<Mutex<PostgresSession>> {
        self.session.clone()
    }

    /// What cancels the session's statements.
    pub fn canceller(&self) -> &Canceller {
        &self.canceller
    }

    /// What passes on the connection.
    pub fn traffic(&self) -> Traffic {
        Traffic::of(&self.wire)
    }

    /// The server's process that serves the connection, if it told.
    pub fn process_id(&self) -> Option<i32> {
        self.wire.process()
    }

    /// A parameter that the server reports by itself (`server_version`,
    /// `is_superuser` …), as it is now; see PostgreSQL's manual, "Asynchronous
    /// Operations" of the protocol.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.wire.parameter(name)
    }

    /// The server's major version, as 15 or 18.
    pub fn server_major(&self) -> u32 {
        server_major(&self.wire)
    }

    /// Whether the session's current user is a superuser; none if the server
    /// does not tell.
    pub fn is_superuser(&self) -> Option<bool> {
        is_superuser(&self.wire)
    }

    /// Closes the connection and waits until the server has been told.
    ///
    /// An embedded server stops after that; dropping a connection instead
    /// would stop it under the session's feet.
    pub async fn close(self) {
        self.close_within(CLOSE_TIMEOUT).await;
    }

    /// The same, waiting for at most `limit`.
    pub async fn close_within(self, limit: Duration) {
        drop(self.session);
        // The task ends by itself when the last handle of the session is gone.
        // A handle that is kept elsewhere must not hang the program, nor must a
        // server that does not answer.
        let task = self.task.abort_handle();
        if tokio::time::timeout(limit, self.task).await.is_err() {
            task.abort();
        }
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            let _ = tokio::task::spawn_blocking(move || embedded.stop()).await;
        }
    }
}

/// The server's major version; it was checked when the connection was made.
pub(super) fn server_major(wire: &Wire) -> u32 {
    wire.parameter("server_version").and_then(|version| major(&version)).unwrap_or(OLDEST_SERVER)
}

pub(super) fn is_superuser(wire: &Wire) -> Option<bool> {
    wire.parameter("is_superuser").map(|value| value == "on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_in_all_its_forms() {
        for (text, expected) in [
            ("15.18 (Debian 15.18-0+deb12u1)", Some(15)),
            ("18beta1", Some(18)),
            ("14devel", Some(14)),
            ("9.6.24", Some(9)),
            ("", None),
            ("EDB 14", None),
        ] {
            assert_eq!(major(text), expected, "{text}");
        }
    }
}
