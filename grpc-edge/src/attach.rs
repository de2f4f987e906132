//! The agent's end joins: a session whose client is here, or on another edge.

use std::{sync::Arc, time::Duration};

use hoop_bus::{Error, Subject};
use hoop_domain::{DenialCode, Direction, SessionId, time};
use hoop_proto as proto;

use crate::{
    edge::{Held, Shared},
    session::{Events, Inlet, JoinsFrom, Outlet, Session, outlet},
};

/// The agent's end of a session that it has joined.
pub(crate) struct AgentEnd {
    pub(crate) inlet: Inlet,
    pub(crate) events: Events,
}

impl Shared {
    /// Joins the session with the token that only its agent was sent.
    pub(crate) async fn attach(
        self: &Arc<Self>,
        hello: &proto::AttachHello,
    ) -> Result<AgentEnd, proto::Denial> {
        let id = SessionId::try_from(hello.session.as_ref())
            .map_err(|_| proto::Denial::of(DenialCode::Malformed))?;
        let (outlet, events) = outlet();
        let session = match self.session(id) {
            Some(session) => {
                session.admit(&hello.token, JoinsFrom::Here(outlet))?;
                session
            }
            None => self.attach_elsewhere(id, hello, outlet).await?,
        };
        Ok(AgentEnd { inlet: Inlet::new(session, Direction::Out), events })
    }

    async fn attach_elsewhere(
        self: &Arc<Self>,
        id: SessionId,
        hello: &proto::AttachHello,
        outlet: Outlet,
    ) -> Result<Arc<Session>, proto::Denial> {
        use proto::attach_reply::Outcome;
        let session = Arc::new(Session::new(id, self.bus.clone()));
        // Before the question: the client's edge publishes as soon as it has answered.
        let subscriptions = session
            .subscribe()
            .await
            .map_err(|_| proto::Denial::of(DenialCode::RecordingUnavailable))?;
        let request = proto::AttachRequest { token: hello.token.clone(), edge: self.id.clone() };
        let subject = Subject::Attach { session: id };
        let deadline = Duration::from_secs(5);
        let reply: proto::AttachReply =
            self.bus.request(&subject, &request, deadline).await.map_err(|cause| match cause {
                Error::NoResponders { .. } | Error::Timeout { .. } => proto::Denial::with(
                    DenialCode::Malformed,
                    "there is no such session that waits for an agent",
                ),
                _ => proto::Denial::of(DenialCode::RecordingUnavailable),
            })?;
        let joined = match reply.outcome {
            Some(Outcome::Joined(joined)) => joined,
            Some(Outcome::Denial(denial)) => return Err(denial),
            None => return Err(proto::Denial::of(DenialCode::Malformed)),
        };
        session.set_level(joined.audit_level());
        session.joined(joined.in_seq);
        session.set_outlet(Direction::In, outlet);
        let not_after = (joined.not_after != 0).then(|| time::from_micros(joined.not_after));
        // Idleness is for the client's edge to notice.
        let held = Held::new(session.clone(), None, not_after, Duration::ZERO);
        self.hold(held, subscriptions);
        Ok(session)
    }
}
