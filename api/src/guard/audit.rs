//! The audit log's side of a request: a line before the handler, completed after it; and one
//! for who was not let in at all.

mod deed;
pub(crate) mod edge;
mod redact;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{Method, Uri, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hoop_store::{
    OrgStore,
    audit_log::{Deed, OpenLine, Outcome, Who},
};
use tokio::time::timeout;

use super::{Rule, once};
use crate::{
    Error,
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

/// What a line says of a request, which is gone when some are written.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    uri: Uri,
    peer: Peer,
}

impl Call {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            peer: Peer::of(request.extensions()),
        }
    }
}

/// Runs the handler between the line and its completion. Without the line it does not run.
pub(super) async fn audited(
    rule: &Rule,
    actor: Option<&Actor>,
    call: &Call,
    request: Request,
    next: Next,
) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let read = read(&parts, body).await;
    let payload = read.as_deref().ok().filter(|_| !redact::is_opaque(rule.route));
    let payload = payload.and_then(redact::payload);
    let who = match actor {
        Some(actor) => who(actor),
        None => redact::claimed(payload.as_ref()),
    };
    let payload = payload.map(|payload| payload.to_string());
    let line = begin(rule, call, &who, payload.as_deref()).await?;
    let response = match read {
        Ok(bytes) => {
            let done = once::run(rule, actor, parts, bytes, next).await;
            done.unwrap_or_else(Error::into_response)
        }
        Err(error) => error.into_response(),
    };
    let Ended { status, error, found } = Ended::of(&response);
    let outcome = Outcome { status, error: &error, who: found.as_ref(), at: rule.app.now() };
    finish(&rule.app.org, line, &outcome).await;
    Ok(response)
}

/// Writes down that somebody was refused, and how. The caller has counted it.
pub(super) async fn refused(rule: &Rule, actor: Option<&Actor>, call: &Call, ended: Ended) {
    let who = actor.map(who).unwrap_or_default();
    match begin(rule, call, &who, None).await {
        Ok(line) => {
            let Ended { status, error, .. } = ended;
            let outcome = Outcome { status, error: &error, who: None, at: rule.app.now() };
            finish(&rule.app.org, line, &outcome).await;
        }
        Err(cause) => tracing::error!(cause = chain(&cause), "a refusal is in no audit log"),
    }
}

async fn begin(rule: &Rule, call: &Call, who: &Who, payload: Option<&str>) -> Result<OpenLine> {
    let (resource, action) = deed::of(&call.method, rule.route);
    let path = redact::path(call.uri.path());
    let deed = Deed {
        who,
        method: call.method.as_str(),
        path: &path,
        resource,
        action,
        client: &call.peer.0,
        payload,
    };
    Ok(rule.app.org.audit_begin(&deed).await?)
}

/// What an answer says of how it ended.
pub(super) struct Ended {
    status: u16,
    error: String,
    /// Who it turned out to be, or says to be.
    found: Option<Who>,
}

impl Ended {
    pub(super) fn of(response: &Response) -> Self {
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

async fn finish(org: &OrgStore, line: OpenLine, outcome: &Outcome<'_>) {
    if let Err(error) = org.audit_complete(line, outcome).await {
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
