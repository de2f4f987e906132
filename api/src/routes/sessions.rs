//! Sessions: finding them, looking at one, ending one.

pub(crate) mod annotations;
mod body;
mod end;
pub(crate) mod metadata;
mod query;
pub(crate) mod run;

use axum::{Json, extract::State};
use hoop_domain::{Role, SessionId};
use hoop_store::session::Session;

use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result},
    extract::{Named, Params},
    paging::page,
};

pub(crate) use body::{SessionList, SessionResponse, SessionStatus};
pub(crate) use end::*;
pub(crate) use query::SessionQuery;

/// Counting stops here: nobody pages through more.
const COUNT_CAP: i64 = 10_000;

/// Lists sessions, the newest first: people see their own, auditors and administrators all.
#[utoipa::path(get, path = "/api/sessions", tag = "sessions", params(SessionQuery), responses(
    (status = 200, body = SessionList),
    (status = 422, description = "a filter makes no sense", body = Problem)))]
pub(crate) async fn list(
    state: State<App>,
    actor: Actor,
    query: Params<SessionQuery>,
) -> Result<Json<SessionList>> {
    list_of(state.0, actor, query.0).await
}

/// The same, under the audit plugin's name.
#[utoipa::path(get, path = "/api/plugins/audit/sessions", tag = "sessions", params(SessionQuery),
    responses((status = 200, body = SessionList),
        (status = 422, description = "a filter makes no sense", body = Problem)))]
pub(crate) async fn audit_list(
    state: State<App>,
    actor: Actor,
    query: Params<SessionQuery>,
) -> Result<Json<SessionList>> {
    list_of(state.0, actor, query.0).await
}

async fn list_of(app: App, actor: Actor, query: SessionQuery) -> Result<Json<SessionList>> {
    let (limit, cursor) = page(query.limit, query.cursor.as_deref())?;
    let filter = query.filter(actor.sees_only())?;
    let listed = app.org.session_list(&filter, cursor, limit).await?;
    let total = if query.wants_total() {
        Some(app.org.session_count(&filter, COUNT_CAP).await?)
    } else {
        None
    };
    let ids: Vec<SessionId> = listed.rows.iter().map(|session| session.id).collect();
    let recordings = app.store.recordings_progress(&ids).await.map_err(super::recording::failed)?;
    Ok(Json(SessionList::new(listed, &recordings, total, COUNT_CAP)))
}

/// Shows one session.
#[utoipa::path(get, path = "/api/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 200, body = SessionResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    state: State<App>,
    actor: Actor,
    id: Named,
) -> Result<Json<SessionResponse>> {
    show_one(state.0, actor, id.0).await
}

/// The same, under the audit plugin's name.
#[utoipa::path(get, path = "/api/plugins/audit/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 200, body = SessionResponse), (status = 404, body = Problem)))]
pub(crate) async fn audit_show(
    state: State<App>,
    actor: Actor,
    id: Named,
) -> Result<Json<SessionResponse>> {
    show_one(state.0, actor, id.0).await
}

async fn show_one(app: App, actor: Actor, id: String) -> Result<Json<SessionResponse>> {
    let session = find(&app, &actor, &id).await?;
    let recordings =
        app.store.recordings_progress(&[session.id]).await.map_err(super::recording::failed)?;
    Ok(Json(SessionResponse::new(session, recordings.first())))
}

/// Where a session is in its life, and how much of it is recorded.
#[utoipa::path(get, path = "/api/sessions/{id}/status", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 200, body = SessionStatus), (status = 404, body = Problem)))]
pub(crate) async fn status(
    state: State<App>,
    actor: Actor,
    id: Named,
) -> Result<Json<SessionStatus>> {
    status_of(state.0, actor, id.0).await
}

/// The same, under the audit plugin's name.
#[utoipa::path(get, path = "/api/plugins/audit/sessions/{id}/status", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 200, body = SessionStatus), (status = 404, body = Problem)))]
pub(crate) async fn audit_status(
    state: State<App>,
    actor: Actor,
    id: Named,
) -> Result<Json<SessionStatus>> {
    status_of(state.0, actor, id.0).await
}

async fn status_of(app: App, actor: Actor, id: String) -> Result<Json<SessionStatus>> {
    let session = find(&app, &actor, &id).await?;
    let recordings =
        app.store.recordings_progress(&[session.id]).await.map_err(super::recording::failed)?;
    Ok(Json(SessionStatus::new(&session, recordings.first())))
}

/// The session `id`, if the actor may decide about it: its user or an administrator.
async fn own(app: &App, actor: &Actor, id: &str) -> Result<Session> {
    let session = find(app, actor, id).await?;
    if session.user == actor.id || actor.role == Role::Admin {
        Ok(session)
    } else {
        Err(Error::Forbidden)
    }
}

/// The session `id`, if the actor may see it.
pub(crate) async fn find(app: &App, actor: &Actor, id: &str) -> Result<Session> {
    let id: SessionId = id.parse().map_err(|_| Error::NotFound { what: "session" })?;
    Ok(app.org.session_fetch(id, actor.sees_only()).await?)
}
