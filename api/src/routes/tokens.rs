//! Tokens for programs.

use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::Role;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    auth::{Actor, token},
    error::{Problem, Result},
    extract::{Body, Named},
};

/// Ten years: who wants a token without an end leaves the field out.
const LONGEST: i64 = 10 * 365 * 24 * 3600;

/// A token to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    /// What it is for, as its owner will recognize it.
    name: String,
    /// How long it works; for ever when left out.
    expires_in_seconds: Option<i64>,
}

/// A token, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenResponse {
    /// The id.
    id: String,
    /// To be sent as `authorization: Bearer …`.
    token: String,
    /// When it stops working.
    expires_at: Option<DateTime<Utc>>,
}

/// Makes a token that acts as the user: people for themselves, administrators for anybody.
#[utoipa::path(post, path = "/api/users/{id}/tokens", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address")),
    request_body = TokenRequest,
    responses((status = 201, body = TokenResponse), (status = 404, body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
    Body(request): Body<TokenRequest>,
) -> Result<(StatusCode, Json<TokenResponse>)> {
    let user = app.org.user_fetch(&id).await?;
    if user.id != actor.id && actor.role != Role::Admin {
        return Err(Error::NotFound { what: "user" });
    }
    if request.name.is_empty() || 128 < request.name.len() {
        return Err(Error::invalid("name", "must have 1 to 128 characters"));
    }
    let expires_at = match request.expires_in_seconds {
        None => None,
        Some(seconds @ 1..=LONGEST) => Some(app.now() + TimeDelta::seconds(seconds)),
        Some(_) => {
            return Err(Error::invalid("expires_in_seconds", format_args!("is 1 to {LONGEST}")));
        }
    };
    let token = token::generate(token::Kind::Program)?;
    let digest = token::digest(&token);
    let id = app.org.token_create(user.id, &request.name, &digest, expires_at).await?;
    Ok((StatusCode::CREATED, Json(TokenResponse { id: id.to_string(), token, expires_at })))
}
