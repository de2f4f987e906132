//! Groups.

use axum::extract::State;
use hoop_domain::{GroupName, Role};
use hoop_store::NameCursor;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    App, Error,
    error::{Problem, Result},
    extract::{Body, Named},
    paging::{ArrayQuery, Asked, Linked},
};

/// A group to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupRequest {
    /// The name.
    name: String,
}

/// Lists the names of the groups.
#[utoipa::path(get, path = "/api/users/groups", tag = "users", params(ArrayQuery),
    responses((status = 200, body = Vec<String>)))]
pub(crate) async fn list(
    State(app): State<App>,
    asked: Asked<NameCursor>,
) -> Result<Linked<String>> {
    asked.linked(app.org.group_list(&asked.window).await?, |group| group.to_string())
}

/// Makes a group.
#[utoipa::path(post, path = "/api/users/groups", tag = "users", request_body = GroupRequest,
    responses((status = 201), (status = 409, description = "there is one", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Body(request): Body<GroupRequest>,
) -> Result<StatusCode> {
    let name = request.name.parse().map_err(|error| Error::invalid("name", error))?;
    app.org.group_create(&name).await?;
    Ok(StatusCode::CREATED)
}

/// Deletes a group; sessions that depend on it end.
#[utoipa::path(delete, path = "/api/users/groups/{name}", tag = "users",
    params(("name" = String, Path, description = "the group")),
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "it is the group admin", body = Problem)))]
pub(crate) async fn delete(State(app): State<App>, Named(name): Named) -> Result<StatusCode> {
    if name == Role::ADMIN_GROUP {
        return Err(Error::invalid("name", "the group admin can't be deleted"));
    }
    let name = name.parse().map_err(|_| Error::NotFound { what: "group" })?;
    app.org.group_delete(&name).await?;
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}

/// Groups that are named at once: each is looked up, and made where there is none.
const MOST: usize = 1000;

/// The names in `field` as group names.
pub(crate) fn parse(field: &str, names: &[String]) -> Result<Vec<GroupName>> {
    if MOST < names.len() {
        return Err(Error::invalid(field, format_args!("has at most {MOST} groups")));
    }
    names.iter().map(|name| name.parse().map_err(|error| Error::invalid(field, error))).collect()
}

/// The same, or what is `stored` when nothing is given.
pub(crate) fn changed(
    field: &str,
    names: Option<&[String]>,
    stored: Vec<GroupName>,
) -> Result<Vec<GroupName>> {
    names.map_or(Ok(stored), |names| parse(field, names))
}
