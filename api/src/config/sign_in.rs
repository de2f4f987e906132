//! How people sign in: `AUTH_METHOD` and what it needs.

use hoop_runtime::{Env, config};
use openidconnect::{ClientId, ClientSecret, IssuerUrl};
use reqwest::Url;

use super::{SamlIdp, malformed};

/// How people sign in.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// With a password that is kept here.
    Local,
    /// At an identity provider that speaks OpenID Connect.
    Oidc(Box<Idp>),
    /// At an identity provider that speaks SAML 2.0.
    Saml(Box<SamlIdp>),
}

/// An identity provider that speaks OpenID Connect.
#[derive(Debug, Clone)]
pub struct Idp {
    /// What it calls itself.
    pub issuer: IssuerUrl,
    /// What it calls us.
    pub client_id: ClientId,
    /// What proves that it is us.
    pub client_secret: ClientSecret,
    /// Whom tokens of programs are for; without it, programs can't sign in with tokens of the
    /// provider.
    pub audience: Option<String>,
    /// The claim that carries the groups.
    pub groups_claim: String,
}

impl SignIn {
    /// As `AUTH_METHOD` is spelt.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Oidc(_) => "oidc",
            Self::Saml(_) => "saml",
        }
    }

    pub(super) fn from_env(env: &Env) -> Result<Self, config::Error> {
        let method = env.text("AUTH_METHOD");
        let provider = env.text("IDP_ISSUER").is_some();
        match method.as_deref() {
            Some("oidc") => Ok(Self::Oidc(Box::new(Idp::from_env(env)?))),
            None if provider => Ok(Self::Oidc(Box::new(Idp::from_env(env)?))),
            None | Some("local") => Ok(Self::Local),
            Some("saml") => Ok(Self::Saml(Box::new(SamlIdp::from_env(env)?))),
            Some(_) => Err(malformed("AUTH_METHOD", "is none of local, oidc and saml")),
        }
    }
}

impl Idp {
    fn from_env(env: &Env) -> Result<Self, config::Error> {
        let issuer = env.required("IDP_ISSUER")?;
        let url: Url = issuer
            .parse()
            .map_err(|_| malformed("IDP_ISSUER", "is not a URL such as https://idp.example.com"))?;
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err(malformed(
                "IDP_ISSUER",
                "has to begin with https://: passwords pass there",
            ));
        }
        Ok(Self {
            issuer: IssuerUrl::new(issuer).map_err(|_| {
                malformed("IDP_ISSUER", "is not a URL such as https://idp.example.com")
            })?,
            client_id: ClientId::new(env.required("IDP_CLIENT_ID")?),
            client_secret: ClientSecret::new(env.required("IDP_CLIENT_SECRET")?),
            audience: env.text("IDP_AUDIENCE"),
            groups_claim: env.text("IDP_GROUPS_CLAIM").unwrap_or_else(|| "groups".into()),
        })
    }
}

/// The public URL, where people's browsers and the provider find us.
#[derive(Debug, Clone)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// It may be left out by who tries things alone. Everybody else's browsers are told it, and
    /// a provider sends people back to it.
    pub(super) fn from_env(env: &Env, optional: bool) -> Result<Option<Self>, config::Error> {
        let text = match env.text("API_URL") {
            None if optional => return Ok(None),
            Some(text) => text,
            None => env.required("API_URL")?,
        };
        let invalid = || malformed("API_URL", "is not a URL such as https://hoop.example.com");
        let mut url: Url = text.parse().map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(invalid());
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Some(Self(url)))
    }

    /// The URL of this path.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Scheme, host and port, as browsers send it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether it is reached with TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl std::fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let address = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    address == "localhost"
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
