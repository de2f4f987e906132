//! Sessions that this process opens itself, for who asks over REST.
//!
//! They go through an edge like anybody's: decided, recorded, and ended in the same way. There
//! is no shorter way to a target.

use std::time::Duration;

use bytes::Bytes;
use hoop_client::{
    Error as ClientError, Event, Pipe, dial,
    session::{self, Request},
    stream::Credentials,
};
use hoop_domain::{
    ConnectionName, DenialCode, EndReason, SessionId, TokenId, UserId, session::Verb,
};
use hoop_proto::v1::ExecInput;
use hoop_store::token::{Kind, NewToken};
use http::{HeaderMap, StatusCode};

use crate::{
    App, Error,
    auth::{Actor, With, bearer, token},
    error::{Result, chain},
    places::{Place, Places},
};

/// So many at once in this process; each may hold 1 MiB of output.
const AT_ONCE: usize = 64;
/// And so many of one user, who may run them for hours.
const AT_ONCE_EACH: usize = 8;
static PLACES: Places = Places::new(AT_ONCE, AT_ONCE_EACH);

/// How long the good-bye may take.
const GOOD_BYE: Duration = Duration::from_secs(5);

/// A session is over by then: a browser's own is.
const LONGEST: chrono::TimeDelta = chrono::TimeDelta::hours(12);

/// A session that is open.
pub(crate) struct Visit {
    pub(crate) id: SessionId,
    pub(crate) pipe: Pipe,
    app: App,
    /// A token that was made for it.
    pass: Option<(UserId, TokenId)>,
    _place: Place,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The gateway says no.
    Denied {
        /// The reason, if this version knows it.
        code: Option<DenialCode>,
        /// A sentence for the person.
        message: String,
        /// The request that somebody has to approve, when that is why.
        review: Option<String>,
    },
    /// It could not be asked.
    Failed(Error),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let (code, message) = match refused {
            Refused::Failed(error) => return error,
            Refused::Denied { code, message, .. } => (code, message),
        };
        let status = match code {
            Some(DenialCode::ConnectionNotFound) => return Self::NotFound { what: "connection" },
            Some(DenialCode::Unauthenticated | DenialCode::CredentialExpired) => {
                return Self::Unauthenticated;
            }
            Some(DenialCode::ModeDisabled) => StatusCode::FORBIDDEN,
            Some(DenialCode::DeciderUnavailable | DenialCode::Draining) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::CONFLICT,
        };
        Self::Denied { status, why: message }
    }
}

/// What a session is opened for.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) connection: &'a ConnectionName,
    pub(crate) verb: Verb,
    /// What would be run, for who has to approve it.
    pub(crate) exec: Option<ExecInput>,
    /// That it is a runbook; empty where it is none.
    pub(crate) ticket: Bytes,
}

/// Opens a session on behalf of `actor`.
///
/// # Errors
/// When the gateway refuses, or no edge can be reached.
pub(crate) async fn open(
    app: &App,
    (actor, with, headers): (&Actor, With, &HeaderMap),
    wanted: Wanted<'_>,
) -> std::result::Result<Visit, Refused> {
    let place = PLACES.take(actor.id).map_err(Refused::Failed)?;
    let (text, pass) = pass(app, actor, with, headers).await.map_err(Refused::Failed)?;
    let opened = connect(app, &text, wanted).await;
    match opened {
        Ok(session) => {
            let session::Session { id, pipe, .. } = session;
            Ok(Visit { id, pipe, app: app.clone(), pass, _place: place })
        }
        Err(cause) => {
            give_back(app, pass).await;
            Err(refusal(cause))
        }
    }
}

async fn connect(
    app: &App,
    token: &str,
    wanted: Wanted<'_>,
) -> std::result::Result<session::Session, ClientError> {
    let credentials = Credentials::user(token)?;
    let channel = dial(&app.config.edge, None).await?;
    let request = Request {
        connection: wanted.connection.to_string(),
        application: concat!("hoop-api/", env!("CARGO_PKG_VERSION")).into(),
        verb: wanted.verb.as_str().into(),
        exec: wanted.exec,
        access_seconds: 0,
        runbook: wanted.ticket,
    };
    session::open(channel, &credentials, request).await
}

fn refusal(cause: ClientError) -> Refused {
    match cause {
        ClientError::Refused { code, message, review } => Refused::Denied { code, message, review },
        ClientError::Closed { message, .. } => {
            Refused::Denied { code: None, message, review: None }
        }
        cause => Refused::Failed(Error::Unavailable(Box::new(cause))),
    }
}

/// What the edge is shown: what the request came with, so that the session ends with that; for
/// a browser, whose cookie is good for nothing else, a token that ends with it.
async fn pass(
    app: &App,
    actor: &Actor,
    With(parent): With,
    headers: &HeaderMap,
) -> Result<(String, Option<(UserId, TokenId)>)> {
    if let Some(text) = bearer::of(headers) {
        return Ok((text.to_owned(), None));
    }
    let text = token::generate(token::Kind::Login)?;
    let new = NewToken {
        user: actor.id,
        kind: Kind::Login,
        name: "rest",
        digest: token::digest(&text),
        expires_at: Some(app.now() + LONGEST),
        parent,
        password: None,
    };
    let id = app.org.token_keep(&new).await?;
    Ok((text, Some((actor.id, id))))
}

async fn give_back(app: &App, pass: Option<(UserId, TokenId)>) {
    let Some((user, id)) = pass else { return };
    match app.org.token_delete(user, id).await {
        Ok(()) | Err(hoop_store::Error::NotFound { .. }) => {}
        Err(cause) => {
            tracing::warn!(cause = chain(&cause), "a token stays until it expires");
        }
    }
}

impl Visit {
    /// What happens next; an error is how the session, or its channel, came to its end.
    pub(crate) async fn event(&mut self) -> std::result::Result<Event, (EndReason, String)> {
        match self.pipe.event().await {
            Ok(Event::Failed { reason, message, .. } | Event::End { reason, message }) => {
                Err((reason, message))
            }
            Ok(event) => Ok(event),
            Err(ClientError::Closed { reason, message }) => Err((reason, message)),
            Err(cause) => {
                tracing::warn!(session = %self.id, cause = chain(&cause), "a session broke off");
                Err((EndReason::EdgeLost, EndReason::EdgeLost.message().into()))
            }
        }
    }

    /// Says good-bye.
    pub(crate) async fn end(mut self) {
        self.pipe.end(EndReason::ClientClosed, EndReason::ClientClosed.message());
        self.pipe.closed(GOOD_BYE).await;
        give_back(&self.app, self.pass.take()).await;
    }
}
