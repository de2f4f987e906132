//! Ending a session.

use axum::extract::State;
use hoop_bus::Subject;
use hoop_domain::{EndReason, Role};
use hoop_store::session::Kill;
use http::StatusCode;

use crate::{
    App, Error,
    auth::Actor,
    control::kill_message,
    error::{Problem, Result},
    extract::Named,
};

/// Ends a live session: its user or an administrator may. Ending one that is over does nothing.
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete(state: State<App>, actor: Actor, id: Named) -> Result<StatusCode> {
    end(&state.0, &actor, &id.0).await
}

/// The same, under the name that older clients know.
#[utoipa::path(post, path = "/api/sessions/{id}/kill", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn kill(state: State<App>, actor: Actor, id: Named) -> Result<StatusCode> {
    end(&state.0, &actor, &id.0).await
}

async fn end(app: &App, actor: &Actor, id: &str) -> Result<StatusCode> {
    let session = super::find(app, actor, id).await?;
    if session.user != actor.id && actor.role != Role::Admin {
        return Err(Error::Forbidden);
    }
    let kill = Kill {
        session: session.id,
        reason: EndReason::Killed,
        message: format!("the session was ended by {}", actor.email),
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
