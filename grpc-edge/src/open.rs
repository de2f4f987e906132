//! Opening a session: permit, first packet, agent. The permit is taken by value, so there
//! is no way here without a decision of `api`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hoop_bus::Error;
use hoop_domain::{DenialCode, Direction, EndReason, SessionId};
use hoop_proto as proto;
use hoop_runtime::span;
use tracing::Instrument;

use crate::{
    control::SessionPermit,
    edge::{Held, Shared},
    metrics,
    session::{Inlet, Outlet, Session, Token},
};

/// How long the agent may take to come with its stream.
const AGENT_DEADLINE: Duration = Duration::from_secs(10);

/// The client's end of a session that is open.
pub(crate) struct ClientEnd {
    pub(crate) session: Arc<Session>,
    pub(crate) inlet: Inlet,
    pub(crate) token: Token,
    pub(crate) connection_name: String,
    pub(crate) connection_type: String,
}

/// Where the client is and what it calls itself, for the recording.
pub(crate) struct Caller {
    pub(crate) address: String,
    pub(crate) application: String,
}

/// The inlet of a session that is not open yet. A client that does not wait for that, so
/// that the future which opens is dropped, leaves no session behind.
struct Opening(Option<Inlet>);

impl Opening {
    async fn fail(mut self, reason: EndReason) {
        if let Some(inlet) = self.0.take() {
            inlet.finish(reason).await;
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(inlet) = self.0.take() {
            tokio::spawn(inlet.finish(EndReason::ClientLost));
        }
    }
}

impl Shared {
    /// Opens the session that `permit` allows. What comes from the target goes to `outlet`.
    pub(crate) async fn open(
        self: &Arc<Self>,
        permit: SessionPermit,
        caller: Caller,
        outlet: Outlet,
    ) -> Result<ClientEnd, proto::Denial> {
        let (id, begun) = (permit.session, Instant::now());
        let opened = self.open_permitted(permit, caller, outlet).await;
        match &opened {
            Ok(end) => metrics::edge().opened(&end.connection_type, begun),
            Err(denial) => {
                metrics::edge().refused(denial.reason());
                // What never was held here is over all the same.
                self.over.note(id);
            }
        }
        opened
    }

    async fn open_permitted(
        self: &Arc<Self>,
        permit: SessionPermit,
        caller: Caller,
        outlet: Outlet,
    ) -> Result<ClientEnd, proto::Denial> {
        if self.drain.has_begun() {
            return Err(proto::Denial::of(DenialCode::Draining));
        }
        let (client_token, agent_token) = (Token::generate()?, Token::generate()?);
        let session = Arc::new(Session::new(permit.session, self.bus.clone()));
        let subscriptions =
            session.subscribe().await.map_err(|cause| unrecordable(permit.session, &cause))?;
        let idle = Duration::from_secs(permit.grant.idle_timeout_seconds.into());
        let held = Held::new(session.clone(), Some(permit.agent), permit.not_after, idle);
        self.hold(held, subscriptions);
        session.set_outlet(Direction::Out, outlet);
        let joined = session.expect_agent(agent_token.digest(), permit.grant.not_after);

        let start = session_start(&permit.grant, caller, &client_token, &agent_token);
        let mut opening = Opening(Some(Inlet::new(session.clone(), Direction::In)));
        let begun = self.begin(&mut opening, start, &permit, agent_token, joined).await;
        if let Err(denial) = begun {
            opening.fail(end_reason(denial.reason())).await;
            return Err(denial);
        }
        let gone = || proto::Denial::of(DenialCode::RecordingUnavailable);
        let inlet = opening.0.take().ok_or_else(gone)?;
        Ok(ClientEnd {
            session,
            inlet,
            token: client_token,
            connection_name: permit.grant.connection_name,
            connection_type: permit.grant.connection_type,
        })
    }

    /// Records the first packet and brings the agent in. The agent is asked while the first
    /// packet is on its way: it gets no byte of the client before that packet's receipt.
    async fn begin(
        &self,
        opening: &mut Opening,
        start: proto::SessionStart,
        permit: &SessionPermit,
        token: Token,
        joined: tokio::sync::oneshot::Receiver<()>,
    ) -> Result<(), proto::Denial> {
        let recording_unavailable = || proto::Denial::of(DenialCode::RecordingUnavailable);
        let inlet = opening.0.as_mut().ok_or_else(recording_unavailable)?;
        inlet.start(start).await.map_err(|_| recording_unavailable())?;
        let session = inlet.session();
        let summoning = span!("summon agent", session = %session.id());
        let ended = || Err(refusal_of(&session.ended_with().unwrap_or_default()));
        tokio::select! {
            summoned = self.summon(permit, token).instrument(summoning) => summoned?,
            () = session.ended() => return ended(),
        }
        tokio::select! {
            Ok(()) = joined => Ok(()),
            () = session.ended() => ended(),
            () = tokio::time::sleep(AGENT_DEADLINE) => {
                tracing::warn!(session = %session.id(), "the agent did not take up the session");
                Err(proto::Denial::with(
                    DenialCode::AgentOffline,
                    "the agent of this connection does not answer",
                ))
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
        idle_timeout_seconds: grant.idle_timeout_seconds,
        audit_level: grant.audit_level,
        connection_type: grant.connection_type.clone(),
    }
}

fn unrecordable(session: SessionId, cause: &Error) -> proto::Denial {
    tracing::error!(%session, %cause, "a session was refused: the broker is gone");
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
