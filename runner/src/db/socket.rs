//! From a host's name to a stream on which TLS is settled.
//!
//! The driver can do this too, but then gives no place for a guard between TLS
//! and itself. What the URL says means the same as there; see PostgreSQL's
//! manual, "Parameter Key Words".

use std::io;
use std::net::IpAddr;
#[cfg(unix)]
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rand::seq::SliceRandom as _;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, SslNegotiation};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect as _, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The port where the URL names none.
const PORT: u16 = 5432;
/// The message that asks for TLS: its length, and a version that no protocol
/// has. See PostgreSQL's manual, "Message Formats", SSLRequest.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    /// The network.
    #[error("the network failed")]
    Network(#[from] io::Error),
    /// The server has no TLS, and the URL requires it.
    #[error("server does not support TLS")]
    NoTls,
    /// There is no name that the certificate could be for.
    #[error("no hostname provided for TLS handshake")]
    NoHostname,
    /// TLS from the first byte cannot fall back.
    #[error("weak sslmode \"prefer\" may not be used with sslnegotiation=direct (use \"require\")")]
    WeakDirect,
    /// No host can have this name, so that nobody needs to be asked for it.
    #[error("its name is no host's name")]
    HostName,
    /// TLS does not come about.
    #[error("TLS does not come about")]
    Handshake(#[source] io::Error),
    /// The lists of hosts, addresses and ports do not belong together.
    #[error("{0}")]
    Hosts(String),
}

/// One of the hosts that a URL names, before its name is looked up.
#[derive(Clone, Debug)]
pub(super) struct NamedHost {
    /// Its name, if it has one: the certificate is verified against it.
    name: Option<String>,
    place: Place,
    port: u16,
}

#[derive(Clone, Debug)]
enum Place {
    Name(String),
    Address(IpAddr),
    #[cfg(unix)]
    Folder(PathBuf),
}

/// One place to connect to.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    name: Option<String>,
    address: Address,
    port: u16,
}

#[derive(Clone, Debug)]
enum Address {
    Ip(IpAddr),
    #[cfg(unix)]
    Folder(PathBuf),
}

/// The hosts of a URL in the order in which they are to be tried.
pub(super) fn hosts(config: &Config) -> Result<Vec<NamedHost>, SocketError> {
    let (names, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let wrong = |text: String| Err(SocketError::Hosts(text));
    let count = names.len().max(addresses.len());
    if count == 0 {
        return wrong("both host and hostaddr are missing".into());
    }
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        return wrong(format!(
            "number of hosts ({}) is different from number of hostaddrs ({})",
            names.len(),
            addresses.len()
        ));
    }
    if ports.len() > 1 && ports.len() != count {
        return wrong("invalid number of ports".into());
    }
    let host = |at: usize| {
        let (name, folder) = match names.get(at) {
            Some(Host::Tcp(name)) => (Some(name.clone()), None),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => (None, Some(Place::Folder(folder.clone()))),
            None => (None, None),
        };
        let address = addresses.get(at).copied().map(Place::Address);
        let place = address.or(folder).or_else(|| name.clone().map(Place::Name));
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(PORT);
        place.map(|place| NamedHost { name, place, port })
    };
    let mut hosts: Vec<NamedHost> = (0..count).filter_map(host).collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        hosts.shuffle(&mut rand::rng());
    }
    Ok(hosts)
}

impl NamedHost {
    /// The addresses of the host.
    pub(super) async fn resolve(&self, config: &Config) -> Result<Vec<Endpoint>, SocketError> {
        let addresses = match &self.place {
            Place::Address(address) => vec![Address::Ip(*address)],
            #[cfg(unix)]
            Place::Folder(folder) => vec![Address::Folder(folder.clone())],
            Place::Name(name) if !can_be_a_host(name) => return Err(SocketError::HostName),
            Place::Name(name) => {
                let found = tokio::net::lookup_host((name.as_str(), self.port)).await?;
                let mut found: Vec<Address> = found.map(|address| Address::Ip(address.ip())).collect();
                if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
                    found.shuffle(&mut rand::rng());
                }
                found
            }
        };
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "could not resolve any addresses").into());
        }
        let endpoint = |address| Endpoint { name: self.name.clone(), address, port: self.port };
        Ok(addresses.into_iter().map(endpoint).collect())
    }
}

impl Endpoint {
    /// Connects, and settles TLS.
    pub(super) async fn open(
        &self,
        config: &Config,
        tls: Option<&MakeRustlsConnect>,
    ) -> Result<Stream, SocketError> {
        let socket = self.connect(config).await?;
        match tls {
            Some(tls) if config.get_ssl_mode() != SslMode::Disable => self.secure(socket, config, tls).await,
            _ => Ok(Stream::Plain(socket)),
        }
    }

    async fn connect(&self, config: &Config) -> io::Result<Socket> {
        let limit = config.get_connect_timeout().copied();
        match &self.address {
            Address::Ip(address) => {
                let stream = within(limit, TcpStream::connect((*address, self.port))).await?;
                stream.set_nodelay(true)?;
                keep_alive(&stream, config)?;
                Ok(Socket::Tcp(stream))
            }
            #[cfg(unix)]
            Address::Folder(folder) => {
                let path = folder.join(format!(".s.PGSQL.{}", self.port));
                Ok(Socket::Unix(within(limit, UnixStream::connect(path)).await?))
            }
        }
    }

    async fn secure(
        &self,
        mut socket: Socket,
        config: &Config,
        tls: &MakeRustlsConnect,
    ) -> Result<Stream, SocketError> {
        let required = config.get_ssl_mode() == SslMode::Require;
        if config.get_ssl_negotiation() == SslNegotiation::Postgres {
            socket.write_all(&SSL_REQUEST).await?;
            // One byte and not one more: what came with it in clear text would
            // be taken for a part of what is encrypted.
            let offered = socket.read_u8().await? == b'S';
            match offered {
                false if required => return Err(SocketError::NoTls),
                false => return Ok(Stream::Plain(socket)),
                true => {}
            }
        } else if !required {
            return Err(SocketError::WeakDirect);
        }
        let name = self.name.as_deref().ok_or(SocketError::NoHostname)?;
        let connector = match MakeTlsConnect::<Socket>::make_tls_connect(&mut tls.clone(), name) {
            Ok(connector) => connector,
            Err(never) => match never {},
        };
        Ok(Stream::Tls(Box::new(connector.connect(socket).await.map_err(SocketError::Handshake)?)))
    }
}

/// Whether a name can be looked up: labels of at most 63 bytes with dots between
/// them, 253 bytes together (RFC 1035, 2.3.4), of characters that hosts have in
/// practice.
fn can_be_a_host(name: &str) -> bool {
    let is_label = |label: &str| {
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii();
        (1..=63).contains(&label.len()) && label.bytes().all(allowed)
    };
    // An address with a zone, as `fe80::1%eth0`, is looked up too.
    let is_address = name.parse::<IpAddr>().is_ok() || (name.contains(':') && name.contains('%'));
    is_address || (name.len() <= 253 && name.strip_suffix('.').unwrap_or(name).split('.').all(is_label))
}

async fn within<T>(limit: Option<Duration>, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match limit {
        None => work.await,
        Some(limit) => match tokio::time::timeout(limit, work).await {
            Ok(result) => result,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "connection timed out")),
        },
    }
}

/// Finds out that the other side is gone although nothing is sent.
fn keep_alive(stream: &TcpStream, config: &Config) -> io::Result<()> {
    let socket = SockRef::from(stream);
    #[cfg(target_os = "linux")]
    if let Some(limit) = config.get_tcp_user_timeout() {
        socket.set_tcp_user_timeout(Some(*limit))?;
    }
    if !config.get_keepalives() {
        return Ok(());
    }
    let mut keepalive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
    if let Some(interval) = config.get_keepalives_interval() {
        keepalive = keepalive.with_interval(interval);
    }
    #[cfg(not(windows))]
    if let Some(retries) = config.get_keepalives_retries() {
        keepalive = keepalive.with_retries(retries);
    }
    socket.set_tcp_keepalive(&keepalive)
}

/// A connected socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// A connected socket, with TLS or without.
pub(super) enum Stream {
    Plain(Socket),
    Tls(Box<Encrypted>),
}

/// Passes the calls on to whichever stream it is.
macro_rules! pass_on {
    ($name:ident { $($(#[$condition:meta])* $case:ident),+ }) => {
        impl AsyncRead for $name {
            fn poll_read(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match &mut *self {
                    $($(#[$condition])* Self::$case(stream) => Pin::new(stream).poll_read(context, buffer),)+
                }
            }
        }

        impl AsyncWrite for $name {
            fn poll_write(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                match &mut *self {
                    $($(#[$condition])* Self::$case(stream) => Pin::new(stream).poll_write(context, bytes),)+
                }
            }

            fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                match &mut *self {
                    $($(#[$condition])* Self::$case(stream) => Pin::new(stream).poll_flush(context),)+
                }
            }

            fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                match &mut *self {
                    $($(#[$condition])* Self::$case(stream) => Pin::new(stream).poll_shutdown(context),)+
                }
            }
        }
    };
}

pass_on!(Socket {
    Tcp,
    #[cfg(unix)]
    Unix
});
pass_on!(Stream { Plain, Tls });

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        match self {
            Self::Plain(_) => ChannelBinding::none(),
            Self::Tls(stream) => stream.channel_binding(),
        }
    }
}
