//! Users.

use axum::{Json, extract::State};
use hoop_domain::{GroupName, Role, Secret};
use hoop_store::{
    NameCursor,
    user::{User, UserSpec},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    auth::{Actor, password},
    error::{Problem, Result},
    etag::{IfMatch, TRIES, Tagged},
    extract::{Body, Empty, Named, given},
    paging::{ArrayQuery, Asked, Linked},
};

/// A user to be, or what becomes of one.
///
/// In a change, what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// Required for a new user; can't be changed later.
    #[serde(default)]
    email: String,
    /// As it is shown.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String)]
    name: Option<String>,
    /// `active` (the default) or `inactive`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String)]
    status: Option<String>,
    /// Groups that do not exist are made.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<String>)]
    groups: Option<Vec<String>>,
    /// 8 to 256 bytes. Left out, it stays as it is; a user without one can't sign in with one.
    password: Option<String>,
    /// Empty: it is not kept. Older clients send it.
    #[serde(default, rename = "slack_id")]
    #[schema(value_type = String)]
    _slack_id: Empty,
    /// Empty: it is not kept. Older clients send it.
    #[serde(default, rename = "picture")]
    #[schema(value_type = String)]
    _picture: Empty,
}

/// What is given of a user, read and checked.
struct Given {
    name: Option<String>,
    active: Option<bool>,
    groups: Option<Vec<GroupName>>,
    password_hash: Option<Secret<String>>,
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
    /// Whether the account was confirmed. Always true: nobody is invited who has to.
    verified: bool,
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
            verified: true,
        }
    }
}

/// Lists the users, by e-mail address.
#[utoipa::path(get, path = "/api/users", tag = "users", params(ArrayQuery),
    responses((status = 200, body = Vec<UserResponse>)))]
pub(crate) async fn list(
    State(app): State<App>,
    asked: Asked<NameCursor>,
) -> Result<Linked<UserResponse>> {
    asked.linked(app.org.user_list(&asked.window).await?, UserResponse::from)
}

/// Shows one user: people see themselves, auditors and administrators everybody.
#[utoipa::path(get, path = "/api/users/{id}", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    responses((status = 200, body = UserResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
) -> Result<Tagged<UserResponse>> {
    let (user, version) = app.org.user_with_version(&id).await?;
    if actor.sees_only().is_some_and(|own| own != user.id) {
        return Err(Error::NotFound { what: "user" });
    }
    Ok(Tagged(version, user.into()))
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
    let email = request.email.to_lowercase();
    let given = Given::read(&app, request).await?;
    let spec = UserSpec {
        email,
        name: given.name.unwrap_or_default(),
        active: given.active.unwrap_or(true),
        groups: given.groups.unwrap_or_default(),
        password_hash: given.password_hash,
    };
    Ok((StatusCode::CREATED, Json(app.org.user_create(&spec).await?.into())))
}

/// Changes a user. What is left out stays as it is; what is taken away ends their live
/// sessions, and a new password their tokens.
#[utoipa::path(put, path = "/api/users/{id}", tag = "users", request_body = UserRequest,
    params(("id" = String, Path, description = "id or e-mail address")),
    responses((status = 200, body = UserResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    actor: Actor,
    if_match: IfMatch,
    Named(id): Named,
    Body(request): Body<UserRequest>,
) -> Result<Tagged<UserResponse>> {
    let user = app.org.user_fetch(&id).await?;
    if !request.email.is_empty() && request.email.to_lowercase() != user.email {
        return Err(Error::invalid("email", "can't be changed"));
    }
    if user.id == actor.id && request.password.is_some() {
        let why = "your own is changed with PUT /api/users/{id}/password, which takes the old one";
        return Err(Error::invalid("password", why));
    }
    let id = user.id.to_string();
    let given = Given::read(&app, request).await?;
    let (user, version) = change(&app, &actor, &id, &given, &if_match).await?;
    if let Some(hash) = &given.password_hash {
        app.org.user_password_change(user.id, hash, None).await?;
    }
    app.nudge();
    Ok(Tagged(version, user.into()))
}

/// Makes of the user what is given, and says of which version they are now.
async fn change(
    app: &App,
    actor: &Actor,
    id: &str,
    given: &Given,
    if_match: &IfMatch,
) -> Result<(User, i32)> {
    for _ in 0..TRIES {
        let (user, version) = app.org.user_with_version(id).await?;
        if_match.allows("user", version)?;
        let spec = given.beside(&user);
        if user.id == actor.id {
            keep_oneself(&spec)?;
        }
        match app.org.user_update(user.id, &spec, Some(&[version])).await {
            // What is left out stays as they have it who were faster.
            Err(hoop_store::Error::Changed { .. }) => {}
            done => return Ok(done?),
        }
    }
    Err(Error::Changed { what: "user" })
}

/// Deletes a user and ends their live sessions; what is recorded stays.
#[utoipa::path(delete, path = "/api/users/{id}", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "it is yourself", body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    actor: Actor,
    IfMatch(versions): IfMatch,
    Named(id): Named,
) -> Result<StatusCode> {
    let user = app.org.user_fetch(&id).await?;
    if user.id == actor.id {
        return Err(Error::invalid("id", "you can't delete yourself"));
    }
    app.org.user_delete(user.id, versions.as_deref()).await?;
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

/// Refuses what is no address.
pub(super) fn check_email(email: &str) -> Result<()> {
    let plausible = email.len() <= 254
        && email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if plausible { Ok(()) } else { Err(Error::invalid("email", "is not an e-mail address")) }
}

/// Refuses names that do not fit into a list.
pub(super) fn check_name(name: &str) -> Result<()> {
    if 254 < name.len() || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "must have at most 254 printable characters"));
    }
    Ok(())
}

/// Whether a status is `active`.
pub(super) fn is_active(status: &str) -> Result<bool> {
    match status {
        "active" => Ok(true),
        "inactive" => Ok(false),
        _ => Err(Error::invalid("status", "is active or inactive")),
    }
}

impl Given {
    async fn read(app: &App, request: UserRequest) -> Result<Self> {
        request.name.as_deref().map_or(Ok(()), check_name)?;
        let active = request.status.as_deref().map(is_active).transpose()?;
        let groups = request.groups.map(|names| super::groups::parse("groups", &names));
        let groups = groups.transpose()?;
        let password_hash = match request.password {
            Some(text) => {
                password::check("password", &text)?;
                Some(password::hash(app, Secret::new(text)).await?)
            }
            None => None,
        };
        Ok(Self { name: request.name, active, groups, password_hash })
    }

    /// The user with what is given, and otherwise as they are.
    fn beside(&self, user: &User) -> UserSpec {
        UserSpec {
            email: user.email.clone(),
            name: self.name.as_ref().unwrap_or(&user.name).clone(),
            active: self.active.unwrap_or(user.active),
            groups: self.groups.as_ref().unwrap_or(&user.groups).clone(),
            // A new one and the end of what was had with the old one are one change of its own.
            password_hash: None,
        }
    }
}
