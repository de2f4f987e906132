//! `control.authorize`: may this user open this connection? If so, the session begins here.
//!
//! Facts are gathered, `hoop_policy` decides, and only its permit makes a session. Whatever
//! can't be found out is a no.

mod facts;

use hoop_bus::Question;
use hoop_domain::{
    DenialCode, OrgId, Partition, ReviewId, Secret, SessionId, seal, session::Verb, time::to_micros,
};
use hoop_policy::access::{AccessPermit, LiveSessions, Recording, RoomPermit, decide};
use hoop_proto::v1::{self, authorize_reply::Outcome, authorize_request::Proof};
use hoop_runtime::{span, trace};
use hoop_store::{
    agent::Agent,
    audit_log::Who,
    connection::Connection,
    recording::Trouble,
    session::{NewSession, SessionCount, Standing},
    user::User,
};

use tracing::{Instrument, Span, field::Empty};

use crate::{App, error::chain, guard::audit::edge::Denied, metrics, review};
use facts::Case;

/// The longest client address and application name that are kept.
const LONGEST: usize = 256;

pub(super) async fn answer(app: App, question: Question) {
    let Ok(request) = question.decode::<v1::AuthorizeRequest>() else {
        let outcome = Outcome::Denial(v1::Denial::of(DenialCode::Malformed));
        return question.answer(&v1::AuthorizeReply { outcome: Some(outcome) }).await;
    };
    let span = span!("authorize", session = Empty, outcome = Empty);
    trace::follow(&span, &request.traceparent);
    let (outcome, known) = outcome(&app, &request).instrument(span).await;
    let denial = match &outcome {
        Outcome::Grant(_) => None,
        Outcome::Denial(denial) => Some(denial.clone()),
    };
    question.answer(&v1::AuthorizeReply { outcome: Some(outcome) }).await;
    if let Some(denial) = denial {
        write_down(&app, &request, known, &denial).await;
    }
}

/// Who was proved to ask, as the audit log has them.
type Known = Option<(OrgId, Who)>;

async fn outcome(app: &App, request: &v1::AuthorizeRequest) -> (Outcome, Known) {
    let (known, granted) = match gather(app, request).await {
        Ok((id, case)) => (case.known(), authorize(app, id, case, request).await),
        Err(refusal) => (None, Err(refusal)),
    };
    let outcome = match granted {
        Ok(grant) => Outcome::Grant(grant),
        Err(Refusal::Denied(code)) => Outcome::Denial(v1::Denial::of(code)),
        Err(Refusal::Waits { review, sentence }) => {
            let denial = v1::Denial::with(DenialCode::ReviewRequired, sentence);
            Outcome::Denial(v1::Denial { review: review.to_string(), ..denial })
        }
        Err(Refusal::Said(code, sentence)) => Outcome::Denial(v1::Denial::with(code, sentence)),
        Err(Refusal::Failed(cause)) => {
            tracing::error!(cause, "control.authorize failed");
            Outcome::Denial(v1::Denial::of(DenialCode::DeciderUnavailable))
        }
    };
    let decided = match &outcome {
        Outcome::Grant(_) => "granted",
        Outcome::Denial(denial) => denial.reason().as_str(),
    };
    metrics::decided(decided);
    Span::current().record("outcome", decided);
    (outcome, known)
}

/// A refusal is a line of the audit log, unless somebody was asked instead, which is a request
/// of its own, or it could not be decided, which is no refusal.
async fn write_down(app: &App, request: &v1::AuthorizeRequest, known: Known, denial: &v1::Denial) {
    let code = denial.reason();
    if !denial.review.is_empty() || code == DenialCode::DeciderUnavailable {
        return;
    }
    let login = match &request.proof {
        Some(Proof::CredentialUsername(username)) => username.as_str(),
        // A token is a secret even when it is nobody's.
        Some(Proof::BearerToken(_)) | None => "",
    };
    let denied = Denied {
        known,
        login,
        resource: "connections",
        name: &request.connection_name,
        action: request.verb.parse::<Verb>().unwrap_or(Verb::Connect).as_str(),
        code,
        reason: &denial.message,
        address: &request.client_address,
    };
    denied.write(app).await;
}

/// Why there is no session.
#[derive(Debug)]
enum Refusal {
    /// It was decided so.
    Denied(DenialCode),
    /// It was decided so, and there is more to say about it.
    Said(DenialCode, String),
    /// Somebody has to approve it, and was asked.
    Waits { review: ReviewId, sentence: String },
    /// It could not be decided.
    Failed(String),
}

impl From<hoop_store::Error> for Refusal {
    fn from(error: hoop_store::Error) -> Self {
        Self::Failed(chain(&error))
    }
}

/// The session that is asked for, and all there is to know about it. A question that is asked
/// again is about the same session, whatever has become of the first one.
async fn gather(app: &App, request: &v1::AuthorizeRequest) -> Result<(SessionId, Case), Refusal> {
    let id = if request.session.is_empty() {
        SessionId::generate()
    } else {
        let malformed = |_| Refusal::Denied(DenialCode::Malformed);
        SessionId::try_from(request.session.as_ref()).map_err(malformed)?
    };
    Ok((id, facts::gather(app, id, request).await?))
}

async fn authorize(
    app: &App,
    id: SessionId,
    case: Case,
    request: &v1::AuthorizeRequest,
) -> Result<v1::Grant, Refusal> {
    let permit = match decide(&case.facts()) {
        Ok(permit) => permit,
        Err(code @ DenialCode::ReviewRequired) => return Err(wait(app, code, &case).await?),
        Err(code) => return Err(Refusal::Denied(code)),
    };
    // The permit says that both are there.
    let Case { org, user: Some(user), connection: Some(connection), purpose, runbook, .. } = case
    else {
        return Err(Refusal::Denied(DenialCode::ConnectionNotFound));
    };
    let agent = match app.store.org(org).agent_fetch(&permit.agent().to_string(), app.now()).await {
        Ok(agent) => agent,
        Err(hoop_store::Error::NotFound { .. }) => {
            return Err(Refusal::Denied(DenialCode::AgentUnknown));
        }
        Err(error) => return Err(error.into()),
    };
    let pinned = permit.is_one_time() || runbook.is_some();
    let approved = purpose.input().filter(|_| pinned);
    let secret = app
        .secrets()
        .decrypt(connection.id, &connection.secret)
        .map_err(|error| Refusal::Failed(format!("connection {}: {error}", connection.name)))?;
    let (user, connection, agent, secret) = (&user, &connection, &agent, &secret);
    let opened = Opened { user, connection, agent, secret, approved, runbook };
    Span::current().record("session", id.to_string());
    let recording = recording(app, id).await?;
    let (permit, count) = room(app, id, permit, recording).await?;
    begin(app, id, permit, count, opened, request).await
}

/// Asks for the approval that is missing.
async fn wait(app: &App, code: DenialCode, case: &Case) -> Result<Refusal, Refusal> {
    let (Some(user), Some(connection)) = (&case.user, &case.connection) else {
        return Ok(Refusal::Denied(code));
    };
    match review::request(app, case.org, user, connection, &case.purpose).await {
        Ok(Some(waiting)) => {
            let sentence = waiting.sentence(connection);
            Ok(Refusal::Waits { review: waiting.id, sentence })
        }
        Ok(None) => Ok(Refusal::Denied(code)),
        Err(hoop_store::Error::Conflict { what }) => Ok(Refusal::Said(code, what.into())),
        Err(error) => Err(error.into()),
    }
}

/// What the writers say of the partition that the session would be in.
async fn recording(app: &App, id: SessionId) -> Result<Recording, Refusal> {
    let trouble = app.store.recording_trouble(Partition::of(id)).await;
    let trouble = trouble.map_err(|error| Refusal::Failed(chain(&error)))?;
    if let Some(trouble) = trouble {
        tracing::warn!(session = %id, trouble = trouble.as_str(), "refused: no room to record it");
    }
    Ok(match trouble {
        None => Recording::Ready,
        Some(Trouble::NoWriter) => Recording::Unavailable,
        Some(Trouble::SpoolNearlyFull | Trouble::StreamNearlyFull) => Recording::Full,
    })
}

/// Counts the live sessions, where that matters, and asks whether there is room for this one.
/// Nobody else is let in before the count is used.
async fn room(
    app: &App,
    id: SessionId,
    permit: AccessPermit,
    recording: Recording,
) -> Result<(RoomPermit, Option<SessionCount>), Refusal> {
    let count = if permit.depends_on_count() {
        let org = app.store.org(permit.org());
        Some(org.session_count_live(permit.connection(), permit.user(), id).await?)
    } else {
        None
    };
    let live = count.as_ref().map_or_else(LiveSessions::default, |count| LiveSessions {
        of_user: count.of_user,
        of_all: count.of_all,
    });
    Ok((permit.with_room(recording, live).map_err(Refusal::Denied)?, count))
}

/// What is opened, beside the permit to open it.
struct Opened<'a> {
    user: &'a User,
    connection: &'a Connection,
    agent: &'a Agent,
    secret: &'a Secret<Vec<u8>>,
    /// What was approved, where that is one command, or what was made of a runbook: nothing
    /// else gets in.
    approved: Option<v1::ExecInput>,
    /// The runbook that it is made of.
    runbook: Option<String>,
}

/// Puts the session on record and seals its secret. The only way to a grant is a permit.
async fn begin(
    app: &App,
    id: SessionId,
    permit: RoomPermit,
    count: Option<SessionCount>,
    opened: Opened<'_>,
    request: &v1::AuthorizeRequest,
) -> Result<v1::Grant, Refusal> {
    let access = permit.access();
    let sealed = seal::seal(&opened.agent.seal_public_key, id, opened.secret.reveal())
        .map_err(|_| Refusal::Failed("the secret could not be sealed".into()))?;
    let session = NewSession {
        id,
        user: access.user(),
        user_email: opened.user.email.clone(),
        user_name: opened.user.name.clone(),
        connection: access.connection(),
        connection_name: opened.connection.name.clone(),
        connection_kind: opened.connection.kind,
        verb: permit.verb(),
        runbook: opened.runbook,
        command: opened.connection.command.clone(),
        agent: access.agent(),
        agent_name: opened.agent.name.clone(),
        credential: permit.credential(),
        token: permit.token(),
        review: access.review().map(|review| Standing { review, one_time: access.is_one_time() }),
        client_address: printable(&request.client_address),
        client_application: printable(&request.client_application),
        not_after: permit.not_after(),
        authorized_at: app.now(),
    };
    match app.store.org(access.org()).session_create(&session, count).await {
        // Of several who come with the same approval one was first.
        Err(hoop_store::Error::Conflict { what }) => {
            return Err(Refusal::Said(DenialCode::ReviewRequired, what.into()));
        }
        // Another question about it was faster, and its answer has arrived.
        Err(hoop_store::Error::Changed { .. }) => {
            tracing::info!(session = %id, "asked for again after it had begun");
            return Err(Refusal::Denied(DenialCode::DeciderUnavailable));
        }
        created => created?,
    }
    Ok(v1::Grant {
        session: id.as_bytes().to_vec().into(),
        org: access.org().as_bytes().to_vec().into(),
        user: access.user().as_bytes().to_vec().into(),
        user_email: session.user_email,
        connection: access.connection().as_bytes().to_vec().into(),
        connection_name: session.connection_name.to_string(),
        connection_type: session.connection_kind.as_str().into(),
        agent: access.agent().as_bytes().to_vec().into(),
        agent_name: session.agent_name.to_string(),
        sealed_secret: sealed.into(),
        not_after: permit.not_after().map_or(0, to_micros),
        command: session.command,
        idle_timeout_seconds: permit.idle_seconds(),
        agent_mode: opened.agent.mode.as_str().into(),
        audit_level: v1::AuditLevel::from(permit.audit_level()).into(),
        approved: opened.approved,
        verb: session.verb.as_str().into(),
    })
}

/// What a client says of itself, made fit for a list: short, without control characters.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}
