//! Agents.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use hoop_bus::Subject;
use hoop_domain::{EndReason, agent_key::AgentKey};
use hoop_proto::v1;
use hoop_store::{
    NameCursor,
    agent::{Agent, AgentMode, NewAgent},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    error::{Problem, Result},
    extract::{Body, Named},
    paging::{ArrayQuery, Asked, Linked},
};

/// An agent to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentRequest {
    /// Unique among the agents.
    name: String,
    /// `standard` (the default) or `embedded`.
    #[serde(default)]
    mode: Option<String>,
}

/// An agent's key, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentCreated {
    /// The id.
    id: String,
    /// What the agent needs as `HOOP_KEY`.
    token: String,
}

/// An agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentResponse {
    /// The id.
    id: String,
    /// The name.
    name: String,
    /// `standard` or `embedded`.
    mode: &'static str,
    /// `CONNECTED` or `DISCONNECTED`.
    status: &'static str,
    /// Of the program; empty when it never connected.
    version: String,
    /// Of its machine.
    hostname: String,
    /// Such as `linux/x86_64`.
    platform: String,
    /// When it was last connected.
    last_seen_at: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<Agent> for AgentResponse {
    fn from(agent: Agent) -> Self {
        Self {
            id: agent.id.to_string(),
            name: agent.name.to_string(),
            mode: agent.mode.as_str(),
            status: if agent.online { "CONNECTED" } else { "DISCONNECTED" },
            version: agent.version,
            hostname: agent.hostname,
            platform: agent.platform,
            last_seen_at: agent.last_seen_at,
            created_at: agent.created_at,
        }
    }
}

/// Lists the agents, by name.
#[utoipa::path(get, path = "/api/agents", tag = "agents", params(ArrayQuery),
    responses((status = 200, body = Vec<AgentResponse>)))]
pub(crate) async fn list(
    State(app): State<App>,
    asked: Asked<NameCursor>,
) -> Result<Linked<AgentResponse>> {
    asked.linked(app.org.agent_list(app.now(), &asked.window).await?, AgentResponse::from)
}

/// Shows one agent.
#[utoipa::path(get, path = "/api/agents/{name}", tag = "agents",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 200, body = AgentResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Named(name): Named,
) -> Result<Json<AgentResponse>> {
    Ok(Json(app.org.agent_fetch(&name, app.now()).await?.into()))
}

/// Makes an agent. The answer has its key, which can't be had again.
#[utoipa::path(post, path = "/api/agents", tag = "agents", request_body = AgentRequest, responses(
    (status = 201, body = AgentCreated),
    (status = 409, description = "the name is taken", body = Problem),
    (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Body(request): Body<AgentRequest>,
) -> Result<(StatusCode, Json<AgentCreated>)> {
    let mode: AgentMode = request
        .mode
        .as_deref()
        .unwrap_or("standard")
        .parse()
        .map_err(|error| Error::invalid("mode", error))?;
    let key = AgentKey::generate().map_err(Error::internal)?;
    let new = NewAgent {
        name: request.name.parse().map_err(|error| Error::invalid("name", error))?,
        mode,
        token_digest: AgentKey::token_digest(&key.token()),
        seal_public_key: key.seal_public_key().map_err(Error::internal)?,
    };
    let id = app.org.agent_create(&new).await?;
    let token = app.config.grpc_url.hoop_key(&new.name, &key, mode.as_str());
    Ok((StatusCode::CREATED, Json(AgentCreated { id: id.to_string(), token })))
}

/// Revokes an agent's key and cuts off every agent that runs with it.
#[utoipa::path(delete, path = "/api/agents/{name}", tag = "agents",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn revoke(State(app): State<App>, Named(name): Named) -> Result<StatusCode> {
    let agent = app.org.agent_fetch(&name, app.now()).await?;
    app.org.agent_revoke(agent.id).await?;
    app.nudge();
    let notice = v1::AgentRevoked { message: EndReason::AgentRevoked.message().into() };
    // An edge that misses the notice is told when it reports the agent.
    if let Err(error) = app.bus.publish(&Subject::AgentRevoked { agent: agent.id }, &notice).await {
        tracing::warn!(agent = %agent.name, cause = %error, "edges were not told of a revoked agent");
    }
    Ok(StatusCode::NO_CONTENT)
}
