//! What happens before and after every handler: who is it, may they, write it down.
//!
//! Who asks too often is told to wait before anything is done for them.
//!
//! A request that changes something, or signs somebody in, is written to the audit log before
//! its handler runs; without that line it does not run. The line is completed afterwards with the
//! outcome, and a failure to complete it changes nothing: the deed is done. Who is refused is
//! written down, too, wherever that is, and as often as the log can bear.

pub(crate) mod audit;
pub(crate) mod limits;
pub(crate) mod once;

use std::time::Instant;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hoop_domain::Role;
use hoop_runtime::{span, trace};
use http::StatusCode;
use tracing::{Instrument, Span, field::Empty};

use crate::{App, Error, auth, client, error::Result, etag::IfNoneMatch, metrics, router::Access};

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
    let (source, limits) = (client::source(request.extensions()), &rule.app.limits);
    if rule.route != limits::ALWAYS {
        limits.anybody(source)?;
    }
    let least = match rule.access {
        Access::Public => {
            limits.stranger(source, request.method(), rule)?;
            if rule.audited {
                return audit::audited(rule, None, &audit::Call::of(&request), request, next).await;
            }
            return Ok(next.run(request).await);
        }
        Access::SignedIn => Role::Standard,
        Access::AtLeast(role) => role,
    };
    let call = audit::Call::of(&request);
    let found = auth::actor(&rule.app, request.method(), request.headers()).await;
    let (actor, with) = match found {
        Err(error @ (Error::Unauthenticated | Error::ForeignPage)) => {
            limits.unknown(source)?;
            let answer = error.into_response();
            let room = if rule.audited || answer.status() == StatusCode::FORBIDDEN {
                limits.written()
            } else {
                limits.reading(source, auth::shown(&rule.app, request.headers()))
            };
            if room.is_ok() {
                let ended = audit::Ended::of(&answer);
                audit::refused(rule, None, &call, ended).await;
            }
            return Ok(answer);
        }
        found => found?,
    };
    limits.known(actor.id)?;
    let answer = if actor.role < least {
        Error::Forbidden.into_response()
    } else {
        request.extensions_mut().insert(actor.clone());
        request.extensions_mut().insert(with);
        if rule.audited {
            // It goes on when its sender hangs up: what is begun is done and written down whole.
            let (rule, span) = (rule.clone(), Span::current());
            let work =
                async move { audit::audited(&rule, Some(&actor), &call, request, next).await };
            return tokio::spawn(work.instrument(span)).await.map_err(Error::internal)?;
        }
        let known = IfNoneMatch::of(&request);
        known.answer(next.run(request).await)
    };
    if answer.status() == StatusCode::FORBIDDEN && limits.refused(actor.id).is_ok() {
        let ended = audit::Ended::of(&answer);
        audit::refused(rule, Some(&actor), &call, ended).await;
    }
    Ok(answer)
}
