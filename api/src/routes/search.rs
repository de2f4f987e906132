//! Finding things by a part of their names.

use axum::{Json, extract::State};
use hoop_domain::Role;
use hoop_policy::access::may_see;
use hoop_store::search::{FoundAgent, FoundConnection, FoundUser};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::connections::family;
use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result},
    extract::Params,
};

/// The longest term.
const LONGEST: usize = 128;
const LIMIT: u32 = 20;
const LARGEST_LIMIT: u32 = 100;

/// What to look for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// A part of a name, in capitals or not.
    term: String,
    /// 1 to 100 of each kind; 20 when left out.
    limit: Option<u32>,
}

/// What was found, as far as the one who asks may see it.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct SearchResponse {
    /// Connections, by name.
    connections: Vec<ConnectionFound>,
    /// Agents, by name; for auditors and administrators.
    agents: Vec<AgentFound>,
    /// Users, by address; for auditors and administrators.
    users: Vec<UserFound>,
    /// Whether there is more of something than the limit.
    truncated: bool,
    /// What could not be searched; older clients read it.
    errors: Vec<String>,
}

/// A connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionFound {
    /// The id.
    id: String,
    /// The name.
    name: String,
    /// `database`, `application` or `custom`.
    #[serde(rename = "type")]
    family: &'static str,
    /// Such as `postgres`.
    subtype: &'static str,
    /// The name of the agent that reaches it.
    agent_name: String,
}

/// An agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentFound {
    /// The id.
    id: String,
    /// The name.
    name: String,
}

/// A user.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserFound {
    /// The id.
    id: String,
    /// The address.
    email: String,
    /// As it is shown.
    name: String,
}

/// Finds connections, agents and users by a part of their names.
#[utoipa::path(get, path = "/api/search", tag = "search", params(SearchQuery), responses(
    (status = 200, body = SearchResponse),
    (status = 422, description = "the term or the limit makes no sense", body = Problem)))]
pub(crate) async fn search(
    State(app): State<App>,
    actor: Actor,
    Params(query): Params<SearchQuery>,
) -> Result<Json<SearchResponse>> {
    let term = query.term.trim();
    if term.is_empty() || LONGEST < term.len() || term.contains('\0') {
        return Err(Error::invalid("term", format_args!("has 1 to {LONGEST} bytes")));
    }
    let limit @ 1..=LARGEST_LIMIT = query.limit.unwrap_or(LIMIT) else {
        return Err(Error::invalid("limit", format_args!("is 1 to {LARGEST_LIMIT}")));
    };
    let most = i64::from(limit) + 1;
    let sees_all = Role::Auditor <= actor.role;
    let groups = (!sees_all).then_some(actor.groups.as_slice());
    let mut found = SearchResponse::default();
    let connections = app.org.search_connections(term, groups, most).await?;
    // The database narrows it down; who may see what is the policy's word.
    let visible =
        connections.into_iter().filter(|it| sees_all || may_see(&actor.groups, &it.groups));
    found.connections = found.upto(limit, visible.map(ConnectionFound::from));
    if sees_all {
        let agents = app.org.search_agents(term, most).await?;
        found.agents = found.upto(limit, agents.into_iter().map(AgentFound::from));
        let users = app.org.search_users(term, most).await?;
        found.users = found.upto(limit, users.into_iter().map(UserFound::from));
    }
    Ok(Json(found))
}

impl SearchResponse {
    /// The first ones; whether there are more is noted.
    fn upto<T>(&mut self, limit: u32, found: impl Iterator<Item = T>) -> Vec<T> {
        let mut all: Vec<T> = found.collect();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.truncated |= limit < all.len();
        all.truncate(limit);
        all
    }
}

impl From<FoundConnection> for ConnectionFound {
    fn from(found: FoundConnection) -> Self {
        Self {
            id: found.id.to_string(),
            name: found.name.to_string(),
            family: family(found.kind),
            subtype: found.kind.as_str(),
            agent_name: found.agent.to_string(),
        }
    }
}

impl From<FoundAgent> for AgentFound {
    fn from(found: FoundAgent) -> Self {
        Self { id: found.id.to_string(), name: found.name.to_string() }
    }
}

impl From<FoundUser> for UserFound {
    fn from(found: FoundUser) -> Self {
        Self { id: found.id.to_string(), email: found.email, name: found.name }
    }
}
