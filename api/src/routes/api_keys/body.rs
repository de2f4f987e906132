//! API keys as JSON.

use chrono::{DateTime, Utc};
use hoop_domain::GroupName;
use hoop_store::api_key::ApiKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// An API key to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyRequest {
    /// The name, which sessions and the audit log show.
    pub(super) name: String,
    /// What it may do. Groups that do not exist are made.
    #[serde(default)]
    pub(super) groups: Vec<String>,
    /// How long it works; for ever when left out.
    pub(super) expires_in_seconds: Option<i64>,
    /// The subject of a service account: the key acts as that account, with its groups.
    pub(super) service_account: Option<String>,
}

/// What becomes of an API key; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyChangeRequest {
    /// Can't be changed.
    pub(super) name: Option<String>,
    /// What it may do from now on.
    pub(super) groups: Option<Vec<String>>,
    /// How long it works, from now on.
    pub(super) expires_in_seconds: Option<i64>,
}

/// An API key.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeyResponse {
    /// The id.
    id: String,
    /// The organisation.
    org_id: String,
    /// The name.
    name: String,
    /// Its beginning and its end.
    masked_key: String,
    /// `active`, `revoked` or `expired`.
    status: &'static str,
    /// In order; those of its service account, if it belongs to one.
    groups: Vec<String>,
    /// The subject of the service account that it belongs to.
    service_account: Option<String>,
    /// Who made it.
    created_by: String,
    /// When.
    created_at: DateTime<Utc>,
    /// When it stops working.
    expires_at: Option<DateTime<Utc>>,
    /// Who revoked it.
    deactivated_by: Option<String>,
    /// When.
    deactivated_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    last_used_at: Option<DateTime<Utc>>,
}

/// An API key, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeyCreated {
    #[serde(flatten)]
    pub(super) listed: ApiKeyResponse,
    /// To be sent as `authorization: Bearer …`, or to be set as `HOOP_TOKEN`.
    pub(super) key: String,
}

impl ApiKeyResponse {
    pub(super) fn new(app: &App, key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            org_id: app.org.id().to_string(),
            status: key.status(app.now()),
            name: key.name.to_string(),
            masked_key: key.masked,
            groups: key.groups.iter().map(GroupName::to_string).collect(),
            service_account: key.service_account,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            deactivated_by: key.revoked_by,
            deactivated_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}
