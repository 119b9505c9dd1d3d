//! TLS as libpq understands it: `sslmode` and `sslrootcert`.
//!
//! See PostgreSQL's manual, "SSL Support", "Client Verification of Server
//! Certificates".

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::LocationError;

/// How much of the server's certificate is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verification {
    /// No TLS.
    Disable,
    /// TLS if the server offers it, not verified.
    #[default]
    Prefer,
    /// TLS, not verified; verified like `Ca` where a root certificate is given,
    /// as libpq does for compatibility.
    Require,
    /// A trusted authority must have signed the certificate.
    Ca,
    /// And it must be for this host name.
    Full,
}

/// What the URL says about TLS.
#[derive(Clone, Debug, Default)]
pub(super) struct TlsOptions {
    pub(super) verification: Verification,
    pub(super) root_certificate: Option<PathBuf>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file with the root certificates.
    #[error("the root certificate {} cannot be read", path.display())]
    RootCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// There is nothing to verify against.
    #[error("no root certificate was found to verify the server's against")]
    NoRoots,
    /// The TLS library refuses.
    #[error("TLS cannot be set up")]
    Rustls(#[from] rustls::Error),
    /// A verifier cannot be built from the root certificates.
    #[error("the server's certificate cannot be verified with these root certificates")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

impl TlsOptions {
    /// Takes a connection parameter if it is one of TLS.
    pub(super) fn take(&mut self, name: &str, value: &str) -> Result<bool, LocationError> {
        match name {
            "sslmode" => self.verification = verification(value)?,
            "sslrootcert" => self.root_certificate = Some(value.into()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Makes what connects.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match (self.verification, &self.root_certificate) {
            (Verification::Disable | Verification::Prefer, _) | (Verification::Require, None) => {
                Arc::new(Unverified(provider.clone()))
            }
            (Verification::Require | Verification::Ca, _) => {
                Arc::new(AnyName(self.chain_verifier(&provider)?))
            }
            (Verification::Full, _) => self.chain_verifier(&provider)?,
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }

    fn chain_verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
        let roots = Arc::new(self.roots()?);
        Ok(WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build()?)
    }

    /// The certificates in `sslrootcert`, or the system's.
    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        match &self.root_certificate {
            Some(path) => {
                let wrong = |source| TlsError::RootCertificate { path: path.clone(), source };
                for certificate in CertificateDer::pem_file_iter(path).map_err(wrong)? {
                    roots.add(certificate.map_err(wrong)?)?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
    }
}

/// Makes the cryptography that connections use that of the whole program, for
/// other clients in it: there is one TLS stack.
pub fn share_tls_provider() {
    // Whoever was there before us has a good one too.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn verification(value: &str) -> Result<Verification, LocationError> {
    Ok(match value {
        "disable" => Verification::Disable,
        // libpq's `allow` tries without TLS first; trying with it first gives
        // nobody less.
        "allow" | "prefer" => Verification::Prefer,
        "require" => Verification::Require,
        "verify-ca" => Verification::Ca,
        "verify-full" => Verification::Full,
        other => {
            return Err(LocationError::Parameter {
                name: "sslmode",
                value: other.to_owned(),
                expected: "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`",
            });
        }
    })
}

/// Accepts every certificate: `prefer` and `require` encrypt, and promise no
/// more than that.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

/// Verifies the chain, and lets any host name pass: `verify-ca`.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let result = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match result {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
