//! A connection as JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hoop_domain::{ConnectionType, GroupName};
use hoop_store::{agent::Agent, connection::Connection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Error, error::Result};

/// What was given as a secret: a value, or nothing to keep the stored one.
pub(crate) type Given = BTreeMap<String, Option<String>>;

/// A connection to be, or what becomes of one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionRequest {
    /// Unique; what `psql` names as the database.
    pub(super) name: String,
    /// `database` or `application`; or the subtype itself, which then may be left out.
    #[serde(rename = "type")]
    pub(super) family: String,
    /// `postgres` (a database) or `tcp` (an application).
    pub(super) subtype: Option<String>,
    /// The agent's id or name.
    #[serde(alias = "agent")]
    pub(super) agent_id: String,
    /// `envvar:NAME`, or just `NAME`, to its value in base64.
    #[schema(value_type = Option<Object>)]
    pub(super) secret: Option<Given>,
    /// The groups that the connection is open to; nobody but administrators when empty.
    #[serde(default, alias = "groups")]
    pub(super) access_groups: Vec<String>,
    /// `enabled` (the default) or `disabled`.
    #[serde(default = "enabled")]
    pub(super) access_mode_connect: String,
    /// `enabled` (the default) or `disabled`.
    #[serde(default = "enabled")]
    pub(super) access_mode_exec: String,
}

fn enabled() -> String {
    "enabled".into()
}

/// A connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionResponse {
    /// The id.
    id: String,
    /// The name.
    name: String,
    /// `database` or `application`.
    #[serde(rename = "type")]
    family: &'static str,
    /// `postgres` or `tcp`.
    subtype: &'static str,
    /// The agent that reaches it.
    agent_id: String,
    /// Its name.
    agent_name: String,
    /// `online` when the agent is connected, else `offline`.
    status: &'static str,
    /// The names in the secret; values are never shown.
    secret_names: Vec<String>,
    /// When the secret was last changed.
    secrets_updated_at: DateTime<Utc>,
    /// The groups that it is open to.
    access_groups: Vec<String>,
    /// `enabled` or `disabled`.
    access_mode_connect: &'static str,
    /// `enabled` or `disabled`.
    access_mode_exec: &'static str,
    /// Counts its changes.
    version: i32,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

impl ConnectionRequest {
    /// The type that `type` and `subtype` name together.
    pub(super) fn kind(&self) -> Result<ConnectionType> {
        let (field, name) = match &self.subtype {
            Some(subtype) => ("subtype", subtype),
            None => ("type", &self.family),
        };
        let kind: ConnectionType = name.parse().map_err(|error| Error::invalid(field, error))?;
        if self.subtype.is_some() && self.family != family(kind) && self.family != kind.as_str() {
            let why = format!("a {kind} connection is of type {:?}", family(kind));
            return Err(Error::invalid("type", why));
        }
        Ok(kind)
    }
}

impl ConnectionResponse {
    pub(super) fn new(connection: Connection, agents: &[Agent]) -> Self {
        let online = agents.iter().any(|agent| agent.id == connection.agent && agent.online);
        Self {
            id: connection.id.to_string(),
            name: connection.name.to_string(),
            family: family(connection.kind),
            subtype: connection.kind.as_str(),
            agent_id: connection.agent.to_string(),
            agent_name: connection.agent_name.to_string(),
            status: if online { "online" } else { "offline" },
            secret_names: connection.secret_names,
            secrets_updated_at: connection.secret_updated_at,
            access_groups: connection.groups.iter().map(GroupName::to_string).collect(),
            access_mode_connect: mode(connection.mode_connect),
            access_mode_exec: mode(connection.mode_exec),
            version: connection.version,
            created_at: connection.created_at,
            updated_at: connection.updated_at,
        }
    }
}

/// What the API calls the family of a type.
pub(crate) const fn family(kind: ConnectionType) -> &'static str {
    match kind {
        ConnectionType::Postgres | ConnectionType::Mysql => "database",
        ConnectionType::Tcp => "application",
        ConnectionType::CommandLine => "custom",
    }
}

/// Reads `enabled` or `disabled`.
pub(super) fn switch(field: &str, word: &str) -> Result<bool> {
    match word {
        "enabled" => Ok(true),
        "disabled" => Ok(false),
        _ => Err(Error::invalid(field, "is enabled or disabled")),
    }
}

const fn mode(on: bool) -> &'static str {
    if on { "enabled" } else { "disabled" }
}
