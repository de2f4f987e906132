//! What happens before and after every handler: who is it, may they, write it down.
//!
//! A request that changes something is written to the audit log before its handler runs;
//! without that line it does not run. The line is completed afterwards with the outcome,
//! and a failure to complete it changes nothing: the deed is done.

use std::time::Instant;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hoop_domain::Role;
use hoop_runtime::{span, trace};
use hoop_store::audit_log::Deed;
use tracing::{Instrument, field::Empty};

use crate::{
    App, Error,
    auth::{self, Actor, Peer},
    error::Result,
    metrics,
    router::Access,
};

/// What the table says of the route that was called.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) app: App,
    pub(crate) access: Access,
    pub(crate) audited: bool,
    /// Its path, with `{parameters}`.
    pub(crate) route: &'static str,
}

pub(crate) async fn guard(State(rule): State<Rule>, request: Request, next: Next) -> Response {
    let (_going, begun) = (metrics::Going::request(), Instant::now());
    let method = request.method().clone();
    let span = span!("http", method = method.as_str(), route = rule.route, status = Empty);
    let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    trace::follow(&span, parent.unwrap_or_default());
    let response = match enter(&rule, request, next).instrument(span.clone()).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    span.record("status", response.status().as_u16());
    metrics::answered(rule.route, method.as_str(), response.status(), begun.elapsed());
    response
}

async fn enter(rule: &Rule, mut request: Request, next: Next) -> Result<Response> {
    let least = match rule.access {
        Access::Public => return Ok(next.run(request).await),
        Access::SignedIn => Role::Standard,
        Access::AtLeast(role) => role,
    };
    let (actor, with) = auth::actor(&rule.app, request.method(), request.headers()).await?;
    if actor.role < least {
        return Err(Error::Forbidden);
    }
    request.extensions_mut().insert(actor.clone());
    request.extensions_mut().insert(with);
    if rule.audited {
        audited(&rule.app, &actor, request, next).await
    } else {
        Ok(next.run(request).await)
    }
}

async fn audited(app: &App, actor: &Actor, request: Request, next: Next) -> Result<Response> {
    use axum::extract::FromRequestParts;
    let (mut parts, body) = request.into_parts();
    let Ok(Peer(client)) = Peer::from_request_parts(&mut parts, &()).await;
    let deed = Deed {
        actor: actor.id,
        email: &actor.email,
        method: parts.method.as_str(),
        path: parts.uri.path(),
        client: &client,
    };
    let line = app.org.audit_begin(&deed).await?;
    let response = next.run(Request::from_parts(parts, body)).await;
    if let Err(error) = app.org.audit_complete(line, response.status().as_u16()).await {
        tracing::error!(cause = crate::error::chain(&error), "an audit line stays incomplete");
    }
    Ok(response)
}
