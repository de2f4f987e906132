//! Credentials for native ports.

mod body;
mod list;

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{ConnectionType, CredentialId, DenialCode, Role, session::Verb};
use hoop_policy::access::{self, AccessPermit, Facts, Proof, Protocol};
use hoop_store::{
    connection::Connection,
    credential::{NewCredential, ScramVerifier},
};
use hoop_wire::postgres::scram::{ITERATIONS, SALT_LEN, Verifier};
use http::StatusCode;

use crate::{
    App, Error,
    auth::{Actor, token},
    error::{Problem, Result},
    extract::{Body, Named},
};

pub(crate) use body::{CredentialRequest, CredentialResponse};
use body::{LONGEST, Made, respond};
pub(crate) use list::*;

const NO_PORT: &str = "only postgres connections have a native port";

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
        return Err(Error::invalid("name", NO_PORT));
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
        proof: Proof::Token { id: None, user: actor.id, expires_at: None },
        connection: Some(access::Connection {
            id: connection.id,
            org: app.org.id(),
            kind: connection.kind,
            agent: connection.agent,
            groups: &connection.groups,
            mode_connect: connection.mode_connect,
            mode_exec: connection.mode_exec,
            limits: connection.limits,
            audit_level: connection.audit_level,
        }),
        protocol: Protocol::Any,
        verb: Verb::Connect,
    };
    access::decide(&facts).map_err(|code| match code {
        DenialCode::ModeDisabled => {
            Error::invalid("name", "connect is disabled for this connection")
        }
        DenialCode::WrongProtocol => Error::invalid("name", NO_PORT),
        _ => Error::NotFound { what: "connection" },
    })
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
