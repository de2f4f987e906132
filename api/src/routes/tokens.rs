//! Tokens for programs that act as the person who made them.

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{Role, TokenId};
use hoop_store::{Cursor, token::Token, user::User};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    auth::{Actor, token},
    error::{Problem, Result},
    extract::{Body, Named},
    paging::{ArrayQuery, Asked, Linked},
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

/// A token as it is listed.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenListed {
    /// The id.
    id: String,
    /// What it is for.
    name: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it stops working.
    expires_at: Option<DateTime<Utc>>,
}

impl From<Token> for TokenListed {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}

/// Lists a user's tokens, the newest first and without what they are: people their own,
/// administrators anybody's.
#[utoipa::path(get, path = "/api/users/{id}/tokens", tag = "users",
    params(ArrayQuery, ("id" = String, Path, description = "id or e-mail address")),
    responses((status = 200, body = Vec<TokenListed>), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
    asked: Asked<Cursor>,
) -> Result<Linked<TokenListed>> {
    let user = owner(&app, &actor, &id).await?;
    asked.linked(app.org.token_list(user.id, &asked.window).await?, TokenListed::from)
}

/// Revokes a token and ends the sessions that it opened.
#[utoipa::path(delete, path = "/api/users/{id}/tokens/{token}", tag = "users",
    params(("id" = String, Path, description = "id or e-mail address"),
        ("token" = String, Path, description = "the token's id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    actor: Actor,
    path: Path<(String, String)>,
) -> Result<StatusCode> {
    let Path((id, token)) = path;
    let user = owner(&app, &actor, &id).await?;
    let token: TokenId = token.parse().map_err(|_| Error::NotFound { what: "token" })?;
    app.org.token_delete(user.id, token).await?;
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}

/// When what works for so many seconds from now stops working.
pub(super) fn end(app: &App, seconds: Option<i64>) -> Result<Option<DateTime<Utc>>> {
    match seconds {
        None => Ok(None),
        Some(seconds @ 1..=LONGEST) => Ok(Some(app.now() + TimeDelta::seconds(seconds))),
        Some(_) => Err(Error::invalid("expires_in_seconds", format_args!("is 1 to {LONGEST}"))),
    }
}

/// The user `id`, if their tokens are the actor's business.
pub(super) async fn owner(app: &App, actor: &Actor, id: &str) -> Result<User> {
    let user = app.org.user_fetch(id).await?;
    if user.id != actor.id && actor.role != Role::Admin {
        return Err(Error::NotFound { what: "user" });
    }
    Ok(user)
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
    let user = owner(&app, &actor, &id).await?;
    if request.name.is_empty() || 128 < request.name.len() {
        return Err(Error::invalid("name", "must have 1 to 128 characters"));
    }
    let expires_at = end(&app, request.expires_in_seconds)?;
    let token = token::generate(token::Kind::Person)?;
    let digest = token::digest(&token);
    let id = app.org.token_create(user.id, &request.name, &digest, expires_at).await?;
    Ok((StatusCode::CREATED, Json(TokenResponse { id: id.to_string(), token, expires_at })))
}
