//! Who am I?

use axum::{Json, extract::State};
use hoop_domain::{GroupName, Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, auth::Actor, error::Result};

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
    /// The organisation's name.
    org_name: String,
    /// `active`.
    status: &'static str,
    /// Whether the account was confirmed. Always true: administrators and identity providers
    /// make accounts, and nobody is invited who has to confirm that.
    verified: bool,
    /// Whether a gateway serves several organisations. Always false.
    is_multitenant: bool,
    /// `selfhosted`.
    tenancy_type: &'static str,
    /// `oss`: there is no other licence.
    org_license: &'static str,
    /// `on`: users are managed here, beside those that an identity provider brings.
    webapp_users_management: &'static str,
    /// `unavailable`: there is no assistant to ask.
    feature_ask_ai: &'static str,
    /// Always empty: nothing is kept of Slack.
    slack_id: &'static str,
    /// Always empty: no pictures are kept.
    picture: &'static str,
}

/// Shows the user whose token was sent.
#[utoipa::path(get, path = "/api/userinfo", tag = "users",
    responses((status = 200, body = UserInfo)))]
pub(crate) async fn show(State(app): State<App>, actor: Actor) -> Result<Json<UserInfo>> {
    Ok(Json(UserInfo {
        id: actor.id.to_string(),
        is_admin: actor.role == Role::Admin,
        role: actor.role.as_str(),
        groups: actor.groups.iter().map(GroupName::to_string).collect(),
        org_id: app.org.id().to_string(),
        org_name: app.org.org_name().await?,
        email: actor.email,
        name: actor.name,
        status: "active",
        verified: true,
        is_multitenant: false,
        tenancy_type: "selfhosted",
        org_license: "oss",
        webapp_users_management: "on",
        feature_ask_ai: "unavailable",
        slack_id: "",
        picture: "",
    }))
}
