//! Credentials for native ports.

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{ConnectionType, CredentialId, Role};
use hoop_policy::access::{self, AccessPermit, Facts, Mode, Proof, Protocol};
use hoop_store::{
    connection::Connection,
    credential::{NewCredential, ScramVerifier},
};
use hoop_wire::postgres::scram::{ITERATIONS, SALT_LEN, Verifier};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    auth::{Actor, token},
    error::{Problem, Result},
    extract::{Body, Named},
};

/// Thirty days. What lives longer is a machine's, and those get their own kind.
const LONGEST: i64 = 30 * 24 * 3600;
const DEFAULT: i64 = 3600;

/// How long the credential works.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialRequest {
    /// 1 second to 30 days; an hour when left out.
    #[serde(default = "default_duration")]
    access_duration_seconds: i64,
}

const fn default_duration() -> i64 {
    DEFAULT
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
    /// The same, under the names that older clients know.
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

/// Makes a user name and password that open this connection on its native port, for a time.
#[utoipa::path(post, path = "/api/connections/{name}/credentials", tag = "connections",
    params(("name" = String, Path, description = "name or id")),
    request_body = CredentialRequest,
    responses((status = 201, body = CredentialResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    actor: Actor,
    Named(name): Named,
    Body(request): Body<CredentialRequest>,
) -> Result<(StatusCode, Json<CredentialResponse>)> {
    let seconds = request.access_duration_seconds;
    if !(1..=LONGEST).contains(&seconds) {
        return Err(Error::invalid("access_duration_seconds", format_args!("is 1 to {LONGEST}")));
    }
    let connection = app.org.connection_fetch(&name).await?;
    let permit = decide(&app, &actor, &connection)?;
    if connection.kind != ConnectionType::Postgres {
        return Err(Error::invalid("name", "only postgres connections have a native port"));
    }
    let expires_at = app.now() + TimeDelta::seconds(seconds);
    let made = issue(&app, permit, expires_at).await?;
    Ok((StatusCode::CREATED, Json(respond(&app, &connection, made, expires_at))))
}

/// Revokes a credential and ends the sessions that it opened: people their own,
/// administrators any.
#[utoipa::path(post, path = "/api/connections/{name}/credentials/{id}/revoke",
    tag = "connections",
    params(("name" = String, Path, description = "name or id"),
        ("id" = String, Path, description = "the credential's id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    actor: Actor,
    path: Path<(String, String)>,
) -> Result<StatusCode> {
    let Path((_, id)) = path;
    let id: CredentialId = id.parse().map_err(|_| Error::NotFound { what: "credential" })?;
    let owner = (actor.role != Role::Admin).then_some(actor.id);
    app.org.credential_revoke(id, owner).await?;
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}

/// Who may not open the connection gets no credential for it.
fn decide(app: &App, actor: &Actor, connection: &Connection) -> Result<AccessPermit> {
    let facts = Facts {
        now: app.now(),
        user: Some(access::User {
            id: actor.id,
            org: app.org.id(),
            active: true,
            groups: &actor.groups,
        }),
        proof: Proof::Token { user: actor.id },
        connection: Some(access::Connection {
            id: connection.id,
            org: app.org.id(),
            kind: connection.kind,
            agent: connection.agent,
            groups: &connection.groups,
            mode_connect: connection.mode_connect,
            mode_exec: connection.mode_exec,
        }),
        protocol: Protocol::Any,
        mode: Mode::Connect,
    };
    access::decide(&facts).map_err(|_| Error::NotFound { what: "connection" })
}

struct Made {
    id: CredentialId,
    username: String,
    password: String,
}

async fn issue(app: &App, permit: AccessPermit, expires_at: DateTime<Utc>) -> Result<Made> {
    let (username, password) = (token::username()?, token::password()?);
    let salt = token::random::<SALT_LEN>()?;
    // 4096 rounds would be few for a password that a person chose. This one is 192 random
    // bits, which no number of rounds makes harder to guess, and they cost each login time.
    let verifier = Verifier::from_password(&password, &salt, ITERATIONS);
    let new = NewCredential {
        user: permit.user(),
        connection: permit.connection(),
        username: username.clone(),
        verifier: ScramVerifier {
            salt: verifier.salt().to_vec(),
            iterations: verifier.iterations(),
            stored_key: verifier.stored_key().to_vec(),
            server_key: verifier.server_key().to_vec(),
        },
        expires_at,
    };
    let id = app.org.credential_create(&new).await?;
    Ok(Made { id, username, password })
}

fn respond(
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
        connection_credentials: known,
    }
}
