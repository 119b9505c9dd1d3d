//! The one client: a repository of a registry, and what is asked of it.
//!
//! The client that there is for registries is asynchronous, and what is around this
//! module is not; so each question runs on a thread of its own, with a runtime of
//! its own, whether or not the caller is in one.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciEnvelope, OciErrorCode};
use oci_client::{Client, Reference, RegistryOperation};
use semver::Version;
use tokio::io::AsyncWrite;

use crate::revision::PluginName;
use crate::source::BuildStop;

use super::credentials::Login;
use super::{RegistryAddress, RegistryConfig, RegistryFault};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a registry may be silent while it answers.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
/// The same where it takes a component: until it answers, nothing tells a slow
/// upload from a silent registry.
pub(super) const UPLOAD: Duration = Duration::from_secs(300);

/// Nobody listens there. A client that has a proxy of its own does not take the one
/// of the environment, and for this machine it takes none.
const NO_PROXY: &str = "http://127.0.0.1:9";
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1";

/// The repository of a plugin.
pub(in crate::source::plugins) struct Repository<'a> {
    pub(super) address: &'a RegistryAddress,
    pub(super) name: &'a PluginName,
    pub(super) plain: bool,
    pub(super) auth_files: &'a [PathBuf],
}

/// A connection to it.
pub(super) struct Connection<'a> {
    pub(super) client: Client,
    pub(super) login: Login,
    pub(super) repository: &'a Repository<'a>,
}

impl<'a> Repository<'a> {
    /// The repository of a plugin in a registry. `auth_files` may hold credentials.
    pub(in crate::source::plugins) fn new(
        address: &'a RegistryAddress,
        name: &'a PluginName,
        config: &RegistryConfig,
        auth_files: &'a [PathBuf],
    ) -> Self {
        Self { address, name, plain: config.is_plain(address), auth_files }
    }

    /// Asks the registry something, until it answered, was silent for too long, or
    /// somebody stops it.
    pub(super) fn ask<T: Send>(
        &self,
        silence: Duration,
        stop: &BuildStop,
        question: impl AsyncFnOnce(Connection<'_>) -> Result<T, RegistryFault> + Send,
    ) -> Result<T, RegistryFault> {
        let answer = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| RegistryFault::Client(error.to_string()))?;
            let connection = self.connect(silence)?;
            runtime.block_on(async {
                tokio::select! {
                    answer = question(connection) => answer,
                    () = stop.stopped() => Err(RegistryFault::Stopped),
                }
            })
        };
        let joined = std::thread::scope(|scope| scope.spawn(answer).join());
        joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn connect(&self, silence: Duration) -> Result<Connection<'_>, RegistryFault> {
        let repository = self.address.repository(self.name.as_str());
        let login = Login::find(self.auth_files, self.address, &repository)?;
        let proxy = self.address.is_loopback().then(|| NO_PROXY.to_owned());
        let config = ClientConfig {
            http_proxy: proxy.clone(),
            https_proxy: proxy,
            no_proxy: Some(THIS_MACHINE.to_owned()),
            protocol: if self.plain { ClientProtocol::Http } else { ClientProtocol::Https },
            connect_timeout: Some(CONNECT),
            read_timeout: Some(silence),
            user_agent: concat!("runner/", env!("CARGO_PKG_VERSION")),
            platform_resolver: None,
            ..ClientConfig::default()
        };
        // The client has no cryptography of its own: it takes that of the program, which
        // is ours. Whoever set another one before has a good one too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Not `Client::new`, which makes another one where this cannot be made.
        let client = Client::try_from(config).map_err(|error| RegistryFault::Client(deepest(&error)))?;
        Ok(Connection { client, login, repository: self })
    }
}

impl Connection<'_> {
    /// A version of the plugin.
    pub(super) fn reference(&self, version: &Version) -> Reference {
        // A tag has no `+`, and a version no `_`.
        self.tagged(version.to_string().replace('+', "_"))
    }

    /// The repository, for what is asked of no version.
    pub(super) fn any(&self) -> Reference {
        self.tagged("latest".into())
    }

    fn tagged(&self, tag: String) -> Reference {
        let Repository { address, name, .. } = self.repository;
        Reference::with_tag(address.host().to_owned(), address.repository(name.as_str()), tag)
    }

    /// Lets the client know who asks, for what does not say so itself.
    pub(super) async fn log_in(
        &self,
        reference: &Reference,
        operation: RegistryOperation,
    ) -> Result<(), RegistryFault> {
        let auth = self.client.auth(reference, &self.login.auth, operation).await;
        auth.map(|_| ()).map_err(|error| self.fault(error))
    }

    /// What the client's error means.
    pub(super) fn fault(&self, error: OciDistributionError) -> RegistryFault {
        use OciDistributionError as Of;
        match error {
            Of::UnauthorizedError { .. } | Of::AuthenticationFailure(_) => self.unauthorized(),
            Of::ServerError { code: 401, .. } => self.unauthorized(),
            Of::RegistryError { envelope, .. } => match code(&envelope) {
                Some(OciErrorCode::Unauthorized) => self.unauthorized(),
                Some(OciErrorCode::Denied) => RegistryFault::Denied(text(&envelope)),
                _ => RegistryFault::Answer(text(&envelope)),
            },
            Of::ServerError { code: 403, message, .. } => RegistryFault::Denied(first_line(&message)),
            Of::ServerError { code, message, .. } => {
                RegistryFault::Answer(format!("{code} {}", first_line(&message)).trim_end().to_owned())
            }
            error @ Of::RequestError(_) => {
                RegistryFault::Unreachable { reason: deepest(&error), tls: !self.repository.plain }
            }
            error => RegistryFault::Answer(deepest(&error)),
        }
    }

    fn unauthorized(&self) -> RegistryFault {
        let host = self.repository.address.host().to_owned();
        match self.login.file.clone() {
            Some(file) => RegistryFault::Refused { host, file },
            None => RegistryFault::NoCredentials { host },
        }
    }
}

/// Whether the registry says that there is no such repository, or no such tag in it.
pub(super) fn is_absent(error: &OciDistributionError) -> bool {
    use OciErrorCode::{ManifestUnknown, NameUnknown, NotFound};
    match error {
        OciDistributionError::RegistryError { envelope, .. } => {
            [ManifestUnknown, NameUnknown, NotFound].iter().any(|absent| code(envelope) == Some(absent))
        }
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        _ => false,
    }
}

fn code(envelope: &OciEnvelope) -> Option<&OciErrorCode> {
    envelope.errors.first().map(|error| &error.code)
}

fn text(envelope: &OciEnvelope) -> String {
    let said = |error: &oci_client::errors::OciError| match error.message.as_str() {
        "" => format!("{:?}", error.code),
        message => first_line(message),
    };
    envelope.errors.first().map_or_else(|| "an error without a reason".to_owned(), said)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// What is at the bottom of an error; what is above it says it again, with the
/// address of what was asked.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// Memory that takes no more bytes than were announced.
pub(super) struct Bounded {
    pub(super) bytes: Vec<u8>,
    most: u64,
}

impl Bounded {
    pub(super) fn new(most: u64) -> Self {
        Self { bytes: Vec::new(), most }
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let room = self.most.saturating_sub(self.bytes.len() as u64);
        Poll::Ready(match bytes.len() as u64 > room {
            true => Err(io::Error::other("there are more bytes than were announced")),
            false => {
                self.bytes.extend_from_slice(bytes);
                Ok(bytes.len())
            }
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
