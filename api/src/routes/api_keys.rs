//! API keys: identities of programs that have groups of their own.

mod body;

use axum::{Json, extract::State};
use hoop_domain::{GroupName, UserId};
use hoop_store::{
    NameCursor,
    api_key::{ApiKey, ApiKeyChange, NewApiKey},
};
use http::StatusCode;

use crate::{
    App, Error,
    auth::{Actor, token},
    error::{Problem, Result},
    etag::{IfMatch, Tagged},
    extract::{Body, Named},
    paging::{ArrayQuery, Asked, Linked},
    routes::tokens::end,
};
use body::{ApiKeyChangeRequest, ApiKeyCreated, ApiKeyRequest, ApiKeyResponse};

/// Lists the API keys, by name and without what they are.
#[utoipa::path(get, path = "/api/api-keys", tag = "programs", params(ArrayQuery),
    responses((status = 200, body = Vec<ApiKeyResponse>)))]
pub(crate) async fn list(
    State(app): State<App>,
    asked: Asked<NameCursor>,
) -> Result<Linked<ApiKeyResponse>> {
    let keys = app.org.api_key_list(&asked.window).await?;
    asked.linked(keys, |key| ApiKeyResponse::new(&app, key))
}

/// Shows one API key, without what it is.
#[utoipa::path(get, path = "/api/api-keys/{name}", tag = "programs",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 200, body = ApiKeyResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Named(name): Named,
) -> Result<Tagged<ApiKeyResponse>> {
    let key = app.org.api_key_fetch(&name).await?;
    Ok(respond(&app, key))
}

/// Makes an API key. The answer has it; it can't be had again.
#[utoipa::path(post, path = "/api/api-keys", tag = "programs", request_body = ApiKeyRequest,
    responses((status = 201, body = ApiKeyCreated),
        (status = 409, description = "the name is taken", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    actor: Actor,
    Body(request): Body<ApiKeyRequest>,
) -> Result<(StatusCode, Json<ApiKeyCreated>)> {
    let groups = super::groups::parse("groups", &request.groups)?;
    let service_account = match &request.service_account {
        None => None,
        Some(subject) => {
            own_groups(&groups)?;
            Some(account(&app, subject).await?)
        }
    };
    let key = token::generate(token::Kind::Key)?;
    let new = NewApiKey {
        name: request.name.parse().map_err(|error| Error::invalid("name", error))?,
        digest: token::digest(&key),
        masked: token::masked(&key),
        groups,
        service_account,
        created_by: &actor.email,
        expires_at: end(&app, request.expires_in_seconds)?,
    };
    let made = app.org.api_key_create(&new).await?;
    let listed = ApiKeyResponse::new(&app, made);
    Ok((StatusCode::CREATED, Json(ApiKeyCreated { listed, key })))
}

/// Changes what an API key may, or for how long. What is taken away ends live sessions.
#[utoipa::path(put, path = "/api/api-keys/{name}", tag = "programs",
    params(("name" = String, Path, description = "name or id")),
    request_body = ApiKeyChangeRequest,
    responses((status = 200, body = ApiKeyResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(name): Named,
    Body(request): Body<ApiKeyChangeRequest>,
) -> Result<Tagged<ApiKeyResponse>> {
    let key = app.org.api_key_fetch(&name).await?;
    if request.name.is_some_and(|name| name != key.name.as_str()) {
        return Err(Error::invalid("name", "can't be changed"));
    }
    let groups = request.groups.map(|names| super::groups::parse("groups", &names)).transpose()?;
    if key.service_account.is_some() {
        own_groups(groups.as_deref().unwrap_or_default())?;
    }
    let change = ApiKeyChange { groups, expires_at: end(&app, request.expires_in_seconds)? };
    let key = app.org.api_key_update(key.id, &change, versions.as_deref()).await?;
    app.nudge();
    Ok(respond(&app, key))
}

/// Revokes an API key and ends what it opened. It stays on the list, with its name.
#[utoipa::path(delete, path = "/api/api-keys/{name}", tag = "programs",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    actor: Actor,
    IfMatch(versions): IfMatch,
    Named(name): Named,
) -> Result<StatusCode> {
    let key = app.org.api_key_fetch(&name).await?;
    app.org.api_key_revoke(key.id, &actor.email, versions.as_deref()).await?;
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a revoked API key work again.
#[utoipa::path(post, path = "/api/api-keys/{name}/reactivate", tag = "programs",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 200, body = ApiKeyResponse), (status = 404, body = Problem),
        (status = 409, description = "its time is over", body = Problem)))]
pub(crate) async fn reactivate(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(name): Named,
) -> Result<Tagged<ApiKeyResponse>> {
    let key = app.org.api_key_fetch(&name).await?;
    let key = app.org.api_key_reactivate(key.id, app.now(), versions.as_deref()).await?;
    Ok(respond(&app, key))
}

fn respond(app: &App, key: ApiKey) -> Tagged<ApiKeyResponse> {
    Tagged(key.version, ApiKeyResponse::new(app, key))
}

fn own_groups(groups: &[GroupName]) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    Err(Error::invalid("groups", "a key of a service account has the groups of that account"))
}

async fn account(app: &App, subject: &str) -> Result<UserId> {
    match app.org.service_account_fetch(subject).await {
        Ok(account) => Ok(account.id),
        Err(hoop_store::Error::NotFound { .. }) => {
            Err(Error::invalid("service_account", "is no service account's subject"))
        }
        Err(error) => Err(error.into()),
    }
}
