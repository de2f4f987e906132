//! The first user of all, who is nobody's to ask for.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hoop_domain::{Role, Secret};
use hoop_store::user::UserSpec;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    login::{LoginResponse, admit},
    users::{check_email, check_name},
};
use crate::{
    App, Error,
    auth::password,
    error::{Problem, Result},
    extract::Body,
};

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterRequest {
    /// The address.
    email: String,
    /// 8 to 256 bytes.
    password: String,
    /// As it is shown.
    #[serde(default)]
    name: String,
}

/// Makes the first user, who is an administrator, and signs them in. Afterwards it makes
/// nobody.
#[utoipa::path(post, path = "/api/localauth/register", tag = "login",
    request_body = RegisterRequest,
    responses((status = 201, body = LoginResponse),
        (status = 403, description = "there are users already, or they come from an identity provider", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Body(request): Body<RegisterRequest>,
) -> Result<Response> {
    check_email(&request.email)?;
    check_name(&request.name)?;
    password::check("password", &request.password)?;
    // Before the password is hashed: strangers may ask as often as they like.
    if app.everybody.is_some() || app.has_provider() || !app.org.user_list_is_empty().await? {
        return Err(Error::Closed);
    }
    let spec = UserSpec {
        email: request.email.to_lowercase(),
        name: request.name,
        active: true,
        groups: vec![Role::ADMIN_GROUP.parse().map_err(Error::internal)?],
        password_hash: Some(password::hash(&app, Secret::new(request.password)).await?),
    };
    let user = app.org.user_create_first(&spec).await?.ok_or(Error::Closed)?;
    Ok((StatusCode::CREATED, admit(&app, user).await?).into_response())
}
