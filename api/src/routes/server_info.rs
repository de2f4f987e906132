//! What this gateway is: for those who are about to sign in, and for those who have.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    config::{PublicUrl, SignIn},
    error::Result,
};

/// What anybody may know.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublicServerInfo {
    /// `local`, `oidc` or `saml`.
    auth_method: &'static str,
    /// Whether nobody is a user yet.
    setup_required: bool,
}

/// What users may know.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerInfo {
    /// The version.
    version: &'static str,
    /// `local`, `oidc` or `saml`.
    auth_method: &'static str,
    /// Where the REST API is.
    api_url: Option<String>,
    /// Where agents and the command line dial.
    grpc_url: String,
    /// Where `psql` connects.
    native_pg_address: String,
    /// `selfhosted`.
    tenancy_type: &'static str,
    /// Whether programs can sign in with tokens of the identity provider.
    has_idp_audience: bool,
}

/// Says how people sign in.
#[utoipa::path(get, path = "/api/publicserverinfo", tag = "server",
    responses((status = 200, body = PublicServerInfo)))]
pub(crate) async fn public(State(app): State<App>) -> Result<Json<PublicServerInfo>> {
    let auth_method = app.config.sign_in.as_str();
    let setup_required = !app.has_provider() && app.org.user_list_is_empty().await?;
    Ok(Json(PublicServerInfo { auth_method, setup_required }))
}

/// Says what this gateway is and where its doors are.
#[utoipa::path(get, path = "/api/serverinfo", tag = "server",
    responses((status = 200, body = ServerInfo)))]
pub(crate) async fn show(State(app): State<App>) -> Json<ServerInfo> {
    let config = &app.config;
    let audience = |sign_in: &SignIn| match sign_in {
        SignIn::Local | SignIn::Saml(_) => false,
        SignIn::Oidc(idp) => idp.audience.is_some(),
    };
    Json(ServerInfo {
        version: env!("CARGO_PKG_VERSION"),
        auth_method: config.sign_in.as_str(),
        api_url: config.public_url.as_ref().map(PublicUrl::to_string),
        grpc_url: config.grpc_url.to_string(),
        native_pg_address: config.native_pg.to_string(),
        tenancy_type: "selfhosted",
        has_idp_audience: audience(&config.sign_in),
    })
}
