//! From a form's field to a person: the answer is looked at, verified, and read, in this order.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hoop_store::sign_in::SamlAnswer;
use saml_rs::{
    AcsEndpoint, AuthnSession, BrowserInput, ClockSkew, FormField, MessageId, PendingAuthnRequest,
    RelayStateParam, ReplayPolicy, SamlError, SamlInstant, SamlValidationContext, SsoResponse,
    SsoResponseBinding, SsoSession, VerifiedXmlSignature, VerifiedXmlSignatureCoverage,
};

use super::{
    Answer, Error, Peer, Provider, error, person,
    shape::{self, Strange},
};

/// How wrong a clock may be, in milliseconds.
const SKEW: i64 = 30_000;

impl Provider {
    /// Who answers, if it is proved.
    ///
    /// # Errors
    /// When it is not; with what has to be mended.
    pub(super) fn read(&self, peer: &Peer, answer: Answer<'_>) -> Result<SamlAnswer, Error> {
        let xml = decoded(answer.response)?;
        shape::check(&xml)?;
        let session = self.verified(peer, &xml, answer).map_err(|cause| self.refused(cause))?;
        // The library has been told to see to it. It is what everything else stands on.
        if !session.verified_xml_signatures().iter().any(is_of_the_assertion) {
            return Err(self.refused(SamlError::AssertionSignatureRequired));
        }
        if session.authn_sessions().is_empty() {
            return Err(error::without_statement());
        }
        let identity = person::of(&session, &self.groups_attribute)?;
        Ok(SamlAnswer { identity, ends_at: ends_at(session.authn_sessions()) })
    }

    /// What an answer says after all checks: who signed, for whom, where to, when, and in
    /// response to which request of ours.
    pub(super) fn verified(
        &self,
        peer: &Peer,
        xml: &str,
        answer: Answer<'_>,
    ) -> Result<SsoSession, SamlError> {
        let pending = PendingAuthnRequest::try_new(
            MessageId::try_new(answer.request_id)?,
            RelayStateParam::try_from_option(Some(answer.relay_state))?,
            AcsEndpoint::post(&self.callback)?,
            SsoResponseBinding::Post,
            peer.descriptor().entity_id().clone(),
        )?;
        // Encoded again, so that what was looked at is what is verified.
        let fields = vec![
            FormField::new("SAMLResponse", STANDARD.encode(xml)),
            FormField::new("RelayState", answer.relay_state),
        ];
        // An answer is in response to one request, in the part that is signed, and a request
        // takes one answer, of all processes: its row in the database sees to that. So no list
        // of assertions that were seen is needed.
        let context =
            SamlValidationContext::new(answer.now.into(), ReplayPolicy::DisabledForCompatibility)
                .with_clock_skew(ClockSkew::from_millis(-SKEW, SKEW));
        self.sp.finish_sso(
            peer.descriptor(),
            &pending,
            BrowserInput::<SsoResponse>::post(fields),
            context,
        )
    }
}

fn decoded(response: &str) -> Result<String, Error> {
    // Four letters are three bytes, and some forms break lines.
    if shape::LONGEST * 2 < response.len() {
        return Err(Strange::TooLarge.into());
    }
    let letters: String = response.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(letters).map_err(|_| Strange::Root)?;
    String::from_utf8(bytes).map_err(|_| Strange::Root.into())
}

fn is_of_the_assertion(signature: &VerifiedXmlSignature) -> bool {
    use VerifiedXmlSignatureCoverage as Coverage;
    matches!(
        signature.coverage(),
        Coverage::ConsumedAssertion | Coverage::ResponseRootAndConsumedAssertion
    )
}

/// When the provider wants the session to end, if it says so: the first time that it says. What
/// can't be read as a time the library has refused.
fn ends_at(sessions: &[AuthnSession]) -> Option<DateTime<Utc>> {
    let times = sessions.iter().filter_map(AuthnSession::not_on_or_after).map(SamlInstant::as_str);
    let times = times.filter_map(|time| DateTime::parse_from_rfc3339(time).ok());
    times.map(|time| time.to_utc()).min()
}
