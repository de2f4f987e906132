//! Users.

use axum::{Json, extract::State};
use hoop_domain::{GroupName, Role, Secret};
use hoop_store::user::{User, UserSpec};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    auth::{Actor, password},
    error::{Problem, Result},
    extract::{Body, Named},
};

/// A user to be, or what becomes of one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// Required for a new user; can't be changed later.
    #[serde(default)]
    email: String,
    /// As it is shown.
    #[serde(default)]
    name: String,
    /// `active` (the default) or `inactive`.
    #[serde(default = "active")]
    status: String,
    /// Groups that do not exist are made.
    #[serde(default)]
    groups: Vec<String>,
    /// 8 to 256 bytes. Left out, it stays as it is; a user without one can't sign in with one.
    password: Option<String>,
}

fn active() -> String {
    "active".into()
}

/// A user.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserResponse {
    /// The id.
    id: String,
    /// In lower case.
    email: String,
    /// As it is shown.
    name: String,
    /// `active` or `inactive`.
    status: &'static str,
    /// `standard`, `auditor` or `admin`.
    role: &'static str,
    /// In order.
    groups: Vec<String>,
}

impl From<User> for UserResponse {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            role: user.role().as_str(),
            email: user.email,
            name: user.name,
            status: if user.active { "active" } else { "inactive" },
            groups: user.groups.iter().map(GroupName::to_string).collect(),
        }
    }
}

/// Lists the users.
#[utoipa::path(get, path = "/api/users", tag = "users",
    responses((status = 200, body = Vec<UserResponse>)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Vec<UserResponse>>> {
    let users = app.org.user_list().await?;
    Ok(Json(users.into_iter().map(UserResponse::from).collect()))
}

/// Shows one user: people see themselves, auditors and administrators everybody.
#[utoipa::path(get, path = "/api/users/{id}", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    responses((status = 200, body = UserResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
) -> Result<Json<UserResponse>> {
    let user = app.org.user_fetch(&id).await?;
    if actor.sees_only().is_some_and(|own| own != user.id) {
        return Err(Error::NotFound { what: "user" });
    }
    Ok(Json(user.into()))
}

/// Makes a user.
#[utoipa::path(post, path = "/api/users", tag = "users", request_body = UserRequest, responses(
    (status = 201, body = UserResponse),
    (status = 409, description = "the address is taken", body = Problem),
    (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Body(request): Body<UserRequest>,
) -> Result<(StatusCode, Json<UserResponse>)> {
    check_email(&request.email)?;
    let spec = spec(&app, request).await?;
    Ok((StatusCode::CREATED, Json(app.org.user_create(&spec).await?.into())))
}

/// Changes a user. What is taken away ends their live sessions.
#[utoipa::path(put, path = "/api/users/{id}", tag = "users", request_body = UserRequest,
    params(("id" = String, Path, description = "id or e-mail address")),
    responses((status = 200, body = UserResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
    Body(request): Body<UserRequest>,
) -> Result<Json<UserResponse>> {
    let user = app.org.user_fetch(&id).await?;
    if !request.email.is_empty() && request.email.to_lowercase() != user.email {
        return Err(Error::invalid("email", "can't be changed"));
    }
    let spec = spec(&app, request).await?;
    if user.id == actor.id {
        keep_oneself(&spec)?;
    }
    let user = app.org.user_update(user.id, &spec).await?;
    app.nudge();
    Ok(Json(user.into()))
}

/// Deletes a user and ends their live sessions; what is recorded stays.
#[utoipa::path(delete, path = "/api/users/{id}", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "it is yourself", body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
) -> Result<StatusCode> {
    let user = app.org.user_fetch(&id).await?;
    if user.id == actor.id {
        return Err(Error::invalid("id", "you can't delete yourself"));
    }
    app.org.user_delete(user.id).await?;
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}

/// An administrator who locks themselves out may be the last one.
fn keep_oneself(spec: &UserSpec) -> Result<()> {
    if !spec.active {
        return Err(Error::invalid("status", "you can't deactivate yourself"));
    }
    if Role::of_groups(spec.groups.iter().map(GroupName::as_str)) != Role::Admin {
        return Err(Error::invalid("groups", "you can't leave the group admin yourself"));
    }
    Ok(())
}

fn check_email(email: &str) -> Result<()> {
    let plausible = email.len() <= 254
        && email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if plausible { Ok(()) } else { Err(Error::invalid("email", "is not an e-mail address")) }
}

async fn spec(app: &App, request: UserRequest) -> Result<UserSpec> {
    if 254 < request.name.len() || request.name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "must have at most 254 printable characters"));
    }
    let active = match request.status.as_str() {
        "active" => true,
        "inactive" => false,
        _ => return Err(Error::invalid("status", "is active or inactive")),
    };
    let password_hash = match request.password {
        Some(text) => {
            password::check(&text)?;
            Some(password::hash(app, Secret::new(text)).await?)
        }
        None => None,
    };
    Ok(UserSpec {
        email: request.email.to_lowercase(),
        name: request.name,
        active,
        groups: super::groups::parse("groups", &request.groups)?,
        password_hash,
    })
}
