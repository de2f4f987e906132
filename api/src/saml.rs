//! The identity provider, in SAML 2.0: people are sent there with a request in the URL, and
//! come back with an answer in a form.
//!
//! What is believed of an answer is one assertion, and only if that assertion itself is signed,
//! with a key of the provider's metadata. A signature of the response around it is checked
//! when there is one, and is never enough: one rule leaves no room for two readings.
//! [`shape`] refuses what no honest provider sends before `saml_rs` verifies the rest, because
//! that library is young; each of them alone has to stop a forgery.

mod answer;
mod error;
mod metadata;
mod person;
mod shape;
mod source;

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use hoop_store::sign_in::SamlAnswer;
use saml_rs::{
    AcsEndpoint, AssertionSignaturePolicy, AudienceValidationPolicy, EntityId,
    NameIdCreationPolicy, RelayStateParam, Saml, SamlError, Sp, SpConfig, SpValidationPolicy,
    StartSso, XmlSignatureProfile,
};

use crate::config::{PublicUrl, SamlIdp};
use source::Source;

pub(crate) use error::Error;
pub(crate) use metadata::Peer;

/// Where answers are to be sent.
pub(crate) const CALLBACK: &str = "/api/saml/callback";

/// Where we say what we are, which is also what we are called.
pub(crate) const METADATA: &str = "/api/saml/metadata";

/// How long it is remembered what the provider says of itself.
const FRESH: Duration = Duration::from_secs(3600);

/// How soon its keys are fetched again when one is missing: strangers can make us look.
const KEYS_FRESH: Duration = Duration::from_secs(2);

/// The provider, and ourselves as it knows us.
pub(crate) struct Provider {
    sp: Saml<Sp>,
    /// What we are called.
    name: String,
    /// Where answers are to be sent.
    callback: String,
    groups_attribute: String,
    source: Source,
}

/// Somebody who is about to be sent there.
pub(crate) struct Departure {
    pub(crate) url: String,
    /// What the answer has to be in response to.
    pub(crate) request_id: String,
}

/// What came with a form, and what it is compared with.
#[derive(Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The response, in base64.
    pub(crate) response: &'a str,
    /// What came along, by which the request was found.
    pub(crate) relay_state: &'a str,
    /// The request that is waiting for an answer.
    pub(crate) request_id: &'a str,
    pub(crate) now: DateTime<Utc>,
}

impl Provider {
    pub(crate) fn new(idp: SamlIdp, public: &PublicUrl) -> anyhow::Result<Self> {
        let (name, callback) = (public.at(METADATA), public.at(CALLBACK));
        let source = Source::new(idp.metadata)?;
        let sp = service_provider(&name, &callback)?;
        Ok(Self { sp, name, callback, groups_attribute: idp.groups_attribute, source })
    }

    /// What we are, for the provider's administrator.
    pub(crate) fn metadata_xml(&self) -> &str {
        self.sp.metadata_xml()
    }

    /// Where to send somebody, who comes back with this relay state.
    ///
    /// # Errors
    /// When the provider's metadata can't be had and never was.
    pub(crate) async fn depart(&self, relay_state: &str) -> Result<Departure, Error> {
        let peer = self.source.peer(FRESH).await?;
        let relay_state = RelayStateParam::try_from_option(Some(relay_state));
        let options = relay_state.map(|relay_state| {
            StartSso::redirect().relay_state(relay_state).apply_web_browser_sso_generation_rules()
        });
        let started = options
            .and_then(|options| self.sp.start_sso(peer.descriptor(), options))
            .map_err(|cause| self.refused(cause))?;
        let url = started.outbound.redirect_url().map_err(|cause| self.refused(cause))?;
        Ok(Departure {
            url: url.to_owned(),
            request_id: started.pending.request_id().as_str().to_owned(),
        })
    }

    /// Who comes back with this answer.
    ///
    /// # Errors
    /// When it proves nothing, or the provider's metadata can't be had.
    pub(crate) async fn arrive(&self, answer: Answer<'_>) -> Result<SamlAnswer, Error> {
        let peer = self.source.peer(FRESH).await?;
        match self.read(&peer, answer) {
            // A key that is not known may be new.
            Err(error) if error.is_of_the_key() => {
                let newer = self.source.news(KEYS_FRESH).await?;
                if Arc::ptr_eq(&peer, &newer) { Err(error) } else { self.read(&newer, answer) }
            }
            other => other,
        }
    }

    /// A refusal that says what has to be mended, with our own names where those are wrong.
    fn refused(&self, cause: SamlError) -> Error {
        error::refused(cause, &self.name, &self.callback)
    }
}

/// Ourselves, as strict as the library can be.
fn service_provider(name: &str, callback: &str) -> Result<Saml<Sp>, SamlError> {
    let policy = SpValidationPolicy {
        assertions: AssertionSignaturePolicy::RequireSigned,
        xml_signatures: XmlSignatureProfile::StrictRsaSha2,
        audience: AudienceValidationPolicy::Validate,
        // Somebody who is new to us is nobody the provider has to turn away.
        name_id_creation: NameIdCreationPolicy::AllowCreate,
        ..SpValidationPolicy::recommended()
    };
    let config = SpConfig::builder(EntityId::try_new(name)?)
        .acs_endpoint(AcsEndpoint::post(callback)?)
        .validation(policy)
        .build()?;
    Saml::sp(config)
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
