//! Service accounts: programs that the identity provider, or an API key, vouches for.

use axum::extract::State;
use hoop_domain::GroupName;
use hoop_store::{
    NameCursor,
    service_account::{ServiceAccount, ServiceAccountChange, ServiceAccountSpec},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::users::{check_name, is_active};
use crate::{
    App, Error,
    error::{Problem, Result},
    etag::{IfMatch, Tagged},
    extract::{Body, Named, given},
    paging::{ArrayQuery, Asked, Linked},
};

/// The longest subject; identity providers promise at most 255 characters.
const LONGEST: usize = 255;

/// A service account to be, or what becomes of one.
///
/// In a change, what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceAccountRequest {
    /// Who the identity provider says it is. Required for a new one; can't be changed later.
    #[serde(default)]
    subject: String,
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
}

/// A service account.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServiceAccountResponse {
    /// The id.
    id: String,
    /// The organisation.
    org_id: String,
    /// Who the identity provider says it is.
    subject: String,
    /// As it is shown.
    name: String,
    /// `active` or `inactive`.
    status: &'static str,
    /// In order.
    groups: Vec<String>,
}

impl ServiceAccountResponse {
    fn new(app: &App, account: ServiceAccount) -> Self {
        Self {
            id: account.id.to_string(),
            org_id: app.org.id().to_string(),
            subject: account.subject,
            name: account.name,
            status: if account.active { "active" } else { "inactive" },
            groups: account.groups.iter().map(GroupName::to_string).collect(),
        }
    }
}

/// Lists the service accounts, by subject.
#[utoipa::path(get, path = "/api/serviceaccounts", tag = "programs", params(ArrayQuery),
    responses((status = 200, body = Vec<ServiceAccountResponse>)))]
pub(crate) async fn list(
    State(app): State<App>,
    asked: Asked<NameCursor>,
) -> Result<Linked<ServiceAccountResponse>> {
    let accounts = app.org.service_account_list(&asked.window).await?;
    asked.linked(accounts, |account| ServiceAccountResponse::new(&app, account))
}

/// Makes a service account.
#[utoipa::path(post, path = "/api/serviceaccounts", tag = "programs",
    request_body = ServiceAccountRequest,
    responses((status = 201, body = ServiceAccountResponse),
        (status = 409, description = "the subject is taken", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Body(request): Body<ServiceAccountRequest>,
) -> Result<(StatusCode, Tagged<ServiceAccountResponse>)> {
    check_subject(&request.subject)?;
    let given = read(&request)?;
    let spec = ServiceAccountSpec {
        subject: request.subject,
        name: given.name.unwrap_or_default(),
        active: given.active.unwrap_or(true),
        groups: given.groups.unwrap_or_default(),
    };
    let account = app.org.service_account_create(&spec).await?;
    Ok((StatusCode::CREATED, respond(&app, account)))
}

/// Shows one service account.
#[utoipa::path(get, path = "/api/serviceaccounts/{subject}", tag = "programs",
    params(("subject" = String, Path, description = "the subject")),
    responses((status = 200, body = ServiceAccountResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Named(subject): Named,
) -> Result<Tagged<ServiceAccountResponse>> {
    let account = app.org.service_account_fetch(&subject).await?;
    Ok(respond(&app, account))
}

/// Changes a service account. What is left out stays as it is; what is taken away ends its
/// live sessions.
#[utoipa::path(put, path = "/api/serviceaccounts/{subject}", tag = "programs",
    params(("subject" = String, Path, description = "the subject")),
    request_body = ServiceAccountRequest,
    responses((status = 200, body = ServiceAccountResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(subject): Named,
    Body(request): Body<ServiceAccountRequest>,
) -> Result<Tagged<ServiceAccountResponse>> {
    if !request.subject.is_empty() && request.subject != subject {
        return Err(Error::invalid("subject", "can't be changed"));
    }
    let change = read(&request)?;
    let account = app.org.service_account_update(&subject, &change, versions.as_deref()).await?;
    app.nudge();
    Ok(respond(&app, account))
}

/// Deletes a service account with its API keys and ends its live sessions; what is recorded
/// stays.
#[utoipa::path(delete, path = "/api/serviceaccounts/{subject}", tag = "programs",
    params(("subject" = String, Path, description = "the subject")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(subject): Named,
) -> Result<StatusCode> {
    app.org.service_account_delete(&subject, versions.as_deref()).await?;
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}

fn check_subject(subject: &str) -> Result<()> {
    if subject.is_empty() || LONGEST < subject.len() || subject.chars().any(char::is_control) {
        let why = format_args!("must have 1 to {LONGEST} printable characters");
        return Err(Error::invalid("subject", why));
    }
    Ok(())
}

fn respond(app: &App, account: ServiceAccount) -> Tagged<ServiceAccountResponse> {
    Tagged(account.version, ServiceAccountResponse::new(app, account))
}

/// What is given of a service account, checked.
fn read(request: &ServiceAccountRequest) -> Result<ServiceAccountChange> {
    request.name.as_deref().map_or(Ok(()), check_name)?;
    let groups = request.groups.as_deref().map(|names| super::groups::parse("groups", names));
    Ok(ServiceAccountChange {
        name: request.name.clone(),
        active: request.status.as_deref().map(is_active).transpose()?,
        groups: groups.transpose()?,
    })
}
