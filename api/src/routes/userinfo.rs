//! Who am I?

use axum::{Json, extract::State};
use hoop_domain::{GroupName, Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, auth::Actor};

/// The user who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserInfo {
    /// The id.
    id: String,
    /// The address.
    email: String,
    /// The name.
    name: String,
    /// `standard`, `auditor` or `admin`.
    role: &'static str,
    /// Whether the role is `admin`.
    is_admin: bool,
    /// In order.
    groups: Vec<String>,
    /// The organisation.
    org_id: String,
    /// `active`.
    status: &'static str,
}

/// Shows the user whose token was sent.
#[utoipa::path(get, path = "/api/userinfo", tag = "users",
    responses((status = 200, body = UserInfo)))]
pub(crate) async fn show(State(app): State<App>, actor: Actor) -> Json<UserInfo> {
    Json(UserInfo {
        id: actor.id.to_string(),
        is_admin: actor.role == Role::Admin,
        role: actor.role.as_str(),
        groups: actor.groups.iter().map(GroupName::to_string).collect(),
        org_id: app.org.id().to_string(),
        email: actor.email,
        name: actor.name,
        status: "active",
    })
}
