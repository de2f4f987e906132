//! Credentials that there are, without their passwords.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use hoop_store::credential::{CredentialFilter, ListedCredential};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result},
    extract::Params,
    paging::page,
};

/// Which credentials.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CredentialQuery {
    /// The connection's name.
    connection: Option<String>,
    /// The owner's id or e-mail address.
    user: Option<String>,
    /// `active`, `expired` or `revoked`.
    status: Option<String>,
    /// 1 to 100 credentials; 20 when left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of credentials.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialList {
    /// The newest first.
    data: Vec<CredentialSummary>,
    /// Where the next page begins.
    next_cursor: Option<String>,
    /// Whether there is one.
    has_next_page: bool,
}

/// A credential, without its password.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialSummary {
    /// The id, to revoke it.
    id: String,
    /// What it opens.
    connection: String,
    /// Whose it is: the address.
    user: String,
    /// Whose it is: the id.
    user_id: String,
    /// The user name.
    username: String,
    /// `active`, `expired` or `revoked`.
    status: &'static str,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it stops working.
    expires_at: DateTime<Utc>,
    /// When it was revoked, if it was.
    revoked_at: Option<DateTime<Utc>>,
}

impl CredentialSummary {
    fn new(credential: ListedCredential, now: DateTime<Utc>) -> Self {
        Self {
            status: credential.status(now),
            id: credential.id.to_string(),
            connection: credential.connection_name,
            user: credential.user_email,
            user_id: credential.user.to_string(),
            username: credential.username,
            created_at: credential.created_at,
            expires_at: credential.expires_at,
            revoked_at: credential.revoked_at,
        }
    }
}

/// Lists credentials for native ports, the newest first: people see their own, auditors and
/// administrators all.
#[utoipa::path(get, path = "/api/credentials", tag = "connections", params(CredentialQuery),
    responses((status = 200, body = CredentialList),
        (status = 422, description = "a filter makes no sense", body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    actor: Actor,
    Params(query): Params<CredentialQuery>,
) -> Result<Json<CredentialList>> {
    let (limit, cursor) = page(query.limit, query.cursor.as_deref())?;
    if let Some(status) = &query.status
        && !["active", "expired", "revoked"].contains(&status.as_str())
    {
        return Err(Error::invalid("status", "is active, expired or revoked"));
    }
    let filter = CredentialFilter {
        visible_to: actor.sees_only(),
        user: query.user,
        connection: query.connection,
        status: query.status,
    };
    let now = app.now();
    let listed = app.org.credential_list(&filter, now, cursor, limit).await?;
    Ok(Json(CredentialList {
        has_next_page: listed.next.is_some(),
        next_cursor: listed.next.map(|cursor| cursor.to_string()),
        data: listed.rows.into_iter().map(|row| CredentialSummary::new(row, now)).collect(),
    }))
}
