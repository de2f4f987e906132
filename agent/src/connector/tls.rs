//! TLS to targets, in the four ways that `SSLMODE` names.

mod trust;

use std::{
    str::FromStr,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use trust::Trust;

/// How much a connection asks of TLS. The names are libpq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// No TLS.
    Disable,
    /// TLS when the server has it.
    Prefer,
    /// TLS or nothing; who the server is, is checked when there is a root certificate.
    Require,
    /// TLS, and the certificate is the host's.
    VerifyFull,
}

/// A root certificate or a TLS set-up that can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// `SSLROOTCERT` holds no certificate.
    #[error("SSLROOTCERT is not a certificate in PEM")]
    RootCertificate,
    /// The system has no authorities to check against.
    #[error("the agent's system has no root certificates; set SSLROOTCERT")]
    NoAuthorities,
    /// rustls refuses the authorities.
    #[error("the root certificates can't be used")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// The set-ups that need no connection's settings, made once: reading the system's
/// authorities takes milliseconds, and sessions to one target share TLS tickets.
#[derive(Debug, Default)]
pub(crate) struct Tls {
    unverified: OnceLock<Arc<ClientConfig>>,
    system: OnceLock<Arc<ClientConfig>>,
}

impl Tls {
    /// The set-up for a mode and a connection's own root certificate. `None`: no TLS.
    pub(crate) fn config(
        &self,
        mode: SslMode,
        root: Option<&str>,
    ) -> Result<Option<Arc<ClientConfig>>, Error> {
        match (mode, root) {
            (SslMode::Disable, _) => Ok(None),
            (SslMode::Prefer, _) | (SslMode::Require, None) => Ok(Some(self.unverified())),
            (SslMode::Require, Some(pem)) => Ok(Some(trusting(Trust::chain(roots(pem)?)?))),
            (SslMode::VerifyFull, Some(pem)) => full(roots(pem)?).map(Some),
            (SslMode::VerifyFull, None) => self.system().map(Some),
        }
    }

    fn unverified(&self) -> Arc<ClientConfig> {
        Arc::clone(self.unverified.get_or_init(|| trusting(Trust::Any)))
    }

    fn system(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = self.system.get() {
            return Ok(Arc::clone(config));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(Error::NoAuthorities);
        }
        let config = full(roots)?;
        Ok(Arc::clone(self.system.get_or_init(|| config)))
    }
}

fn full(roots: RootCertStore) -> Result<Arc<ClientConfig>, Error> {
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

fn trusting(trust: Trust) -> Arc<ClientConfig> {
    let config = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    Arc::new(config)
}

fn roots(pem: &str) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| Error::RootCertificate)?;
        roots.add(certificate).map_err(|_| Error::RootCertificate)?;
    }
    if roots.is_empty() { Err(Error::RootCertificate) } else { Ok(roots) }
}

/// A mode that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("SSLMODE is not one of disable, prefer, require, verify-full")]
pub(crate) struct InvalidSslMode;

impl FromStr for SslMode {
    type Err = InvalidSslMode;
    fn from_str(name: &str) -> Result<Self, InvalidSslMode> {
        match name {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(InvalidSslMode),
        }
    }
}
