//! Who may join a session as the agent's end: whoever holds the token, once.

use std::time::Instant;

use hoop_bus::Question;
use hoop_domain::{DenialCode, EndReason};
use hoop_proto as proto;
use tokio::sync::oneshot;

use super::{Elsewhere, Outlet, Session};

/// A random token that proves who owns an end of a session.
pub(crate) struct Token(pub(crate) [u8; 32]);

impl Token {
    /// Makes a new token.
    pub(crate) fn generate() -> Result<Self, proto::Denial> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| proto::Denial::of(DenialCode::DeciderUnavailable))?;
        Ok(Self(bytes))
    }

    /// What is recorded of it.
    pub(crate) fn digest(&self) -> TokenDigest {
        TokenDigest(blake3::hash(&self.0))
    }
}

/// Comparing two digests of `blake3` takes the same time wherever they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenDigest(blake3::Hash);

impl TokenDigest {
    pub(crate) fn of(token: &[u8]) -> Self {
        Self(blake3::hash(token))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether it is the one that was recorded.
    pub(crate) fn is(&self, recorded: &[u8]) -> bool {
        <[u8; 32]>::try_from(recorded).is_ok_and(|recorded| self.0 == recorded)
    }
}

#[derive(Debug)]
pub(super) struct Admission {
    agent_token: TokenDigest,
    not_after: i64,
    joined: oneshot::Sender<()>,
}

/// From where the agent's end joins.
#[derive(Debug)]
pub(crate) enum JoinsFrom {
    /// Its stream is on this edge and takes packets here.
    Here(Outlet),
    /// Its stream is on another edge.
    AnotherEdge,
}

impl Session {
    /// Lets the holder of the token with this digest join. The receiver resolves when it has.
    pub(crate) fn expect_agent(
        &self,
        agent_token: TokenDigest,
        not_after: i64,
    ) -> oneshot::Receiver<()> {
        let (joined, receiver) = oneshot::channel();
        self.state().admission = Some(Admission { agent_token, not_after, joined });
        receiver
    }

    /// Admits the agent's end, once, and only with the token that was sent to the agent.
    pub(crate) fn admit(
        &self,
        token: &[u8],
        from: JoinsFrom,
    ) -> Result<proto::Joined, proto::Denial> {
        let mut state = self.state();
        let digest = TokenDigest::of(token);
        let Some(admission) = state.admission.take_if(|admission| admission.agent_token == digest)
        else {
            return Err(proto::Denial::with(
                DenialCode::Malformed,
                "the session can't be joined with this token",
            ));
        };
        match from {
            JoinsFrom::Here(outlet) => state.inward.set_outlet(Some(outlet)),
            JoinsFrom::AnotherEdge => {
                state.elsewhere = Elsewhere::Edge { heard_at: Instant::now() };
            }
        }
        let joined = proto::Joined {
            in_seq: state.inward.last_published(),
            not_after: admission.not_after,
            audit_level: state.level.into(),
        };
        drop(state);
        let _ = admission.joined.send(());
        Ok(joined)
    }

    pub(super) async fn answer_attach(&self, question: Question) {
        use proto::attach_reply::Outcome;
        let outcome = match question.decode::<proto::AttachRequest>() {
            Ok(request) => match self.admit(&request.token, JoinsFrom::AnotherEdge) {
                Ok(joined) => Outcome::Joined(joined),
                Err(denial) => Outcome::Denial(denial),
            },
            Err(_) => Outcome::Denial(proto::Denial::of(DenialCode::Malformed)),
        };
        question.answer(&proto::AttachReply { outcome: Some(outcome) }).await;
    }

    /// The agent said that it does not take the session.
    pub(crate) fn refused_by_agent(&self, refusal: &proto::OpenRefused) {
        let reason = refusal.code.parse().unwrap_or(EndReason::Misconfigured);
        self.close(proto::SessionClosed::with(reason, refusal.message.clone()));
    }
}
