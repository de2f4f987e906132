//! Sending for the agent: here, through the broker, and with patience when it is embedded.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hoop_bus::{Error, Subject};
use hoop_domain::DenialCode;
use hoop_proto::{self as proto, packet};
use hoop_runtime::trace;

use crate::{control::SessionPermit, edge::Shared, session::Token};

/// How long an edge that holds the agent may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// How long a client waits for an embedded agent: some of its questions, and a log-in.
const EMBEDDED_DEADLINE: Duration = Duration::from_secs(30);

/// How often it is tried meanwhile. Where nobody holds the agent, the broker says so at once.
const AGAIN: Duration = Duration::from_millis(500);

impl Shared {
    /// Offers the session to the agent. One that is embedded comes when it is wanted.
    pub(crate) async fn summon(
        &self,
        permit: &SessionPermit,
        token: Token,
    ) -> Result<(), proto::Denial> {
        let grant = &permit.grant;
        let mut open = Box::new(proto::SessionOpen {
            session: grant.session.clone(),
            token: Bytes::copy_from_slice(&token.0),
            connection_name: grant.connection_name.clone(),
            connection_type: grant.connection_type.clone(),
            sealed_secret: grant.sealed_secret.clone(),
            window: packet::WINDOW,
            command: grant.command.clone(),
            verb: grant.verb.clone(),
            traceparent: trace::carried(""),
        });
        let begun = Instant::now();
        while let Err(refused) = self.offer(permit, open).await {
            if !permit.is_embedded() || EMBEDDED_DEADLINE < begun.elapsed() {
                return Err(proto::Denial::of(DenialCode::AgentOffline));
            }
            open = refused;
            self.want(permit.agent).await;
            tokio::time::sleep(AGAIN).await;
        }
        Ok(())
    }

    /// Offers it to whoever holds the agent now. Gives the offer back when nobody takes it.
    async fn offer(
        &self,
        permit: &SessionPermit,
        open: Box<proto::SessionOpen>,
    ) -> Result<(), Box<proto::SessionOpen>> {
        let Err(open) = self.agents.offer(permit.agent, open) else { return Ok(()) };
        let subject = Subject::AgentControl { agent: permit.agent };
        let request = proto::AgentControl { open: Some(*open) };
        let answer = self.bus.request::<_, proto::AgentControlReply>(&subject, &request, ANSWER);
        match answer.await {
            Ok(reply) if reply.refusal.is_empty() => return Ok(()),
            Ok(_) | Err(Error::NoResponders { .. }) => {}
            Err(cause) => {
                let (agent, session) = (&permit.grant.agent_name, permit.session);
                tracing::warn!(%session, %cause, %agent, "the agent's edge did not answer");
            }
        }
        Err(Box::new(request.open.unwrap_or_default()))
    }
}
