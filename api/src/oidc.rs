//! The identity provider, in OpenID Connect 1.0: authorization code with PKCE and nonce.
//!
//! What it says of itself is fetched when it is needed and remembered; when it is down, people
//! who are signed in go on, because nobody asks it about them at a request.

mod client;
mod http;
mod person;
mod refresh;

use std::{sync::Arc, time::Duration};

use openidconnect::core::CoreProviderMetadata;
use openidconnect::{
    AuthorizationCode, CsrfToken, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    Scope, TokenResponse, core::CoreAuthenticationFlow,
};

use crate::{
    config::{Idp, PublicUrl},
    remembered::{Away, Remembered},
};
use client::{Claims, Client, IdToken};
use http::Http;

pub(crate) use person::Person;
pub(crate) use refresh::{keep, run};

/// How long it is remembered what the provider says of itself.
const FRESH: Duration = Duration::from_secs(3600);

/// How soon its keys are fetched again when one is missing: strangers can make us look.
const KEYS_FRESH: Duration = Duration::from_secs(2);

/// The provider.
#[derive(Debug)]
pub(crate) struct Provider {
    idp: Idp,
    callback: String,
    http: Http,
    said: Remembered<CoreProviderMetadata>,
}

/// Why it does not say who somebody is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It can't be reached, or makes no sense.
    #[error("the identity provider can't be reached at the moment; try again")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered, and what it said proves nothing.
    #[error("what the identity provider says can't be trusted; begin again")]
    Untrusted(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It says no.
    #[error("the identity provider refuses; sign in again")]
    Refused,
    /// It did not say enough.
    #[error("the identity provider does not say {0}; its administrator has to add it")]
    Silent(&'static str),
}

fn unreachable(away: Away) -> Error {
    Error::Unreachable(Box::new(away))
}

fn untrusted(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Untrusted(cause.into())
}

/// Somebody who is about to be sent there.
pub(crate) struct Departure {
    pub(crate) url: String,
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) pkce_verifier: String,
}

impl Provider {
    pub(crate) fn new(idp: Idp, public: &PublicUrl) -> anyhow::Result<Self> {
        let callback = public.at("/api/callback");
        let http = Http::new()?;
        let (issuer, asked) = (idp.issuer.clone(), http.clone());
        let said = Remembered::new("the identity provider", move || {
            let (issuer, http) = (issuer.clone(), asked.clone());
            async move { CoreProviderMetadata::discover_async(issuer, &http).await }
        });
        Ok(Self { idp, callback, http, said })
    }

    /// Where to send somebody.
    ///
    /// # Errors
    /// When the provider can't be reached and never was.
    pub(crate) async fn depart(&self) -> Result<Departure, Error> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .set_pkce_challenge(challenge)
            .add_scopes(["email", "profile"].map(|scope| Scope::new(scope.into())));
        for scope in ["groups", "offline_access"] {
            if person::offers(&metadata, scope) {
                request = request.add_scope(Scope::new(scope.into()));
            }
        }
        if let Some(audience) = &self.idp.audience {
            request = request.add_extra_param("audience", audience);
        }
        let (url, state, nonce) = request.url();
        Ok(Departure {
            url: url.into(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            pkce_verifier: verifier.into_secret(),
        })
    }

    /// Who comes back with this code.
    ///
    /// # Errors
    /// When it can't be found out, or proves nothing.
    pub(crate) async fn arrive(
        &self,
        code: String,
        pkce_verifier: String,
        nonce: String,
    ) -> Result<Person, Error> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata)?;
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(untrusted)?;
        let tokens = request
            .set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier))
            .request_async(&self.http)
            .await
            .map_err(client::failed)?;
        let id_token = tokens.id_token().ok_or(Error::Silent("who somebody is (no id_token)"))?;
        let claims = self.verified(id_token, Some(&Nonce::new(nonce))).await?;
        person::complete(self, &client, &claims, tokens.access_token()).await.map(|identity| {
            Person {
                identity,
                refresh_token: tokens.refresh_token().map(|token| token.secret().clone()),
                expires_in: tokens.expires_in(),
            }
        })
    }

    /// Whether an answer that says `issuer` is this provider's (RFC 9207).
    pub(crate) fn is_called(&self, issuer: &str) -> bool {
        self.idp.issuer.as_str() == issuer
    }

    /// The subject of a program's token, and until when it holds.
    ///
    /// # Errors
    /// When it is not for us, not of the provider, or too old.
    pub(crate) async fn program(
        &self,
        token: &str,
    ) -> Result<(String, chrono::DateTime<chrono::Utc>), Error> {
        let audience = self.idp.audience.clone().ok_or(Error::Refused)?;
        let token: IdToken = token.parse().map_err(untrusted)?;
        let claims = self.verified_for(&token, audience, None).await?;
        Ok((claims.subject().to_string(), claims.expiration()))
    }

    async fn verified(&self, token: &IdToken, nonce: Option<&Nonce>) -> Result<Claims, Error> {
        self.verified_for(token, self.idp.client_id.to_string(), nonce).await
    }

    /// What the token claims, if it is the provider's, for `audience` and not too old. A key
    /// that is not known may be new.
    async fn verified_for(
        &self,
        token: &IdToken,
        audience: String,
        nonce: Option<&Nonce>,
    ) -> Result<Claims, Error> {
        let metadata = self.metadata(FRESH).await?;
        match client::verify(&metadata, token, &audience, nonce) {
            Err(cause) if client::is_unknown_key(&cause) => {
                let metadata = self.said.news(KEYS_FRESH).await.map_err(unreachable)?;
                client::verify(&metadata, token, &audience, nonce).map_err(untrusted)
            }
            other => other.map_err(untrusted),
        }
    }

    /// What the provider says of itself, at most so old; older when it does not answer.
    async fn metadata(&self, fresh: Duration) -> Result<Arc<CoreProviderMetadata>, Error> {
        self.said.get(fresh).await.map_err(unreachable)
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Result<Client, Error> {
        client::new(&self.idp, metadata, &self.callback)
    }
}
