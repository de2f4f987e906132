//! What is said of a session afterwards: name by name, in place of what was said. The recording
//! and its manifest have none of it.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{SessionResponse, annotations::Annotations};
use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result},
    etag::TRIES,
    extract::{Body, Named},
};

/// What is to be said of a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetadataRequest {
    /// Names to anything, or to null, which takes the name away. Other names stay as they are.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

/// Says something of a session, name by name: its user or an administrator may. Nothing is
/// decided by it.
#[utoipa::path(patch, path = "/api/sessions/{id}/metadata", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    request_body = MetadataRequest,
    responses((status = 200, body = SessionResponse), (status = 404, body = Problem),
        (status = 412, description = "too many say something of it at once", body = Problem),
        (status = 422, description = "it is too long, or can't be kept", body = Problem)))]
pub(crate) async fn change(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
    Body(request): Body<MetadataRequest>,
) -> Result<Json<SessionResponse>> {
    for _ in 0..TRIES {
        let session = super::own(&app, &actor, &id).await?;
        let was = session.annotations.as_ref();
        let now = Annotations::of(was.cloned()).with(&request.metadata).checked()?;
        // What others have said meanwhile is not lost.
        if app.org.session_annotate(session.id, was, now.as_ref()).await? {
            return super::show_one(app, actor, id).await;
        }
    }
    Err(Error::Changed { what: "session" })
}
