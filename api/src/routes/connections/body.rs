//! A connection as JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hoop_domain::{AuditLevel, ConnectionName, ConnectionType, GroupName, connection::Limits};
use hoop_store::{agent::Agent, connection::Connection};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{Error, error::Result, extract::given};

/// What was given as a secret: a value, or nothing to keep the stored one.
pub(crate) type Given = BTreeMap<String, Option<String>>;

/// A command travels in every grant; a long script belongs into a file.
const LONGEST_COMMAND: usize = 16 * 1024;
const MOST_WORDS: usize = 64;
/// Who wants more than this wants no limit.
const YEAR: u32 = 365 * 24 * 3600;
const MOST_SESSIONS: u32 = 1_000_000;

/// A connection to be, or what becomes of one.
///
/// In a change, what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionRequest {
    /// Unique; what `psql` names as the database.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = true)]
    pub(super) name: Option<String>,
    /// `database`, `application` or `custom`; or the subtype itself, which then may be left out.
    #[serde(default, rename = "type", deserialize_with = "given")]
    #[schema(value_type = String, required = true)]
    pub(super) family: Option<String>,
    /// `postgres` or `mysql` (databases), `tcp` (an application) or `command-line` (custom).
    pub(super) subtype: Option<String>,
    /// The agent's id or name.
    #[serde(default, alias = "agent", deserialize_with = "given")]
    #[schema(value_type = String, required = true)]
    pub(super) agent_id: Option<String>,
    /// `envvar:NAME`, or just `NAME`, to its value in base64; for `command-line` also
    /// `filesystem:NAME`, whose value becomes a file.
    #[schema(value_type = Option<Object>)]
    pub(super) secret: Option<Given>,
    /// What the agent runs, word by word; no shell reads it. Required for `command-line`;
    /// databases have a client of their own when it is left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<String>)]
    pub(super) command: Option<Vec<String>>,
    /// The groups that the connection is open to; nobody but administrators when empty.
    #[serde(default, alias = "groups", deserialize_with = "given")]
    #[schema(value_type = Vec<String>)]
    pub(super) access_groups: Option<Vec<String>>,
    /// `enabled` (the default) or `disabled`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String)]
    pub(super) access_mode_connect: Option<String>,
    /// `enabled` (the default) or `disabled`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String)]
    pub(super) access_mode_exec: Option<String>,
    /// `enabled` (the default) or `disabled`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String)]
    pub(super) access_mode_runbooks: Option<String>,
    /// Groups that have to approve what is done with it; nobody has to when empty.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<String>)]
    pub(super) reviewers: Option<Vec<String>>,
    /// How many of these groups are enough, each by another person; all when null.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub(super) min_review_approvals: Option<Option<u32>>,
    /// Groups of which one member may approve alone.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<String>)]
    pub(super) force_approve_groups: Option<Vec<String>>,
    /// The longest time that an approval holds, in seconds; 48 hours when null.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub(super) access_max_duration: Option<Option<u32>>,
    /// The time that is approved when nobody asks for another; 30 minutes when null.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub(super) jit_access_duration_sec: Option<Option<u32>>,
    /// A session ends after so many seconds; no limit when null.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub(super) max_session_seconds: Option<Option<u32>>,
    /// A session ends after so many seconds without data; no limit when null.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub(super) idle_timeout_seconds: Option<Option<u32>>,
    /// Live sessions of one user; no limit when null.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub(super) max_sessions_per_user: Option<Option<u32>>,
    /// Live sessions of all users; no limit when null.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub(super) max_sessions: Option<Option<u32>>,
    /// `strict` (the default, and what null is), `synced` or `windowed`: what has to be true of
    /// a packet before it is passed on.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(super) audit_level: Option<Option<String>>,
    // Older clients send the next five with every connection that they save. Nothing that they
    // say is decided by them here, so it may get lost.
    /// Ignored, for older clients.
    #[serde(default, rename = "tags")]
    #[schema(value_type = Vec<String>)]
    _tags: IgnoredAny,
    /// Ignored, for older clients.
    #[serde(default, rename = "connection_tags")]
    #[schema(value_type = Object)]
    _connection_tags: IgnoredAny,
    /// Ignored, for older clients.
    #[serde(default, rename = "resource_name")]
    #[schema(value_type = String)]
    _resource_name: IgnoredAny,
    /// Ignored, for older clients.
    #[serde(default, rename = "access_schema")]
    #[schema(value_type = String)]
    _access_schema: IgnoredAny,
    /// Ignored, for older clients.
    #[serde(default, rename = "default_database")]
    #[schema(value_type = String)]
    _default_database: IgnoredAny,
}

/// What is to be changed of a connection. No field is required, and what is left out stays as
/// it is.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct ConnectionPatch(pub(super) ConnectionRequest);

impl PartialSchema for ConnectionPatch {
    fn schema() -> RefOr<Schema> {
        let mut schema = ConnectionRequest::schema();
        if let RefOr::T(Schema::Object(fields)) = &mut schema {
            fields.required.clear();
            fields.description =
                Some("What is to be changed of a connection; what is left out stays.".into());
        }
        schema
    }
}

impl ToSchema for ConnectionPatch {}

/// A connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionResponse {
    /// The id.
    id: String,
    /// The name.
    name: String,
    /// `database`, `application` or `custom`.
    #[serde(rename = "type")]
    family: &'static str,
    /// `postgres`, `mysql`, `tcp` or `command-line`.
    subtype: &'static str,
    /// The agent that reaches it.
    agent_id: String,
    /// Its name.
    agent_name: String,
    /// `online` when the agent is connected, else `offline`.
    status: &'static str,
    /// What the agent runs; empty for the type's own command.
    command: Vec<String>,
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
    /// `enabled` or `disabled`.
    access_mode_runbooks: &'static str,
    /// Groups that have to approve what is done with it.
    reviewers: Vec<String>,
    /// How many of these groups are enough, each by another person; all when null.
    min_review_approvals: Option<u32>,
    /// Groups of which one member may approve alone.
    force_approve_groups: Vec<String>,
    /// The longest time that an approval holds, in seconds.
    access_max_duration: Option<u32>,
    /// The time that is approved when nobody asks for another, in seconds.
    jit_access_duration_sec: Option<u32>,
    /// Whether somebody has to approve, all in all: plugins may ask for it, too.
    needs_review: bool,
    /// Seconds after which a session ends.
    max_session_seconds: Option<u32>,
    /// Seconds without data after which a session ends.
    idle_timeout_seconds: Option<u32>,
    /// Live sessions of one user.
    max_sessions_per_user: Option<u32>,
    /// Live sessions of all users.
    max_sessions: Option<u32>,
    /// `strict`, `synced` or `windowed`.
    audit_level: &'static str,
    /// Counts its changes.
    version: i32,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

impl ConnectionRequest {
    /// Refuses what makes no whole connection.
    pub(super) fn whole(&self) -> Result<()> {
        required("name", self.name.as_ref())?;
        required("type", self.family.as_ref())?;
        required("agent_id", self.agent_id.as_ref())?;
        Ok(())
    }

    /// Its name, or the one that it has.
    pub(super) fn name(&self, stored: Option<&Connection>) -> Result<ConnectionName> {
        match (&self.name, stored) {
            (None, Some(stored)) => Ok(stored.name.clone()),
            (given, _) => {
                let given = required("name", given.as_ref())?;
                given.parse().map_err(|error| Error::invalid("name", error))
            }
        }
    }

    /// The type that `type` and `subtype` name together, or the one that is `stored` where they
    /// name no other.
    pub(super) fn kind(&self, stored: Option<ConnectionType>) -> Result<ConnectionType> {
        let given = self.family.as_deref();
        let (field, name) = match (self.subtype.as_deref(), stored) {
            (Some(subtype), _) => ("subtype", subtype),
            (None, Some(kind)) if given.is_none_or(|given| given == family(kind)) => {
                return Ok(kind);
            }
            (None, _) => ("type", required("type", given)?),
        };
        let kind: ConnectionType = name.parse().map_err(|error| Error::invalid(field, error))?;
        if given.is_some_and(|given| given != family(kind) && given != kind.as_str()) {
            let why = format!("a {kind} connection is of type {:?}", family(kind));
            return Err(Error::invalid("type", why));
        }
        Ok(kind)
    }

    /// What the agent is to run, beside what it runs now.
    pub(super) fn command(
        &self,
        kind: ConnectionType,
        stored: Option<&Connection>,
    ) -> Result<Vec<String>> {
        let refuse = |why: &str| Err(Error::invalid("command", why));
        let command = match (&self.command, stored) {
            (None, Some(stored)) => return Ok(stored.command.clone()),
            (given, _) => given.as_deref().unwrap_or_default(),
        };
        let Some(program) = command.first() else {
            if kind.runs_commands() && !kind.has_default_command() {
                return refuse("is required: the program and its arguments, such as [\"bash\"]");
            }
            return Ok(Vec::new());
        };
        if !kind.runs_commands() {
            return refuse("a tcp connection runs nothing");
        }
        if program.is_empty() {
            return refuse("begins with the name of a program");
        }
        let length: usize = command.iter().map(String::len).sum();
        if MOST_WORDS < command.len() || LONGEST_COMMAND < length {
            return refuse("has at most 64 words and 16 KiB");
        }
        if command.iter().any(|word| word.contains('\0')) {
            return refuse("has no NUL");
        }
        Ok(command.to_vec())
    }

    /// What has to be true of a packet before it is passed on.
    pub(super) fn audit_level(&self, stored: AuditLevel) -> Result<AuditLevel> {
        let Some(given) = &self.audit_level else { return Ok(stored) };
        let level = given.as_deref().map(str::parse).transpose();
        Ok(level.map_err(|error| Error::invalid("audit_level", error))?.unwrap_or_default())
    }

    /// How long sessions may last, and how many there may be.
    pub(super) fn limits(&self, stored: Limits) -> Result<Limits> {
        let within = |field: &str, given: Option<u32>, most: u32| match given {
            Some(limit) if limit == 0 || most < limit => {
                Err(Error::invalid(field, format_args!("is 1 to {most}, or null for no limit")))
            }
            _ => Ok(given),
        };
        let length = self.max_session_seconds.unwrap_or(stored.session_seconds);
        let idle = self.idle_timeout_seconds.unwrap_or(stored.idle_seconds);
        let mine = self.max_sessions_per_user.unwrap_or(stored.sessions_per_user);
        let all = self.max_sessions.unwrap_or(stored.sessions);
        Ok(Limits {
            session_seconds: within("max_session_seconds", length, YEAR)?,
            idle_seconds: within("idle_timeout_seconds", idle, YEAR)?,
            sessions_per_user: within("max_sessions_per_user", mine, MOST_SESSIONS)?,
            sessions: within("max_sessions", all, MOST_SESSIONS)?,
        })
    }
}

impl ConnectionResponse {
    pub(super) fn new(connection: Connection, agents: &[Agent]) -> Self {
        let online = agents.iter().any(|agent| agent.id == connection.agent && agent.online);
        let needs_review = connection.review_rule().asks();
        Self {
            id: connection.id.to_string(),
            name: connection.name.to_string(),
            family: family(connection.kind),
            subtype: connection.kind.as_str(),
            agent_id: connection.agent.to_string(),
            agent_name: connection.agent_name.to_string(),
            status: if online { "online" } else { "offline" },
            command: connection.command,
            max_session_seconds: connection.limits.session_seconds,
            idle_timeout_seconds: connection.limits.idle_seconds,
            max_sessions_per_user: connection.limits.sessions_per_user,
            max_sessions: connection.limits.sessions,
            audit_level: connection.audit_level.as_str(),
            needs_review,
            access_mode_runbooks: mode(connection.mode_runbooks),
            reviewers: names(&connection.review.reviewers),
            min_review_approvals: connection.review.min_approvals,
            force_approve_groups: names(&connection.review.force_groups),
            access_max_duration: connection.review.max_seconds,
            jit_access_duration_sec: connection.review.jit_seconds,
            secret_names: connection.secret_names,
            secrets_updated_at: connection.secret_updated_at,
            access_groups: names(&connection.groups),
            access_mode_connect: mode(connection.mode_connect),
            access_mode_exec: mode(connection.mode_exec),
            version: connection.version,
            created_at: connection.created_at,
            updated_at: connection.updated_at,
        }
    }
}

/// What can't be left out.
pub(super) fn required<T>(field: &str, given: Option<T>) -> Result<T> {
    given.ok_or_else(|| Error::invalid(field, "is required"))
}

fn names(groups: &[GroupName]) -> Vec<String> {
    groups.iter().map(GroupName::to_string).collect()
}

/// What the API calls the family of a type.
pub(crate) const fn family(kind: ConnectionType) -> &'static str {
    match kind {
        ConnectionType::Postgres | ConnectionType::Mysql => "database",
        ConnectionType::Tcp => "application",
        ConnectionType::CommandLine => "custom",
    }
}

/// Reads `enabled` or `disabled`; what is left out stays as it is `stored`.
pub(super) fn switch(field: &str, word: Option<&str>, stored: bool) -> Result<bool> {
    match word {
        None => Ok(stored),
        Some("enabled") => Ok(true),
        Some("disabled") => Ok(false),
        Some(_) => Err(Error::invalid(field, "is enabled or disabled")),
    }
}

const fn mode(on: bool) -> &'static str {
    if on { "enabled" } else { "disabled" }
}
