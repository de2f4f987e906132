//! Everything that a decision needs, from the database.

use chrono::{DateTime, Utc};
use hoop_domain::{ConnectionName, DenialCode, OrgId, SessionId, session::Verb};
use hoop_policy::access::{self, Approval, Facts, Proof, Protocol};
use hoop_proto::v1::{self, authorize_request::Proof as Shown};
use hoop_store::{OrgStore, connection::Connection, user::User};

use super::{Known, Refusal};
use crate::{
    App, Error,
    auth::bearer,
    error::chain,
    guard::audit::edge,
    review::{self, Purpose},
    runbook::ticket,
};

/// What was found out about a request.
pub(super) struct Case {
    pub(super) org: OrgId,
    pub(super) user: Option<User>,
    pub(super) connection: Option<Connection>,
    proof: Proof,
    protocol: Protocol,
    verb: Verb,
    pub(super) purpose: Purpose,
    /// The runbook that would be run, if what would be run is one.
    pub(super) runbook: Option<String>,
    approvals: Vec<Approval>,
    now: DateTime<Utc>,
}

impl Case {
    /// Who was proved to ask, as the audit log has them.
    pub(super) fn known(&self) -> Known {
        self.user.as_ref().map(|user| (self.org, edge::who(user)))
    }

    /// The case as the policy reads it.
    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            now: self.now,
            user: self.user.as_ref().map(|user| access::User {
                id: user.id,
                org: self.org,
                active: user.active,
                groups: &user.groups,
            }),
            proof: self.proof.clone(),
            connection: self
                .connection
                .as_ref()
                .map(|connection| review::connection_facts(connection, self.org)),
            protocol: self.protocol,
            verb: self.verb,
            runbook: self.runbook.is_some(),
            input: self.purpose.hash(),
            approvals: self.approvals.clone(),
        }
    }
}

/// Finds out.
pub(super) async fn gather(
    app: &App,
    id: SessionId,
    request: &v1::AuthorizeRequest,
) -> Result<Case, Refusal> {
    let protocol = match request.protocol.as_str() {
        "" => Protocol::Any,
        name => {
            Protocol::Only(name.parse().map_err(|_| Refusal::Denied(DenialCode::WrongProtocol))?)
        }
    };
    let verb = match request.verb.as_str() {
        "" => Verb::Connect,
        name => name.parse().map_err(|_| Refusal::Denied(DenialCode::Malformed))?,
    };
    let (org, user, proof) = match &request.proof {
        Some(Shown::CredentialUsername(username)) => by_credential(app, username).await?,
        Some(Shown::BearerToken(token)) => by_token(app, token, &request.client_address).await?,
        None => return Err(Refusal::Denied(DenialCode::Malformed)),
    };
    let connection = find(&app.store.org(org), &request.connection_name).await?;
    let (exec, seconds) = (request.exec.as_ref(), request.access_seconds);
    let purpose =
        Purpose::new(connection.as_ref(), verb, exec, seconds).map_err(Refusal::Denied)?;
    let approvals = match (&user, &connection) {
        (Some(user), Some(connection)) => {
            review::approvals(app, org, user.id, connection, &purpose, Some(id)).await?
        }
        _ => Vec::new(),
    };
    let now = app.now();
    let runbook =
        runbook(app, &request.runbook, (user.as_ref(), connection.as_ref(), &purpose), now)?;
    Ok(Case { org, user, connection, proof, protocol, verb, purpose, runbook, approvals, now })
}

/// The runbook that a ticket is of. One that is not good for this is nothing of ours.
fn runbook(
    app: &App,
    ticket: &[u8],
    (user, connection, purpose): (Option<&User>, Option<&Connection>, &Purpose),
    now: DateTime<Utc>,
) -> Result<Option<String>, Refusal> {
    if ticket.is_empty() {
        return Ok(None);
    }
    let (Some(user), Some(connection)) = (user, connection) else { return Ok(None) };
    let input = purpose.hash().ok_or(Refusal::Denied(DenialCode::Malformed))?;
    let purpose = ticket::Purpose { user: user.id, connection: connection.id, input };
    let runbook = ticket::runbook(app.secrets(), ticket, purpose, now);
    runbook.map(Some).ok_or(Refusal::Denied(DenialCode::Malformed))
}

type Who = (OrgId, Option<User>, Proof);

async fn by_credential(app: &App, username: &str) -> Result<Who, Refusal> {
    let credential = app
        .store
        .credential_by_username(username)
        .await?
        .ok_or(Refusal::Denied(DenialCode::Unauthenticated))?;
    let user = edge::owner(app, &credential).await?;
    let proof = Proof::Credential {
        id: credential.id,
        user: credential.user,
        connection: credential.connection,
        expires_at: credential.expires_at,
        revoked: credential.revoked,
    };
    Ok((credential.org, user, proof))
}

async fn by_token(app: &App, text: &str, address: &str) -> Result<Who, Refusal> {
    // The edge listens where it is told to, and does not know that nobody is asked.
    if let Some(everybody) = &app.everybody
        && (app.config.forced || is_here(address))
    {
        let user = app.org.user_fetch(&everybody.id.to_string()).await?;
        let proof = Proof::Token { id: None, user: everybody.id, expires_at: None };
        return Ok((app.org.id(), Some(user), proof));
    }
    let owner = bearer::owner(app, text).await.map_err(|error| match error {
        Error::Unauthenticated => Refusal::Denied(DenialCode::Unauthenticated),
        error => Refusal::Failed(chain(&error)),
    })?;
    let owner = owner.ok_or(Refusal::Denied(DenialCode::Unauthenticated))?;
    let proof = Proof::Token { id: owner.token, user: owner.user.id, expires_at: owner.expires_at };
    Ok((owner.org, Some(owner.user), proof))
}

/// Whether an address, with or without a port, is one of this machine.
fn is_here(address: &str) -> bool {
    edge::ip(address).is_some_and(|ip| ip.is_loopback())
}

async fn find(org: &OrgStore, name: &str) -> Result<Option<Connection>, Refusal> {
    // A connection is named here, never given by its id, and what is no name names nothing.
    let Ok(name) = name.parse::<ConnectionName>() else { return Ok(None) };
    match org.connection_fetch(name.as_str()).await {
        Ok(connection) if connection.name == name => Ok(Some(connection)),
        Ok(_) | Err(hoop_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
