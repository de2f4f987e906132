//! What is known of an identity provider that speaks SAML 2.0, before anybody signs in.

use hoop_runtime::{Env, config};
use reqwest::Url;

use super::{is_loopback, malformed};
use crate::saml::Peer;

/// An identity provider that speaks SAML 2.0.
#[derive(Debug, Clone)]
pub struct SamlIdp {
    /// Where its metadata comes from, with the keys that its answers are signed with.
    pub metadata: Metadata,
    /// The attribute that carries the groups.
    pub groups_attribute: String,
}

/// Where an identity provider's metadata comes from. It is all that is believed of the provider.
#[derive(Debug, Clone)]
pub enum Metadata {
    /// It was given to us. A key that is not in it never counts.
    Given(String),
    /// The provider itself says it, at this URL.
    At(Url),
}

impl SamlIdp {
    pub(super) fn from_env(env: &Env) -> Result<Self, config::Error> {
        Ok(Self {
            metadata: Metadata::from_env(env)?,
            groups_attribute: env.text("IDP_GROUPS_CLAIM").unwrap_or_else(|| "groups".into()),
        })
    }
}

impl Metadata {
    fn from_env(env: &Env) -> Result<Self, config::Error> {
        match (env.secret("IDP_METADATA")?, env.text("IDP_METADATA_URL")) {
            (Some(_), Some(_)) => Err(malformed(
                "IDP_METADATA_URL",
                "IDP_METADATA or IDP_METADATA_FILE is set, too; set one of them",
            )),
            (Some(text), None) => match Peer::parse(&text) {
                Ok(_) => Ok(Self::Given(text)),
                Err(why) => Err(malformed("IDP_METADATA", &why.to_string())),
            },
            (None, _) => Ok(Self::At(trustworthy(&env.required("IDP_METADATA_URL")?)?)),
        }
    }
}

/// Whoever can change what is read there can sign in as anybody.
fn trustworthy(text: &str) -> Result<Url, config::Error> {
    let invalid = "is not a URL such as https://idp.example.com/metadata";
    let url: Url = text.parse().map_err(|_| malformed("IDP_METADATA_URL", invalid))?;
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        let why = "has to begin with https://: whoever can change it can sign in as anybody";
        return Err(malformed("IDP_METADATA_URL", why));
    }
    Ok(url)
}
