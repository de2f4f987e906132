//! A certificate authority for one test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// The files of a server certificate for `localhost` and `127.0.0.1`.
#[derive(Debug, Clone)]
pub struct Files {
    /// The certificate of the authority, for clients.
    pub authority: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's key.
    pub key: PathBuf,
}

/// Makes an authority and a server certificate, and writes them to `folder`.
///
/// # Errors
/// When a file can't be written.
pub fn create(folder: &Path) -> Result<Files> {
    let mut authority = CertificateParams::new(Vec::new())?;
    // Another name than the server's: OpenSSL takes a certificate that bears its issuer's name for its own.
    authority.distinguished_name.push(DnType::CommonName, "throw-away authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let server = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        anyhow::Ok(path)
    };
    Ok(Files {
        authority: write("authority.pem", authority.pem())?,
        certificate: write("server.pem", server.pem())?,
        key: write("server.key", key.serialize_pem())?,
    })
}
