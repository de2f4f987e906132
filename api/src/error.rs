//! Every way in which a request fails, and the one place that makes an answer of it.
//!
//! The answer is `application/problem+json` (RFC 9457) with the sentence repeated in
//! `message`, which older clients read. The cause goes to the log, once.

use std::{error::Error as StdError, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use hoop_domain::attempts::TooMany;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{oidc, saml};

/// What handlers return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in.
    #[error("sign in first: send a valid token as 'authorization: Bearer …'")]
    Unauthenticated,
    /// Wrong address or password; which of them is not said.
    #[error("the e-mail address or the password is wrong")]
    WrongPassword,
    /// The password is right, and there is a second factor.
    #[error(
        "a code is needed, too: send the one that your authenticator shows, or a recovery code, as 'code'"
    )]
    CodeNeeded,
    /// The second factor is wrong.
    #[error("the code is wrong, or was used before")]
    WrongCode,
    /// Everybody could have, as long as there was nobody.
    #[error("there are users already; ask an administrator for an account")]
    Closed,
    /// Too many wrong passwords, of this source or for this account.
    #[error(transparent)]
    TooManyLogins(#[from] TooMany),
    /// Asked too often.
    #[error("too many requests; try again in {} seconds", TooMany(*.0).seconds())]
    TooManyRequests(Duration),
    /// Signed in, and not allowed.
    #[error("your role does not allow this")]
    Forbidden,
    /// Signed in, and this is not theirs to do.
    #[error("{what}")]
    NotYours {
        /// Why not, or what to do instead.
        what: String,
    },
    /// A page of another site used a browser that is signed in here.
    #[error("this request comes from another site's page, which may not act for you")]
    ForeignPage,
    /// People sign in elsewhere, or in another way.
    #[error("{why}")]
    NotSignedIn {
        /// What to do instead, or what is wrong.
        why: String,
    },
    /// The identity provider does not answer.
    #[error("the identity provider can't be reached at the moment; try again")]
    ProviderAway(#[source] Box<dyn StdError + Send + Sync>),
    /// The gateway opens no session.
    #[error("{why}")]
    Denied {
        /// What kind of problem it is.
        status: StatusCode,
        /// Why not.
        why: String,
    },
    /// Not there, or not visible to the one who asks.
    #[error("there is no such {what}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
    },
    /// The path exists with other methods.
    #[error("this path has no such method")]
    MethodNotAllowed,
    /// Contradicts what is there.
    #[error("{what}")]
    Conflict {
        /// The contradiction.
        what: String,
    },
    /// Not of the version that it was thought to be.
    #[error("the {what} was changed meanwhile; read it again, and send its new etag as 'if-match'")]
    Changed {
        /// The kind of thing.
        what: &'static str,
    },
    /// Not JSON, or not a request of ours.
    #[error("{why}")]
    Malformed {
        /// What is wrong.
        why: String,
    },
    /// A field has a value that makes no sense.
    #[error("{field}: {why}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// More than 1 MiB.
    #[error("the request body is larger than 1 MiB")]
    TooLarge,
    /// Its body took more than 30 s.
    #[error("the request body did not come within 30 seconds; send it again")]
    TooSlow,
    /// The database or the broker is away; asking again helps.
    #[error("the gateway can't answer at the moment; try again")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// Our fault.
    #[error("something went wrong in the gateway; its log has the cause")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

/// Put into the answer for the audit log: what the client is told, as far as it may be kept.
#[derive(Debug, Clone)]
pub(crate) struct Told(pub(crate) String);

/// What a client is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// A sentence for the person.
    detail: String,
    /// The same sentence, for older clients.
    message: String,
    /// The field that is wrong, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Error {
    /// A value that makes no sense.
    pub(crate) fn invalid(field: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Invalid { field: field.into(), why: format!("{why}") }
    }

    /// The sentence for the audit log, without what was sent: a value in the wrong field may be
    /// a secret.
    pub(crate) fn for_the_record(&self) -> String {
        match self {
            Self::Invalid { .. } => "a field of the request makes no sense".into(),
            error => error.to_string(),
        }
    }

    /// Our fault, with its cause.
    pub(crate) fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// When to try again, for who asked too often.
    pub(crate) fn retry_after(&self) -> Option<(HeaderName, HeaderValue)> {
        let refused = match self {
            Self::TooManyLogins(refused) => *refused,
            Self::TooManyRequests(wait) => TooMany(*wait),
            _ => return None,
        };
        Some((header::RETRY_AFTER, refused.seconds().into()))
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::WrongPassword | Self::CodeNeeded | Self::WrongCode => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooManyLogins(_) | Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Forbidden
            | Self::NotYours { .. }
            | Self::Closed
            | Self::ForeignPage
            | Self::NotSignedIn { .. } => StatusCode::FORBIDDEN,
            Self::Denied { status, .. } => *status,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Changed { .. } => StatusCode::PRECONDITION_FAILED,
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable(_) | Self::ProviderAway(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<hoop_store::Error> for Error {
    fn from(error: hoop_store::Error) -> Self {
        match error {
            hoop_store::Error::NotFound { what } => Self::NotFound { what },
            hoop_store::Error::Conflict { what } => Self::Conflict { what: what.into() },
            hoop_store::Error::Changed { what } => Self::Changed { what },
            hoop_store::Error::Unavailable(_) => Self::Unavailable(Box::new(error)),
            hoop_store::Error::Corrupt { .. } => Self::internal(error),
        }
    }
}

impl From<oidc::Error> for Error {
    fn from(error: oidc::Error) -> Self {
        let why = error.to_string();
        match error {
            oidc::Error::Unreachable(cause) => Self::ProviderAway(cause),
            oidc::Error::Untrusted(cause) => {
                tracing::warn!(cause = chain(&*cause), "what came from the identity provider");
                Self::NotSignedIn { why }
            }
            oidc::Error::Refused | oidc::Error::Silent(_) => Self::NotSignedIn { why },
        }
    }
}

impl From<saml::Error> for Error {
    fn from(error: saml::Error) -> Self {
        let why = error.to_string();
        match error {
            saml::Error::Unreachable(cause) => Self::ProviderAway(cause),
            saml::Error::Refused { cause, .. } => {
                tracing::warn!(cause = chain(&*cause), "what came from the identity provider");
                Self::NotSignedIn { why }
            }
            saml::Error::Declined(_) | saml::Error::Silent(_) => Self::NotSignedIn { why },
        }
    }
}

impl From<hoop_objects::Error> for Error {
    fn from(error: hoop_objects::Error) -> Self {
        match error {
            hoop_objects::Error::NoObject { .. } => Self::internal(error),
            error => Self::Unavailable(Box::new(error)),
        }
    }
}

impl From<hoop_bus::Error> for Error {
    fn from(error: hoop_bus::Error) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match &self {
            Self::Internal(cause) => tracing::error!(cause = chain(&**cause), "request failed"),
            Self::Unavailable(cause) | Self::ProviderAway(cause) => {
                tracing::warn!(cause = chain(&**cause), "request failed");
            }
            _ => {}
        }
        let status = self.status();
        let told = Told(self.for_the_record());
        let message = self.to_string();
        let wait = self.retry_after();
        let field = match self {
            Self::Invalid { field, .. } => Some(field),
            Self::CodeNeeded => Some("code".into()),
            _ => None,
        };
        let title = status.canonical_reason().unwrap_or_default();
        let detail = message.clone();
        let problem =
            Problem { kind: "about:blank", title, status: status.as_u16(), detail, message, field };
        let mut response = (status, Json(problem)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.extensions_mut().insert(told);
        if let Some((name, seconds)) = wait {
            response.headers_mut().insert(name, seconds);
        }
        if status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// An error and its causes, in one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
