//! Opening a session: permit, first packet, agent. The permit is taken by value, so there
//! is no way here without a decision of `api`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hoop_bus::{Error, Subject};
use hoop_domain::{DenialCode, Direction, EndReason};
use hoop_proto::{self as proto, packet};
use tokio::sync::mpsc;

use crate::{
    control::SessionPermit,
    edge::{Held, Shared},
    session::{Event, Inlet, Session, Token},
};

/// How long the agent may take to come with its stream.
const AGENT_DEADLINE: Duration = Duration::from_secs(10);

/// The client's end of a session that is open.
pub(crate) struct ClientEnd {
    pub(crate) session: Arc<Session>,
    pub(crate) inlet: Inlet,
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
    pub(crate) token: Token,
    pub(crate) connection_name: String,
    pub(crate) connection_type: String,
}

/// Where the client is and what it calls itself, for the recording.
pub(crate) struct Caller {
    pub(crate) address: String,
    pub(crate) application: String,
}

impl Shared {
    /// Opens the session that `permit` allows.
    pub(crate) async fn open(
        self: &Arc<Self>,
        permit: SessionPermit,
        caller: Caller,
    ) -> Result<ClientEnd, proto::Denial> {
        if self.drain.has_begun() {
            return Err(proto::Denial::of(DenialCode::Draining));
        }
        let (client_token, agent_token) = (Token::generate()?, Token::generate()?);
        let session = Arc::new(Session::new(permit.session, self.bus.clone()));
        let subscriptions = session.subscribe().await.map_err(|cause| unrecordable(&cause))?;
        let held = Held {
            session: session.clone(),
            client_of: Some(permit.agent),
            not_after: permit.not_after,
            ended_at: None,
        };
        self.hold(held, subscriptions);
        let (outlet, events) = mpsc::unbounded_channel();
        session.set_outlet(Direction::Out, outlet);
        let joined = session.expect_agent(agent_token.digest(), permit.grant.not_after);

        let mut inlet = Inlet::new(session.clone(), Direction::In);
        let start = session_start(&permit.grant, caller, &client_token, &agent_token);
        let begun = self.begin(&mut inlet, start, &permit, agent_token, joined).await;
        if let Err(denial) = begun {
            inlet.finish(end_reason(denial.reason())).await;
            return Err(denial);
        }
        Ok(ClientEnd {
            session,
            inlet,
            events,
            token: client_token,
            connection_name: permit.grant.connection_name,
            connection_type: permit.grant.connection_type,
        })
    }

    /// Records the first packet and brings the agent in. The agent is asked while the first
    /// packet is on its way: it gets no byte of the client before that packet's receipt.
    async fn begin(
        &self,
        inlet: &mut Inlet,
        start: proto::SessionStart,
        permit: &SessionPermit,
        token: Token,
        joined: tokio::sync::oneshot::Receiver<()>,
    ) -> Result<(), proto::Denial> {
        let recording_unavailable = || proto::Denial::of(DenialCode::RecordingUnavailable);
        inlet.start(start).await.map_err(|_| recording_unavailable())?;
        self.summon(permit, token).await?;
        let session = inlet.session();
        tokio::select! {
            Ok(()) = joined => Ok(()),
            () = session.ended() => Err(refusal_of(&session.ended_with().unwrap_or_default())),
            () = tokio::time::sleep(AGENT_DEADLINE) => {
                tracing::warn!(session = %session.id(), "the agent did not take up the session");
                Err(proto::Denial::with(
                    DenialCode::AgentOffline,
                    "the agent of this connection does not answer",
                ))
            }
        }
    }

    /// Sends for the agent: here when its control stream is here, else through the broker.
    async fn summon(&self, permit: &SessionPermit, token: Token) -> Result<(), proto::Denial> {
        let grant = &permit.grant;
        let open = proto::SessionOpen {
            session: grant.session.clone(),
            token: Bytes::copy_from_slice(&token.0),
            connection_name: grant.connection_name.clone(),
            connection_type: grant.connection_type.clone(),
            sealed_secret: grant.sealed_secret.clone(),
            window: packet::WINDOW,
            command: grant.command.clone(),
        };
        let Err(open) = self.agents.offer(permit.agent, Box::new(open)) else { return Ok(()) };
        let subject = Subject::AgentControl { agent: permit.agent };
        let request = proto::AgentControl { open: Some(*open) };
        let deadline = Duration::from_secs(5);
        match self.bus.request::<_, proto::AgentControlReply>(&subject, &request, deadline).await {
            Ok(reply) if reply.refusal.is_empty() => Ok(()),
            Ok(_) | Err(Error::NoResponders { .. }) => {
                Err(proto::Denial::of(DenialCode::AgentOffline))
            }
            Err(cause) => {
                tracing::warn!(%cause, agent = %grant.agent_name, "the agent's edge did not answer");
                Err(proto::Denial::of(DenialCode::AgentOffline))
            }
        }
    }
}

fn session_start(
    grant: &proto::Grant,
    caller: Caller,
    client: &Token,
    agent: &Token,
) -> proto::SessionStart {
    proto::SessionStart {
        org: grant.org.clone(),
        connection: grant.connection.clone(),
        connection_name: grant.connection_name.clone(),
        agent: grant.agent.clone(),
        user: grant.user.clone(),
        user_email: grant.user_email.clone(),
        client_address: caller.address,
        client_application: caller.application,
        client_token_digest: Bytes::copy_from_slice(client.digest().as_bytes()),
        agent_token_digest: Bytes::copy_from_slice(agent.digest().as_bytes()),
        not_after: grant.not_after,
    }
}

fn unrecordable(cause: &Error) -> proto::Denial {
    tracing::error!(%cause, "a session was refused: the broker is gone");
    proto::Denial::of(DenialCode::RecordingUnavailable)
}

/// What the recording says of a session that was not opened for this reason.
const fn end_reason(code: DenialCode) -> EndReason {
    match code {
        DenialCode::AgentOffline | DenialCode::AgentUnknown => EndReason::AgentUnresponsive,
        DenialCode::RecordingUnavailable => EndReason::RecordingUnavailable,
        DenialCode::Draining => EndReason::Drained,
        _ => EndReason::NeverOpened,
    }
}

/// What the client is told when the session ended before it was open.
fn refusal_of(closed: &proto::SessionClosed) -> proto::Denial {
    let code = match closed.reason() {
        EndReason::RecordingUnavailable => DenialCode::RecordingUnavailable,
        EndReason::Drained => DenialCode::Draining,
        EndReason::Expired => DenialCode::CredentialExpired,
        _ => DenialCode::AgentOffline,
    };
    proto::Denial::with(code, closed.message.clone())
}
