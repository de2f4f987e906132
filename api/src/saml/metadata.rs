//! What an identity provider says of itself: what it is called, where people sign in, and which
//! keys sign its answers. It comes from the operator, or from a URL that the operator trusts.

use reqwest::Url;
use saml_rs::{
    IdpDescriptor, MetadataTrustPolicy, SamlError,
    constants::{Binding, CertUse},
};

use crate::outward::{self, LONGEST};

/// An identity provider's metadata, read and found fit.
#[derive(Debug, Clone)]
pub(crate) struct Peer(IdpDescriptor);

/// Why a text is not fit to be that.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// It is something else.
    #[error("it is not the metadata of one SAML 2.0 identity provider (an EntityDescriptor)")]
    Unreadable(#[source] Box<SamlError>),
    /// It is longer than 1 MiB.
    #[error("it is longer than 1 MiB")]
    TooLong,
    /// There is nowhere to send people.
    #[error(
        "it has no SingleSignOnService with the HTTP-Redirect binding; switch that on at the provider"
    )]
    Nowhere,
    /// People would send their passwords in clear.
    #[error("its SingleSignOnService does not begin with https://: passwords pass there")]
    InClear,
    /// Nothing could be verified.
    #[error("it has no certificate that signs (a KeyDescriptor with use=\"signing\")")]
    NoKey,
}

impl Peer {
    /// Reads metadata. A signature of its own is not looked at: who may change the text or the
    /// URL may change the setting as well.
    ///
    /// # Errors
    /// When it is not of use.
    pub(crate) fn parse(text: &str) -> Result<Self, Unfit> {
        if LONGEST < text.len() {
            return Err(Unfit::TooLong);
        }
        // We have no key to sign requests with, and an answer is bound to its request anyway.
        // Some providers say that they want signed ones whatever is set for the client, and the
        // library takes them at their word.
        let text = text.replace("WantAuthnRequestsSigned", "hoop-WantAuthnRequestsSigned");
        let trust = MetadataTrustPolicy::UnsignedForCompatibility;
        let descriptor = IdpDescriptor::from_metadata_xml(&text, trust)
            .map_err(|cause| Unfit::Unreadable(Box::new(cause)))?;
        let metadata = descriptor.metadata();
        let place = metadata.get_single_sign_on_service(Binding::Redirect);
        let place: Url = place.and_then(|place| place.parse().ok()).ok_or(Unfit::Nowhere)?;
        if place.scheme() != "https" && !crate::config::is_loopback(&place) {
            return Err(Unfit::InClear);
        }
        if metadata.x509_certificates(CertUse::Signing).is_empty() {
            return Err(Unfit::NoKey);
        }
        Ok(Self(descriptor))
    }

    pub(super) const fn descriptor(&self) -> &IdpDescriptor {
        &self.0
    }
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the identity provider's metadata can't be fetched")]
    Away(#[source] reqwest::Error),
    #[error("the identity provider's metadata is not of use")]
    Unfit(#[from] Unfit),
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        // The URL may hold what is nobody's business.
        Self::Away(error.without_url())
    }
}

/// What was found where the metadata should be.
///
/// # Errors
/// When it is something else.
pub(super) async fn read(response: reqwest::Response) -> Result<Peer, Error> {
    let mut response = response.error_for_status()?;
    let body = outward::body(&mut response).await?.ok_or(Unfit::TooLong)?;
    let peer = Peer::parse(&String::from_utf8_lossy(&body))?;
    tracing::info!("fetched the identity provider's metadata");
    Ok(peer)
}
