//! The TLS side of a native listener: which certificate, and what SCRAM binds to.

use std::{path::Path, sync::Arc};

use hoop_wire::certificate;
use rustls::{ServerConfig, server::NoServerSessionStorage};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};

/// The protocol's name in ALPN, needed where TLS begins with the first byte.
pub(crate) const ALPN: &[u8] = b"postgresql";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read, or holds something else.
    #[error("can't read a {what} in PEM from {path}")]
    Unreadable {
        /// What was expected.
        what: &'static str,
        /// Where.
        path: String,
        /// What came instead.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// Nothing to show to clients.
    #[error("there is no certificate in {path}")]
    NoCertificate {
        /// Where one was expected.
        path: String,
    },
    /// The two don't go together, or can't be used.
    #[error("the TLS certificate and key can't be used together")]
    Unusable(#[from] rustls::Error),
    /// A certificate of our own could not be made.
    #[error("can't make a self-signed certificate")]
    Generation(#[from] rcgen::Error),
}

/// A certificate, ready for use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    end_point: Option<Arc<[u8]>>,
}

impl Tls {
    /// Reads a certificate chain, the server's own first, and its key.
    ///
    /// # Errors
    /// When a file can't be read or the two don't fit.
    pub fn from_pem_files(chain: &Path, key: &Path) -> Result<Self, Error> {
        let unreadable = |what, path: &Path| {
            let path = path.display().to_string();
            move |source| Error::Unreadable { what, path, source }
        };
        let certificates: Vec<_> = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect)
            .map_err(unreadable("certificate", chain))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable("private key", key))?;
        if certificates.is_empty() {
            return Err(Error::NoCertificate { path: chain.display().to_string() });
        }
        Self::new(certificates, key)
    }

    /// Makes a certificate that nobody vouches for. Clients that check it will refuse it;
    /// `sslmode=require` and channel binding work.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn self_signed() -> Result<Self, Error> {
        let key = rcgen::KeyPair::generate()?;
        let certificate =
            rcgen::CertificateParams::new(["localhost".to_owned()])?.self_signed(&key)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Self::new(vec![certificate.der().clone()], key.into())
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, Error> {
        let end_point = chain.first().and_then(|own| certificate::end_point(own)).map(Arc::from);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // PostgreSQL clients never resume, so tickets would only cost a write and memory.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), end_point })
    }

    pub(crate) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        Arc::clone(&self.config).into()
    }

    /// What SCRAM binds to; `None` when the certificate can't be bound to.
    pub(crate) fn end_point(&self) -> Option<Arc<[u8]>> {
        self.end_point.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_our_own_can_be_bound_to() {
        assert!(Tls::self_signed().unwrap().end_point().is_some());
    }

    #[test]
    fn a_certificate_is_read_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        let pair = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        std::fs::write(&chain, parameters.self_signed(&pair).unwrap().pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        Tls::from_pem_files(&chain, &key).unwrap();

        let swapped = Tls::from_pem_files(&key, &chain).unwrap_err().to_string();
        assert!(swapped.contains("key"), "{swapped}");
        let missing = Tls::from_pem_files(&folder.path().join("none.pem"), &key).unwrap_err();
        assert!(missing.to_string().contains("none.pem"), "{missing}");
    }
}
