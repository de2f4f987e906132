//! The audit log's side of a request: a line before the handler, completed after it; and one
//! for who was not let in at all.

mod deed;
mod redact;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{Method, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hoop_store::audit_log::{Deed, OpenLine, Outcome, Who};
use tokio::time::timeout;

use super::{Rule, once};
use crate::{
    App, Error,
    auth::{Actor, Peer},
    error::{Result, Told, chain},
    extract::SLOWEST_BODY,
};

/// Put into the answer by whatever signs somebody in: who it was is not known before.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn(pub(crate) Actor);

/// Put into the answer where nobody is signed in, and what was sent is no JSON: who they say
/// to be, as they say it.
#[derive(Debug, Clone)]
pub(crate) struct Claimed(pub(crate) String);

/// Runs the handler between the line and its completion. Without the line it does not run.
pub(super) async fn audited(
    rule: &Rule,
    actor: Option<&Actor>,
    request: Request,
    next: Next,
) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let read = read(&parts, body).await;
    let payload = read.as_deref().ok().filter(|_| !redact::is_opaque(rule.route));
    let payload = payload.and_then(redact::payload);
    let who = match actor {
        Some(actor) => who(actor),
        None => redact::claimed(payload.as_ref()),
    };
    let payload = payload.map(|payload| payload.to_string());
    let line = begin(rule, &mut parts, &who, payload.as_deref()).await?;
    let response = match read {
        Ok(bytes) => {
            let done = once::run(rule, actor, parts, bytes, next).await;
            done.unwrap_or_else(Error::into_response)
        }
        Err(error) => error.into_response(),
    };
    let Ended { status, error, found } = Ended::of(&response);
    let outcome = Outcome { status, error: &error, who: found.as_ref(), at: rule.app.now() };
    finish(&rule.app, line, &outcome).await;
    Ok(response)
}

/// Writes down that somebody was refused. The caller has counted it.
pub(super) async fn refused(rule: &Rule, actor: Option<&Actor>, request: Request, error: &Error) {
    let (mut parts, _) = request.into_parts();
    let who = actor.map(who).unwrap_or_default();
    match begin(rule, &mut parts, &who, None).await {
        Ok(line) => {
            let (status, told) = (error.status().as_u16(), error.for_the_record());
            let outcome = Outcome { status, error: &told, who: None, at: rule.app.now() };
            finish(&rule.app, line, &outcome).await;
        }
        Err(cause) => tracing::error!(cause = chain(&cause), "a refusal is in no audit log"),
    }
}

async fn begin(
    rule: &Rule,
    parts: &mut Parts,
    who: &Who,
    payload: Option<&str>,
) -> Result<OpenLine> {
    let Ok(Peer(client)) = Peer::from_request_parts(parts, &()).await;
    let (resource, action) = deed::of(&parts.method, rule.route);
    let path = redact::path(parts.uri.path());
    let deed = Deed {
        who,
        method: parts.method.as_str(),
        path: &path,
        resource,
        action,
        client: &client,
        payload,
    };
    Ok(rule.app.org.audit_begin(&deed).await?)
}

/// What an answer says of how it ended.
struct Ended {
    status: u16,
    error: String,
    /// Who it turned out to be, or says to be.
    found: Option<Who>,
}

impl Ended {
    fn of(response: &Response) -> Self {
        let told = response.extensions().get::<Told>();
        let signed_in = response.extensions().get::<SignedIn>();
        let signed_in = signed_in.map(|SignedIn(actor)| who(actor));
        let claimed = response.extensions().get::<Claimed>();
        Self {
            status: response.status().as_u16(),
            error: told.map(|told| told.0.clone()).unwrap_or_default(),
            found: signed_in.or_else(|| redact::claimant(&claimed?.0)),
        }
    }
}

async fn finish(app: &App, line: OpenLine, outcome: &Outcome<'_>) {
    if let Err(error) = app.org.audit_complete(line, outcome).await {
        tracing::error!(cause = chain(&error), "an audit line stays incomplete");
    }
}

fn who(actor: &Actor) -> Who {
    Who {
        id: Some(actor.id),
        subject: actor.id.to_string(),
        email: actor.email.clone(),
        name: actor.name.clone(),
    }
}

/// The body, which the handler is then given from memory.
async fn read(parts: &Parts, body: Body) -> Result<Bytes> {
    if parts.method == Method::GET {
        return Ok(Bytes::new());
    }
    let request = Request::from_parts(parts.clone(), body);
    let read = timeout(SLOWEST_BODY, Bytes::from_request(request, &())).await;
    match read.map_err(|_| Error::TooSlow)? {
        Ok(bytes) => Ok(bytes),
        Err(BytesRejection::FailedToBufferBody(error)) if error.status() == 413 => {
            Err(Error::TooLarge)
        }
        Err(_) => Err(Error::Malformed { why: "the body did not come whole".into() }),
    }
}
