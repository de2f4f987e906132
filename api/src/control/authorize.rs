//! `control.authorize`: may this user open this connection? If so, the session begins here.
//!
//! Facts are gathered, `hoop_policy` decides, and only its permit makes a session. Whatever
//! can't be found out is a no.

mod facts;

use hoop_bus::Question;
use hoop_domain::{DenialCode, Secret, SessionId, seal, time::to_micros};
use hoop_policy::access::{AccessPermit, decide};
use hoop_proto::v1::{self, authorize_reply::Outcome};
use hoop_store::{agent::Agent, connection::Connection, session::NewSession, user::User};

use crate::{App, error::chain};
use facts::Case;

/// The longest client address and application name that are kept.
const LONGEST: usize = 256;

pub(super) async fn answer(app: App, question: Question) {
    let outcome = match question.decode::<v1::AuthorizeRequest>() {
        Ok(request) => outcome(&app, request).await,
        Err(_) => Outcome::Denial(v1::Denial::of(DenialCode::Malformed)),
    };
    question.answer(&v1::AuthorizeReply { outcome: Some(outcome) }).await;
}

async fn outcome(app: &App, request: v1::AuthorizeRequest) -> Outcome {
    match authorize(app, request).await {
        Ok(grant) => Outcome::Grant(grant),
        Err(Refusal::Denied(code)) => Outcome::Denial(v1::Denial::of(code)),
        Err(Refusal::Failed(cause)) => {
            tracing::error!(cause, "control.authorize failed");
            Outcome::Denial(v1::Denial::of(DenialCode::DeciderUnavailable))
        }
    }
}

/// Why there is no session.
#[derive(Debug)]
enum Refusal {
    /// It was decided so.
    Denied(DenialCode),
    /// It could not be decided.
    Failed(String),
}

impl From<hoop_store::Error> for Refusal {
    fn from(error: hoop_store::Error) -> Self {
        Self::Failed(chain(&error))
    }
}

async fn authorize(app: &App, request: v1::AuthorizeRequest) -> Result<v1::Grant, Refusal> {
    let case = facts::gather(app, &request).await?;
    let permit = decide(&case.facts()).map_err(Refusal::Denied)?;
    // The permit says that both are there.
    let Case { org, user: Some(user), connection: Some(connection), .. } = case else {
        return Err(Refusal::Denied(DenialCode::ConnectionNotFound));
    };
    let agent = match app.store.org(org).agent_fetch(&permit.agent().to_string(), app.now()).await {
        Ok(agent) => agent,
        Err(hoop_store::Error::NotFound { .. }) => {
            return Err(Refusal::Denied(DenialCode::AgentUnknown));
        }
        Err(error) => return Err(error.into()),
    };
    let secret = app
        .secrets()
        .decrypt(connection.id, &connection.secret)
        .map_err(|error| Refusal::Failed(format!("connection {}: {error}", connection.name)))?;
    let opened = Opened { user: &user, connection: &connection, agent: &agent, secret: &secret };
    begin(app, permit, opened, request).await
}

/// What is opened, beside the permit to open it.
struct Opened<'a> {
    user: &'a User,
    connection: &'a Connection,
    agent: &'a Agent,
    secret: &'a Secret<Vec<u8>>,
}

/// Puts the session on record and seals its secret. The only way to a grant is a permit.
async fn begin(
    app: &App,
    permit: AccessPermit,
    opened: Opened<'_>,
    request: v1::AuthorizeRequest,
) -> Result<v1::Grant, Refusal> {
    let id = SessionId::generate();
    let sealed = seal::seal(&opened.agent.seal_public_key, id, opened.secret.reveal())
        .map_err(|_| Refusal::Failed("the secret could not be sealed".into()))?;
    let session = NewSession {
        id,
        user: permit.user(),
        user_email: opened.user.email.clone(),
        user_name: opened.user.name.clone(),
        connection: permit.connection(),
        connection_name: opened.connection.name.clone(),
        connection_kind: opened.connection.kind,
        agent: permit.agent(),
        agent_name: opened.agent.name.clone(),
        credential: permit.credential(),
        client_address: printable(&request.client_address),
        client_application: printable(&request.client_application),
        not_after: permit.not_after(),
        authorized_at: app.now(),
    };
    app.store.org(permit.org()).session_create(&session).await?;
    Ok(v1::Grant {
        session: id.as_bytes().to_vec().into(),
        org: permit.org().as_bytes().to_vec().into(),
        user: permit.user().as_bytes().to_vec().into(),
        user_email: session.user_email,
        connection: permit.connection().as_bytes().to_vec().into(),
        connection_name: session.connection_name.to_string(),
        connection_type: session.connection_kind.as_str().into(),
        agent: permit.agent().as_bytes().to_vec().into(),
        agent_name: session.agent_name.to_string(),
        sealed_secret: sealed.into(),
        not_after: permit.not_after().map_or(0, to_micros),
        command: Vec::new(),
        idle_timeout_seconds: 0,
        agent_mode: String::new(),
    })
}

/// What a client says of itself, made fit for a list: short, without control characters.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}
