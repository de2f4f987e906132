//! `control.agent`: whose key is this?

use hoop_bus::Question;
use hoop_domain::{DenialCode, agent_key::AgentKey};
use hoop_proto::v1::{self, agent_auth_reply::Outcome};
use hoop_runtime::reports::Handed;

use crate::{App, error::chain, guard::audit::edge::Denied};

pub(super) async fn answer(app: App, question: Question) {
    let Ok(request) = question.decode::<v1::AgentAuthRequest>() else {
        let outcome = Outcome::Denial(v1::Denial::of(DenialCode::Malformed));
        return question.answer(&v1::AgentAuthReply { outcome: Some(outcome) }).await;
    };
    let (outcome, known) = match identify(&app, &request).await {
        Ok(Some(identity)) => (Outcome::Identity(identity), true),
        Ok(None) => (Outcome::Denial(v1::Denial::of(DenialCode::AgentUnknown)), false),
        Err(error) => {
            tracing::error!(cause = chain(&error), "control.agent failed");
            (Outcome::Denial(v1::Denial::of(DenialCode::DeciderUnavailable)), true)
        }
    };
    question.answer(&v1::AgentAuthReply { outcome: Some(outcome) }).await;
    if !known {
        refused(&app, &request).await;
    }
}

/// Tells the log and the audit log, once the agent was told.
async fn refused(app: &App, request: &v1::AgentAuthRequest) {
    let name: String = request.name.chars().take(128).collect();
    tracing::warn!(?name, address = %request.address, "an agent was refused");
    let code = DenialCode::AgentUnknown;
    let denied = Denied {
        known: None,
        login: "",
        resource: "agents",
        name: &name,
        action: "connect",
        code,
        reason: code.message(),
        address: &request.address,
    };
    denied.write(app).await;
}

/// The agent that shows this key, if there is one.
async fn identify(
    app: &App,
    request: &v1::AgentAuthRequest,
) -> Result<Option<v1::AgentIdentity>, hoop_store::Error> {
    let digest = AgentKey::token_digest(&request.token);
    let agent = app.store.agent_by_token(&digest).await?;
    // The name travels beside the token; an agent that lies about it is no agent of ours.
    let Some(agent) = agent.filter(|agent| agent.name.as_str() == request.name) else {
        return Ok(None);
    };
    app.store.agent_touch(agent.id, app.now()).await?;
    Ok(Some(v1::AgentIdentity {
        agent: agent.id.as_bytes().to_vec().into(),
        org: agent.org.as_bytes().to_vec().into(),
        name: agent.name.to_string(),
        mode: agent.mode.as_str().into(),
        telemetry: telemetry(app),
    }))
}

/// Where the agent reports to, if it is to.
fn telemetry(app: &App) -> Option<v1::Telemetry> {
    let Handed { sentry_dsn, pyroscope_url, pyroscope_token } = app.config.agents_report.to_hand();
    let telemetry = v1::Telemetry { sentry_dsn, pyroscope_url, pyroscope_token };
    (telemetry != v1::Telemetry::default()).then_some(telemetry)
}
