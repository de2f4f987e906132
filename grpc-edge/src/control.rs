//! Asking `api`. No answer, or one that makes no sense, is a refusal (invariant 4).

use std::time::{Duration, Instant};

use hoop_bus::{Bus, ControlRequest, Error, Subject};
use hoop_domain::{AgentId, DenialCode, SessionId, time};
use hoop_proto::{self as proto, edge_refusal::Asked};
use tokio::time::timeout;

use crate::metrics;

/// Long enough for a database that fails over, short enough for a person who waits.
const DEADLINE: Duration = Duration::from_secs(8);

/// Who leaves and comes again at once may be faster than the news of the end, so whoever
/// finds no place asks once more after this time.
const PLACE: Duration = Duration::from_millis(500);

/// How long the broker may take for news that nobody answers: less than a client waits after a
/// wrong password.
const NEWS: Duration = Duration::from_millis(400);

/// Characters of a name that a stranger gave. More than the audit log shows of any, so that a name
/// that is too long for it still is.
const LONGEST: usize = 512;

/// Leave to open one session. Only [`authorize`] makes one, and opening takes it.
#[derive(Debug)]
#[must_use = "a permit that is dropped opens nothing"]
pub(crate) struct SessionPermit {
    pub(crate) session: SessionId,
    pub(crate) agent: AgentId,
    pub(crate) not_after: Option<chrono::DateTime<chrono::Utc>>,
    pub(crate) grant: proto::Grant,
    _made_here: (),
}

impl SessionPermit {
    /// Whether the agent comes only when it is wanted.
    pub(crate) fn is_embedded(&self) -> bool {
        self.grant.agent_mode == EMBEDDED
    }
}

/// The mode of an agent that comes only when it is wanted.
pub(crate) const EMBEDDED: &str = "embedded";

/// May this user open this connection? The request has the session's id, so that it opens one
/// session however often it is asked.
pub(crate) async fn authorize(
    bus: &Bus,
    request: &proto::AuthorizeRequest,
) -> Result<SessionPermit, proto::Denial> {
    let answer = match authorize_now(bus, request).await {
        Err(denial) if denial.reason() == DenialCode::TooManySessions => {
            tokio::time::sleep(PLACE).await;
            authorize_now(bus, request).await
        }
        answer => answer,
    };
    answer.inspect_err(|denial| metrics::edge().refused(denial.reason()))
}

async fn authorize_now(
    bus: &Bus,
    request: &proto::AuthorizeRequest,
) -> Result<SessionPermit, proto::Denial> {
    use proto::authorize_reply::Outcome;
    let reply: proto::AuthorizeReply = ask(bus, ControlRequest::Authorize, request).await?;
    match reply.outcome {
        Some(Outcome::Grant(grant)) => {
            let permit = permit(grant)?;
            // The span that is current opens the session.
            tracing::Span::current().record("session", permit.session.to_string());
            Ok(permit)
        }
        Some(Outcome::Denial(denial)) => Err(denial),
        None => Err(unreadable("authorize")),
    }
}

fn permit(grant: proto::Grant) -> Result<SessionPermit, proto::Denial> {
    let (Ok(session), Ok(agent)) =
        (SessionId::try_from(grant.session.as_ref()), AgentId::try_from(grant.agent.as_ref()))
    else {
        return Err(unreadable("authorize"));
    };
    let not_after = (grant.not_after != 0).then(|| time::from_micros(grant.not_after));
    Ok(SessionPermit { session, agent, not_after, grant, _made_here: () })
}

/// The verifier of a native credential; a made-up one where there is no such credential.
pub(crate) async fn verifier(
    bus: &Bus,
    request: &proto::VerifierRequest,
) -> Result<proto::ScramVerifier, proto::Denial> {
    let reply: proto::VerifierReply = ask(bus, ControlRequest::Verifier, request).await?;
    reply.verifier.ok_or_else(|| unreadable("verifier"))
}

/// Whose agent key is this?
pub(crate) async fn agent(
    bus: &Bus,
    request: &proto::AgentAuthRequest,
) -> Result<(AgentId, proto::AgentIdentity), proto::Denial> {
    use proto::agent_auth_reply::Outcome;
    let reply: proto::AgentAuthReply = ask(bus, ControlRequest::Agent, request).await?;
    match reply.outcome {
        Some(Outcome::Identity(identity)) => AgentId::try_from(identity.agent.as_ref())
            .map(|agent| (agent, identity))
            .map_err(|_| unreadable("agent")),
        Some(Outcome::Denial(denial)) => Err(denial),
        None => Err(unreadable("agent")),
    }
}

/// Tells what this edge holds; learns which of it should not be. It is said once: the next report
/// says it anew, and an old one that comes late would say what is not so any more.
pub(crate) async fn report(
    bus: &Bus,
    report: &proto::EdgeReport,
) -> Result<Vec<proto::SessionKill>, proto::Denial> {
    let (request, asked_at) = (ControlRequest::Report, Instant::now());
    let reply = bus.request(&Subject::Control(request), report, DEADLINE).await;
    let reply: proto::EdgeReportReply = answered(request, asked_at, reply)?;
    Ok(reply.kills)
}

/// Tells whom this edge refused without asking. What gets lost is a line of the audit log, and
/// nobody's answer depends on it.
pub(crate) async fn refused(bus: &Bus, client_address: String, asked: Asked) {
    let refusal = proto::EdgeRefusal { client_address, asked: Some(short(asked)) };
    let subject = Subject::Control(ControlRequest::Refused);
    match timeout(NEWS, bus.publish(&subject, &refusal)).await {
        Ok(Ok(())) => {}
        Ok(Err(cause)) => tracing::warn!(%cause, "a refusal is in no audit log"),
        Err(_) => tracing::warn!("a refusal is in no audit log: the broker takes nothing"),
    }
}

/// The same with short names: they have proved nothing, and may send half a megabyte of each.
fn short(asked: Asked) -> Asked {
    let cut = |name: String| name.chars().take(LONGEST).collect::<String>();
    match asked {
        Asked::AgentName(name) => Asked::AgentName(cut(name)),
        Asked::Connection(asked) => Asked::Connection(proto::RefusedConnection {
            credential_username: cut(asked.credential_username),
            connection_name: cut(asked.connection_name),
            verb: cut(asked.verb),
        }),
    }
}

/// Asks what may be asked again, so that an `api` that is started anew costs nobody more than a
/// moment.
async fn ask<Q, A>(bus: &Bus, request: ControlRequest, question: &Q) -> Result<A, proto::Denial>
where
    Q: prost::Message,
    A: prost::Message + Default,
{
    let asked_at = Instant::now();
    let answer = bus.ask(&Subject::Control(request), question, DEADLINE).await;
    answered(request, asked_at, answer)
}

fn answered<A>(
    request: ControlRequest,
    asked_at: Instant,
    answer: Result<A, Error>,
) -> Result<A, proto::Denial> {
    let outcome = match &answer {
        Ok(_) => "answered",
        Err(Error::NoResponders { .. }) => "no_api",
        Err(Error::Timeout { .. }) => "timeout",
        Err(_) => "failed",
    };
    metrics::edge().asked(request, outcome, asked_at.elapsed());
    answer.map_err(|cause| {
        match cause {
            Error::NoResponders { .. } => tracing::error!("no api process is running"),
            cause => tracing::error!(%cause, "api did not answer"),
        }
        proto::Denial::of(DenialCode::DeciderUnavailable)
    })
}

fn unreadable(question: &str) -> proto::Denial {
    tracing::error!(question, "the answer of api makes no sense");
    proto::Denial::of(DenialCode::DeciderUnavailable)
}
