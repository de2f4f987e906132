//! Ending a session.

use axum::extract::State;
use hoop_bus::Subject;
use hoop_domain::EndReason;
use hoop_store::session::Kill;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    App, Error,
    auth::Actor,
    control::kill_message,
    error::{Problem, Result},
    extract::{Named, OptionalBody},
};

/// The longest reason that is told.
const LONGEST_REASON: usize = 500;

/// Why a session is ended.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KillRequest {
    /// What its user is told beside who did it: at most 500 printable bytes.
    #[serde(default)]
    reason: String,
}

/// Ends a live session: its user or an administrator may. Ending one that is over does nothing.
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete(state: State<App>, actor: Actor, id: Named) -> Result<StatusCode> {
    end(&state.0, &actor, &id.0, None).await
}

/// The same, with a reason: its user is told who ended the session, and why.
#[utoipa::path(post, path = "/api/sessions/{id}/kill", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    request_body(content = Option<KillRequest>),
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "the reason can't be shown", body = Problem)))]
pub(crate) async fn kill(
    state: State<App>,
    actor: Actor,
    id: Named,
    OptionalBody(request): OptionalBody<KillRequest>,
) -> Result<StatusCode> {
    end(&state.0, &actor, &id.0, request).await
}

async fn end(
    app: &App,
    actor: &Actor,
    id: &str,
    request: Option<KillRequest>,
) -> Result<StatusCode> {
    let session = super::own(app, actor, id).await?;
    let reason = request.map(|request| request.reason).unwrap_or_default();
    if LONGEST_REASON < reason.len() || reason.chars().any(char::is_control) {
        return Err(Error::invalid("reason", "must have at most 500 printable bytes"));
    }
    let who = format!("the session was ended by {}", actor.email);
    let kill = Kill {
        session: session.id,
        reason: EndReason::Killed,
        message: if reason.is_empty() { who } else { format!("{who}: {reason}") },
    };
    if app.org.session_kill(&kill).await? {
        // The row says it; an edge that misses the notice is told when it reports next.
        let subject = Subject::Kill { session: session.id };
        if let Err(error) = app.bus.publish(&subject, &kill_message(&kill)).await {
            tracing::warn!(session = %session.id, cause = %error, "a kill was not published");
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
