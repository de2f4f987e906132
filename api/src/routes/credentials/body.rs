//! A credential as JSON.

use chrono::{DateTime, Utc};
use hoop_domain::CredentialId;
use hoop_store::connection::Connection;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{App, review::Waiting};

/// Thirty days. What lives longer is a machine's, and those get their own kind.
pub(super) const LONGEST: i64 = 30 * 24 * 3600;
pub(super) const DEFAULT: i64 = 3600;

/// How long the credential works.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialRequest {
    /// 1 second to 30 days; when left out an hour, or as long as the approval holds.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = i64)]
    pub(super) access_duration_seconds: Option<i64>,
}

/// A number that may be left out and can't be null.
fn given<'de, D: Deserializer<'de>>(number: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(number).map(Some)
}

/// A credential. The password can't be had again.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialResponse {
    /// The id, to revoke it.
    id: String,
    /// What it opens.
    connection_name: String,
    /// The user name.
    username: String,
    /// The password.
    password: String,
    /// The gateway's native port: the host.
    host: String,
    /// The gateway's native port: the port.
    port: u16,
    /// What to name as the database: the connection.
    database: String,
    /// All of it as one URI.
    connection_string: String,
    /// When it stops working.
    expires_at: DateTime<Utc>,
    /// The same, for older clients.
    expire_at: DateTime<Utc>,
    /// All of it but that, under the names that older clients know.
    connection_credentials: PostgresCredentials,
}

/// A credential for the native PostgreSQL port, under the names that older clients know.
#[derive(Serialize, ToSchema)]
struct PostgresCredentials {
    hostname: String,
    port: String,
    username: String,
    password: String,
    database_name: String,
    connection_string: String,
}

/// Somebody has to approve it first. Who asks again when that has happened gets the credential.
#[derive(Serialize, ToSchema)]
#[schema(as = HeldCredential)]
pub(crate) struct Held {
    /// What it would open.
    connection_name: String,
    /// Always true.
    has_review: bool,
    /// The request that waits.
    review_id: String,
    /// For whom it waits.
    message: String,
}

impl Held {
    pub(super) fn new(waiting: &Waiting, connection: &Connection) -> Self {
        Self {
            connection_name: connection.name.to_string(),
            has_review: true,
            review_id: waiting.id.to_string(),
            message: waiting.sentence(connection),
        }
    }
}

/// What was made, before it is forgotten.
pub(super) struct Made {
    pub(super) id: CredentialId,
    pub(super) username: String,
    pub(super) password: String,
}

/// The one answer that has the password.
pub(super) fn respond(
    app: &App,
    connection: &Connection,
    made: Made,
    expires_at: DateTime<Utc>,
) -> CredentialResponse {
    let address = &app.config.native_pg;
    // None of the parts needs escaping: each has a small alphabet by construction.
    let connection_string = format!(
        "postgres://{}:{}@{address}/{}?sslmode=require",
        made.username, made.password, connection.name
    );
    let known = PostgresCredentials {
        hostname: address.host.clone(),
        port: address.port.to_string(),
        username: made.username.clone(),
        password: made.password.clone(),
        database_name: connection.name.to_string(),
        connection_string: connection_string.clone(),
    };
    CredentialResponse {
        id: made.id.to_string(),
        connection_name: connection.name.to_string(),
        username: made.username,
        password: made.password,
        host: address.host.clone(),
        port: address.port,
        database: connection.name.to_string(),
        connection_string,
        expires_at,
        expire_at: expires_at,
        connection_credentials: known,
    }
}
