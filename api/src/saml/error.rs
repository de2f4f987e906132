//! Why an answer is not accepted, in words for whoever has to mend it: almost always the
//! administrator of the identity provider or of the gateway, and not the person who reads it.

use saml_rs::{SamlError, error::SubjectConfirmationReason};

use super::shape::Strange;

/// Why the provider does not say who somebody is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nothing is known of it.
    #[error("the identity provider's metadata can't be had at the moment; try again")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered, and the answer proves nothing.
    #[error("the answer of the identity provider is not accepted: {mend}")]
    Refused {
        /// What is wrong, and what has to be done about it.
        mend: String,
        /// Whether a newer key could change that.
        of_the_key: bool,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It says no.
    #[error("the identity provider did not sign you in ({0}); its administrator knows why")]
    Declined(String),
    /// It did not say enough.
    #[error("the identity provider does not say {0}; its administrator has to add it")]
    Silent(&'static str),
}

impl Error {
    pub(super) const fn is_of_the_key(&self) -> bool {
        matches!(self, Self::Refused { of_the_key: true, .. })
    }
}

const FORGED: &str = "it is put together in a way that could hide a forgery";
const UNREADABLE: &str = "it can't be read as a response of SAML 2.0";
const UNSIGNED: &str = "its assertion is not signed; at the provider, switch on signed assertions \
                        (a signature of the response alone is not enough)";
const WEAK: &str =
    "its signature is too weak or unusual; at the provider, choose RSA with SHA-256 or better";
const UNKNOWN_KEY: &str = "it is not signed with a key of the provider's metadata; give the \
                           gateway the current metadata (IDP_METADATA_URL or IDP_METADATA)";
const ENCRYPTED: &str =
    "it is encrypted, and the gateway has no key for that; at the provider, switch off encryption";
const LATE: &str = "it is too old, or not valid yet; compare the clocks of the provider and the \
                    gateway, and begin again";
const ANOTHER_REQUEST: &str =
    "it answers another sign-in than this one; begin at the gateway, not at the provider";

impl From<Strange> for Error {
    fn from(cause: Strange) -> Self {
        let mend = match cause {
            Strange::Encrypted => ENCRYPTED,
            Strange::Weak(_) => WEAK,
            Strange::Malformed(_) | Strange::Root | Strange::TooLarge => UNREADABLE,
            Strange::Markup
            | Strange::Prefix
            | Strange::Assertion
            | Strange::Signature
            | Strange::Reference
            | Strange::Id => FORGED,
        };
        Self::Refused { mend: mend.into(), of_the_key: false, cause: Box::new(cause) }
    }
}

/// What is wrong by what the library says; `name` is what we are called, `callback` where
/// answers are to be sent.
pub(super) fn refused(cause: SamlError, name: &str, callback: &str) -> Error {
    if let SamlError::StatusNotSuccess { top, second } = &cause {
        return Error::Declined(said(second.as_ref().unwrap_or(top)));
    }
    let of_the_key = matches!(
        cause,
        SamlError::CertificateMismatch
            | SamlError::NoTrustedCertificate
            | SamlError::SignatureVerification { .. }
            | SamlError::Crypto(_)
    );
    let mend = mend(&cause).map_or_else(|| ours(&cause, name, callback), str::to_owned);
    Error::Refused { mend, of_the_key, cause: Box::new(cause) }
}

/// The last word of a status such as `urn:oasis:names:tc:SAML:2.0:status:AuthnFailed`.
fn said(status: &str) -> String {
    let word = status.rsplit(':').next().unwrap_or_default();
    word.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

const fn mend(cause: &SamlError) -> Option<&'static str> {
    use SubjectConfirmationReason as Reason;
    Some(match cause {
        SamlError::SignatureMissing | SamlError::AssertionSignatureRequired => UNSIGNED,
        SamlError::AlgorithmUnsupported => WEAK,
        SamlError::CertificateMismatch
        | SamlError::NoTrustedCertificate
        | SamlError::SignatureVerification { .. }
        | SamlError::Crypto(_) => UNKNOWN_KEY,
        SamlError::PotentialWrappingAttack
        | SamlError::SignedReferenceMismatch
        | SamlError::ReferenceResolution { .. } => FORGED,
        SamlError::TimeWindowInvalid { .. }
        | SamlError::SubjectConfirmationInvalid { reason: Reason::TimeWindowInvalid } => LATE,
        SamlError::InResponseToMismatch { .. }
        | SamlError::SubjectConfirmationInvalid { reason: Reason::InResponseToMismatch } => {
            ANOTHER_REQUEST
        }
        SamlError::IssuerMismatch { .. } => {
            "it comes from another provider than the one of the metadata (IDP_METADATA_URL or \
             IDP_METADATA)"
        }
        SamlError::AudienceMismatch { .. }
        | SamlError::DestinationMismatch { .. }
        | SamlError::SubjectConfirmationInvalid { reason: Reason::RecipientMismatch } => {
            return None;
        }
        _ => UNREADABLE,
    })
}

/// What is wrong with how the provider knows us.
fn ours(cause: &SamlError, name: &str, callback: &str) -> String {
    match cause {
        SamlError::AudienceMismatch { .. } => format!(
            "it is meant for somebody else; at the provider, the entity ID (audience) of this \
             gateway has to be {name}"
        ),
        _ => format!(
            "it is meant for another address; at the provider, the assertion consumer URL has to \
             be {callback}"
        ),
    }
}

/// That it does not say that the person signed in there.
pub(super) fn without_statement() -> Error {
    let cause = SamlError::Invalid("there is no AuthnStatement".into());
    Error::Refused {
        mend: "it does not say that the person has signed in (an AuthnStatement)".into(),
        of_the_key: false,
        cause: Box::new(cause),
    }
}
