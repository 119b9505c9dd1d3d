//! What is wrong with a server's certificate.

use std::error::Error;

use rustls::CertificateError;

use super::ConnectError;

/// Why a server's certificate was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for another host.
    OtherName,
    /// No authority that is trusted has signed it.
    UnknownIssuer,
    /// Anything else.
    Other,
}

impl ConnectError {
    /// What is wrong with the server's certificate, if that is why there is no
    /// connection.
    pub fn certificate_fault(&self) -> Option<CertificateFault> {
        let mut cause: Option<&(dyn Error + 'static)> = Some(self);
        while let Some(error) = cause {
            let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            let found = wrapped.and_then(|inner| inner.downcast_ref::<rustls::Error>());
            if let Some(rustls::Error::InvalidCertificate(fault)) = found.or(error.downcast_ref()) {
                return Some(CertificateFault::of(fault));
            }
            cause = error.source();
        }
        None
    }
}

impl CertificateFault {
    fn of(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName
            }
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            _ => Self::Other,
        }
    }
}
