//! `PreConnect`: an embedded agent asks every few seconds whether to come.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hoop_domain::AgentId;
use hoop_proto::{self as proto, pre_connect_response::Advice};
use tonic::Status;

use super::status_of;
use crate::{control, edge::Shared};

/// How long an answer of `api` stands, so that asking often does not load it. A key that is
/// revoked is forgotten at once.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// How long a no stands: shorter, because somebody waits for it to become a yes.
const REFUSED_FOR: Duration = Duration::from_secs(10);

/// Answers that are kept. Strangers can make them up, so this is what they cost: 2 MiB.
pub(crate) const MOST: usize = 10_000;

/// Whose keys are whose, as `api` has said a moment ago. A key is kept as its digest.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(Mutex<HashMap<blake3::Hash, Answer>>);

#[derive(Debug, Clone)]
struct Answer {
    outcome: Result<Caller, proto::Denial>,
    until: Instant,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Caller {
    agent: AgentId,
    embedded: bool,
}

impl KnownKeys {
    fn get(&self, key: &blake3::Hash, now: Instant) -> Option<Result<Caller, proto::Denial>> {
        self.answers().get(key).filter(|answer| now < answer.until).map(|a| a.outcome.clone())
    }

    fn put(&self, key: blake3::Hash, outcome: Result<Caller, proto::Denial>, now: Instant) {
        let mut answers = self.answers();
        if answers.len() >= MOST {
            answers.retain(|_, answer| now < answer.until);
        }
        if answers.len() < MOST {
            let stands = if outcome.is_ok() { REMEMBERED_FOR } else { REFUSED_FOR };
            answers.insert(key, Answer { outcome, until: now + stands });
        }
    }

    /// The agent's key was revoked.
    pub(crate) fn forget(&self, agent: AgentId) {
        let is_its = |answer: &Answer| answer.outcome.as_ref().is_ok_and(|who| who.agent == agent);
        self.answers().retain(|_, answer| !is_its(answer));
    }

    /// How many are remembered.
    pub(crate) fn count(&self) -> usize {
        self.answers().len()
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<blake3::Hash, Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers an agent that has proved whose it is.
pub(crate) async fn answer(
    shared: &Shared,
    request: proto::AgentAuthRequest,
) -> Result<Advice, Status> {
    let caller = identify(shared, &request).await.map_err(|denial| status_of(&denial))?;
    let comes = !shared.drain.has_begun()
        && (!caller.embedded
            || shared.wanted.is_wanted(caller.agent, Instant::now())
            || shared.has_sessions_of(caller.agent));
    Ok(if comes { Advice::Connect } else { Advice::BackOff })
}

async fn identify(
    shared: &Shared,
    request: &proto::AgentAuthRequest,
) -> Result<Caller, proto::Denial> {
    let mut key = blake3::Hasher::new();
    // The length keeps name and token apart.
    key.update(&request.name.len().to_le_bytes());
    key.update(request.name.as_bytes()).update(request.token.as_bytes());
    let key = key.finalize();
    if let Some(known) = shared.known_keys.get(&key, Instant::now()) {
        return known;
    }
    let outcome = control::agent(&shared.bus, request)
        .await
        .map(|(agent, identity)| Caller { agent, embedded: identity.mode == control::EMBEDDED });
    // That nobody could decide is no answer.
    let decided = outcome
        .as_ref()
        .err()
        .is_none_or(|denial| denial.reason() == hoop_domain::DenialCode::AgentUnknown);
    if decided {
        shared.known_keys.put(key, outcome.clone(), Instant::now());
    }
    outcome
}

#[cfg(test)]
mod tests {
    use hoop_domain::DenialCode;

    use super::*;

    #[test]
    fn an_answer_stands_for_a_while_and_a_revoked_key_is_forgotten_at_once() {
        let (keys, now) = (KnownKeys::default(), Instant::now());
        let caller = Caller { agent: AgentId::generate(), embedded: true };
        let (known, unknown) = (blake3::hash(b"known"), blake3::hash(b"unknown"));
        let refusal = proto::Denial::of(DenialCode::AgentUnknown);
        keys.put(known, Ok(caller), now);
        keys.put(unknown, Err(refusal.clone()), now);
        assert_eq!(keys.get(&known, now), Some(Ok(caller)));
        assert_eq!(keys.get(&unknown, now), Some(Err(refusal)));
        assert_eq!(keys.get(&unknown, now + REFUSED_FOR), None);
        assert_eq!(keys.get(&known, now + REMEMBERED_FOR), None);
        keys.forget(AgentId::generate());
        assert!(keys.get(&known, now).is_some());
        keys.forget(caller.agent);
        assert_eq!(keys.get(&known, now), None);
    }

    #[test]
    fn strangers_cannot_make_an_edge_remember_without_end() {
        let (keys, now) = (KnownKeys::default(), Instant::now());
        for number in 0..MOST + 10 {
            let refusal = Err(proto::Denial::of(DenialCode::AgentUnknown));
            keys.put(blake3::hash(&number.to_le_bytes()), refusal, now);
        }
        assert_eq!(keys.answers().len(), MOST);
    }
}
