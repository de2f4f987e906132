//! Requests for access for a time: the same as reviews, less those for one command.

use axum::{Json, extract::State};
use hoop_domain::ReviewKind;

use super::reviews::{
    ReviewList, ReviewQuery, ReviewRequest, ReviewResponse, decide, find, list_of,
};
use crate::{
    App,
    auth::Actor,
    error::{Problem, Result},
    extract::{Body, Named, Params},
};

const JIT: Option<ReviewKind> = Some(ReviewKind::Jit);

/// Lists requests for access for a time, the newest first.
#[utoipa::path(get, path = "/api/jits", tag = "reviews", params(ReviewQuery), responses(
    (status = 200, body = ReviewList),
    (status = 422, description = "a filter makes no sense", body = Problem)))]
pub(crate) async fn list(
    state: State<App>,
    actor: Actor,
    query: Params<ReviewQuery>,
) -> Result<Json<ReviewList>> {
    list_of(&state.0, &actor, query.0, JIT).await
}

/// Shows one request for access for a time.
#[utoipa::path(get, path = "/api/jits/{id}", tag = "reviews",
    params(("id" = String, Path, description = "the request's id")),
    responses((status = 200, body = ReviewResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    state: State<App>,
    actor: Actor,
    id: Named,
) -> Result<Json<ReviewResponse>> {
    Ok(Json(ReviewResponse::of(find(&state.0, &actor, &id.0, JIT).await?)))
}

/// Approves, rejects or revokes a request for access for a time; revoking ends its sessions.
#[utoipa::path(put, path = "/api/jits/{id}", tag = "reviews",
    params(("id" = String, Path, description = "the request's id")),
    request_body = ReviewRequest,
    responses((status = 200, body = ReviewResponse), (status = 404, body = Problem),
        (status = 403, description = "it is not yours to decide", body = Problem),
        (status = 409, description = "it was decided before", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    state: State<App>,
    actor: Actor,
    id: Named,
    body: Body<ReviewRequest>,
) -> Result<Json<ReviewResponse>> {
    decide(&state.0, &actor, &id.0, &body.0, JIT).await
}
