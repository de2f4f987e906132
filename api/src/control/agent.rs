//! `control.agent`: whose key is this?

use hoop_bus::Question;
use hoop_domain::{DenialCode, agent_key::AgentKey};
use hoop_proto::v1::{self, agent_auth_reply::Outcome};

use crate::{App, error::chain};

pub(super) async fn answer(app: App, question: Question) {
    let outcome = match question.decode::<v1::AgentAuthRequest>() {
        Ok(request) => match identify(&app, &request).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(cause = chain(&error), "control.agent failed");
                Outcome::Denial(v1::Denial::of(DenialCode::DeciderUnavailable))
            }
        },
        Err(_) => Outcome::Denial(v1::Denial::of(DenialCode::Malformed)),
    };
    question.answer(&v1::AgentAuthReply { outcome: Some(outcome) }).await;
}

async fn identify(app: &App, request: &v1::AgentAuthRequest) -> Result<Outcome, hoop_store::Error> {
    let digest = AgentKey::token_digest(&request.token);
    let agent = app.store.agent_by_token(&digest).await?;
    // The name travels beside the token; an agent that lies about it is no agent of ours.
    let Some(agent) = agent.filter(|agent| agent.name.as_str() == request.name) else {
        let name: String = request.name.chars().take(128).collect();
        tracing::warn!(?name, address = %request.address, "an agent was refused");
        return Ok(Outcome::Denial(v1::Denial::of(DenialCode::AgentUnknown)));
    };
    app.store.agent_touch(agent.id, app.now()).await?;
    Ok(Outcome::Identity(v1::AgentIdentity {
        agent: agent.id.as_bytes().to_vec().into(),
        org: agent.org.as_bytes().to_vec().into(),
        name: agent.name.to_string(),
        mode: agent.mode.as_str().into(),
    }))
}
