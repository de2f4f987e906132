//! Credentials for native ports.

mod body;
mod list;

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
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
    guard::once::NotYet,
    review::{self, Purpose, Waiting},
};

pub(crate) use body::{CredentialRequest, CredentialResponse, Held};
use body::{DEFAULT, LONGEST, Made, respond};
pub(crate) use list::*;

const NO_PORT: &str = "only postgres connections have a native port";

/// Makes a user name and password that open this connection on its native port, for a time: at
/// most as long as its approval holds, where it needs one.
#[utoipa::path(post, path = "/api/connections/{name}/credentials", tag = "connections",
    params(("name" = String, Path, description = "name or id")),
    request_body = CredentialRequest,
    responses((status = 201, body = CredentialResponse),
        (status = 202, description = "somebody has to approve it first; ask again then", body = Held),
        (status = 404, body = Problem),
        (status = 409, description = "it is approved for other hours", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    actor: Actor,
    Named(name): Named,
    Body(request): Body<CredentialRequest>,
) -> Result<Response> {
    let given = request.access_duration_seconds;
    let seconds = given.unwrap_or(DEFAULT);
    if !(1..=LONGEST).contains(&seconds) {
        return Err(Error::invalid("access_duration_seconds", format_args!("is 1 to {LONGEST}")));
    }
    let connection = app.org.connection_fetch(&name).await?;
    let decided = decide(&app, &actor, &connection, given).await?;
    if connection.kind != ConnectionType::Postgres {
        return Err(Error::invalid("name", NO_PORT));
    }
    let permit = match decided {
        Decided::Permit(permit) => permit,
        Decided::Waits(waiting) => {
            let held = Held::new(&waiting, &connection);
            return Ok((StatusCode::ACCEPTED, Extension(NotYet), Json(held)).into_response());
        }
    };
    let wanted = app.now() + TimeDelta::seconds(seconds);
    let expires_at = match (permit.approved_until(), given) {
        (None, _) => wanted,
        // It would be refused after that.
        (Some(until), Some(_)) => until.min(wanted),
        (Some(until), None) => until,
    };
    let made = issue(&app, permit, expires_at).await?;
    let made = respond(&app, &connection, made, expires_at);
    Ok((StatusCode::CREATED, Json(made)).into_response())
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

/// What comes of asking for a credential.
enum Decided {
    /// It may be made.
    Permit(AccessPermit),
    /// Somebody has to approve it first.
    Waits(Waiting),
}

/// Who may not open the connection gets no credential for it.
async fn decide(
    app: &App,
    actor: &Actor,
    connection: &Connection,
    seconds: Option<i64>,
) -> Result<Decided> {
    let wanted = seconds.map_or(0, |seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
    let (org, verb) = (app.org.id(), Verb::Connect);
    let purpose = Purpose::new(Some(connection), verb, None, wanted)
        .map_err(|code| Error::invalid("access_duration_seconds", code.message()))?;
    let user = app.org.principal_fetch(actor.id).await?;
    let approvals = review::approvals(app, org, user.id, connection, &purpose, None).await?;
    let facts = Facts {
        now: app.now(),
        user: Some(access::User { id: actor.id, org, active: true, groups: &actor.groups }),
        proof: Proof::Token { id: None, user: actor.id, expires_at: None },
        connection: Some(review::connection_facts(connection, org)),
        protocol: Protocol::Any,
        verb,
        runbook: false,
        input: None,
        approvals,
    };
    let code = match access::decide(&facts) {
        Ok(permit) => return Ok(Decided::Permit(permit)),
        Err(code) => code,
    };
    match code {
        DenialCode::ReviewRequired if connection.kind == ConnectionType::Postgres => {
            let waiting = review::request(app, org, &user, connection, &purpose).await?;
            waiting.map(Decided::Waits).ok_or(Error::Forbidden)
        }
        DenialCode::ModeDisabled => {
            Err(Error::invalid("name", "connect is disabled for this connection"))
        }
        DenialCode::WrongProtocol | DenialCode::ReviewRequired => {
            Err(Error::invalid("name", NO_PORT))
        }
        DenialCode::OutsideTimeWindow | DenialCode::PolicyUnavailable => {
            Err(Error::Conflict { what: code.message().into() })
        }
        _ => Err(Error::NotFound { what: "connection" }),
    }
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
