//! Connections: named targets, their encrypted secrets, and the groups they are open to.

use chrono::{DateTime, Utc};
use hoop_domain::{
    AgentId, AgentName, AuditLevel, ConnectionId, ConnectionName, ConnectionType, GroupName,
    ReviewRule, connection::Limits,
};
use uuid::Uuid;

use crate::{Error, NameCursor, OrgStore, Page, Result, Window, convert};

mod plugged;
mod write;

pub use plugged::Plugged;
pub use write::{ConnectionSpec, EncryptedSecret};

/// A named target.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The id, which the encrypted secret is bound to.
    pub id: ConnectionId,
    /// Unique in the organisation.
    pub name: ConnectionName,
    /// How the target is reached.
    pub kind: ConnectionType,
    /// The agent that reaches it.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: AgentName,
    /// Encrypted; only `api` has the key.
    pub secret: Vec<u8>,
    /// The names of what is in it.
    pub secret_names: Vec<String>,
    /// When it was last changed.
    pub secret_updated_at: DateTime<Utc>,
    /// Whether native clients and `hoop connect` may open it.
    pub mode_connect: bool,
    /// Whether `hoop exec` may open it.
    pub mode_exec: bool,
    /// Whether runbooks may use it.
    pub mode_runbooks: bool,
    /// What it runs, where it runs anything; empty for the type's own command.
    pub command: Vec<String>,
    /// How long, and how many.
    pub limits: Limits,
    /// What has to be true of its packets before they are passed on.
    pub audit_level: AuditLevel,
    /// The groups that it is open to, in order.
    pub groups: Vec<GroupName>,
    /// Who has to approve what is done with it, as its own settings say.
    pub review: ReviewRule,
    /// What plugins say of it.
    pub plugged: Plugged,
    /// Counts its changes.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which connections of a list; `None` is all of them.
#[derive(Debug, Clone, Default)]
pub struct ConnectionFilter {
    /// Of one of these types.
    pub kinds: Option<Vec<ConnectionType>>,
    /// Of the agent with this id or name.
    pub agent: Option<String>,
    /// With this name.
    pub name: Option<String>,
    /// With this in the name, in capitals or not.
    pub part: Option<String>,
}

struct Row {
    id: Uuid,
    name: String,
    kind: String,
    agent_id: Uuid,
    agent_name: String,
    secret: Vec<u8>,
    secret_names: Vec<String>,
    secret_updated_at: DateTime<Utc>,
    mode_connect: bool,
    mode_exec: bool,
    command: Vec<String>,
    max_session_seconds: Option<i32>,
    idle_timeout_seconds: Option<i32>,
    max_sessions_per_user: Option<i32>,
    max_sessions: Option<i32>,
    audit_level: String,
    groups: Vec<String>,
    mode_runbooks: bool,
    reviewers: Vec<String>,
    min_review_approvals: Option<i32>,
    force_approve_groups: Vec<String>,
    access_max_seconds: Option<i32>,
    jit_access_seconds: Option<i32>,
    plugins: Vec<String>,
    plugin_reviewers: Option<Vec<String>>,
    restricted_to: Option<Vec<String>>,
    runbooks: Option<Vec<String>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

fn limit(column: Option<i32>) -> Result<Option<u32>> {
    let limit = column.map(u32::try_from).transpose();
    limit.map_err(|_| Error::corrupt("a connection's limit"))
}

impl Connection {
    /// Who has to approve what is done with it, all in all.
    #[must_use]
    pub fn review_rule(&self) -> ReviewRule {
        let mut rule = self.review.clone();
        rule.reviewers.extend(self.plugged.reviewers.iter().cloned());
        rule.reviewers.sort_unstable();
        rule.reviewers.dedup();
        rule
    }
}

impl Row {
    fn review(&self) -> Result<ReviewRule> {
        Ok(ReviewRule {
            reviewers: convert::parse_all(&self.reviewers, "a group's name")?,
            min_approvals: limit(self.min_review_approvals)?,
            force_groups: convert::parse_all(&self.force_approve_groups, "a group's name")?,
            max_seconds: limit(self.access_max_seconds)?,
            jit_seconds: limit(self.jit_access_seconds)?,
        })
    }

    fn plugged(&self) -> Result<Plugged> {
        let (reviewers, to) = (self.plugin_reviewers.as_deref(), self.restricted_to.as_deref());
        Plugged::read(&self.plugins, reviewers, to, self.runbooks.as_deref())
    }

    fn limits(&self) -> Result<Limits> {
        Ok(Limits {
            session_seconds: limit(self.max_session_seconds)?,
            idle_seconds: limit(self.idle_timeout_seconds)?,
            sessions_per_user: limit(self.max_sessions_per_user)?,
            sessions: limit(self.max_sessions)?,
        })
    }
}

impl TryFrom<Row> for Connection {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            limits: row.limits()?,
            review: row.review()?,
            plugged: row.plugged()?,
            id: ConnectionId::from_uuid(row.id),
            name: convert::parse(&row.name, "a connection's name")?,
            kind: convert::parse(&row.kind, "a connection's type")?,
            agent: AgentId::from_uuid(row.agent_id),
            agent_name: convert::parse(&row.agent_name, "an agent's name")?,
            secret: row.secret,
            secret_names: row.secret_names,
            secret_updated_at: row.secret_updated_at,
            mode_connect: row.mode_connect,
            mode_exec: row.mode_exec,
            mode_runbooks: row.mode_runbooks,
            command: row.command,
            audit_level: convert::parse(&row.audit_level, "a connection's audit level")?,
            groups: convert::parse_all(&row.groups, "a group's name")?,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Every column of connections that are so.
macro_rules! select {
    ($condition:tt $(+ $more:tt)*, $($argument:expr),*) => {
        sqlx::query_as!(
            Row,
            r#"SELECT c.id, c.name, c.type AS kind, c.agent_id, a.name AS agent_name, c.secret,
                 c.secret_names, c.secret_updated_at, c.mode_connect, c.mode_exec, c.command,
                 c.max_session_seconds, c.idle_timeout_seconds, c.max_sessions_per_user,
                 c.max_sessions, c.audit_level, c.version, c.created_at, c.updated_at,
                 c.mode_runbooks, c.reviewers, c.min_review_approvals, c.force_approve_groups,
                 c.access_max_seconds, c.jit_access_seconds,
                 ARRAY(SELECT g.name FROM connection_groups o JOIN groups g ON g.id = o.group_id
                       WHERE o.connection_id = c.id ORDER BY g.name) AS "groups!",
                 ARRAY(SELECT p.name FROM plugin_connections x JOIN plugins p ON p.id = x.plugin_id
                       WHERE x.connection_id = c.id) AS "plugins!",
                 (SELECT x.config FROM plugin_connections x JOIN plugins p ON p.id = x.plugin_id
                  WHERE x.connection_id = c.id AND p.name = 'review') AS "plugin_reviewers?",
                 (SELECT x.config FROM plugin_connections x JOIN plugins p ON p.id = x.plugin_id
                  WHERE x.connection_id = c.id AND p.name = 'access_control') AS "restricted_to?",
                 (SELECT x.config FROM plugin_connections x JOIN plugins p ON p.id = x.plugin_id
                  WHERE x.connection_id = c.id AND p.name = 'runbooks') AS "runbooks?"
               FROM connections c JOIN agents a ON a.id = c.agent_id
               "# + $condition $(+ $more)*,
            $($argument),*
        )
    };
}

/// How many connections are so.
macro_rules! count {
    ($condition:tt, $($argument:expr),*) => {
        sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM connections c JOIN agents a ON a.id = c.agent_id
               "# + $condition,
            $($argument),*
        )
    };
}

/// `select` or `count` of what is asked for, so that as many are counted as there are on all
/// pages together.
macro_rules! asked {
    ($query:ident, $asked:expr, $store:expr $(, $rest:tt, $($argument:expr),*)?) => {
        $query!(
            "WHERE c.org_id = $1
               AND ($2::text[] IS NULL OR EXISTS (
                 SELECT FROM connection_groups o JOIN groups g ON g.id = o.group_id
                 WHERE o.connection_id = c.id AND g.name = ANY ($2)))
               AND ($2::text[] IS NULL OR NOT EXISTS (
                 SELECT FROM plugin_connections x JOIN plugins p ON p.id = x.plugin_id
                 WHERE x.connection_id = c.id AND p.name = 'access_control'
                   AND NOT x.config && $2))
               AND ($3::text[] IS NULL OR c.type = ANY ($3))
               AND ($4::text IS NULL OR a.name = $4 OR a.id = $5)
               AND ($6::text IS NULL OR c.name = $6)
               AND ($7::text IS NULL OR 0 < strpos(lower(c.name), lower($7)))" $(+ $rest)?,
            $store.org.uuid(),
            $asked.groups.as_deref(),
            $asked.kinds.as_deref(),
            $asked.filter.agent.as_deref(),
            $asked.agent,
            $asked.filter.name.as_deref(),
            $asked.filter.part.as_deref()
            $(, $($argument),*)?
        )
    };
}

/// What a list is of, as the database is asked for it.
struct Asked<'a> {
    groups: Option<Vec<String>>,
    kinds: Option<Vec<String>>,
    agent: Option<Uuid>,
    filter: &'a ConnectionFilter,
}

impl<'a> Asked<'a> {
    fn new(groups: Option<&[GroupName]>, filter: &'a ConnectionFilter) -> Self {
        let kinds = filter.kinds.as_ref();
        let agent = filter.agent.as_deref().and_then(|agent| agent.parse::<AgentId>().ok());
        Self {
            groups: groups.map(|groups| groups.iter().map(GroupName::to_string).collect()),
            kinds: kinds.map(|kinds| kinds.iter().map(|kind| kind.as_str().to_owned()).collect()),
            agent: agent.map(AgentId::uuid),
            filter,
        }
    }
}

impl OrgStore {
    /// A page of the connections that are so, by name; with `groups`, only of those that are open
    /// to one of them, and that no plugin closes to all of them.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn connection_list(
        &self,
        groups: Option<&[GroupName]>,
        filter: &ConnectionFilter,
        window: &Window<NameCursor>,
    ) -> Result<Page<Connection, NameCursor>> {
        let asked = Asked::new(groups, filter);
        let connections = self.connection_rows(&asked, window.name(), 0, window.fetched()).await?;
        Ok(Page::of(connections, window.limit, |one| one.name.to_string()))
    }

    /// The same, after `skipped` of them and at most `most`, and how many there are in all: for
    /// clients that number their pages. The database reads what is skipped.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn connection_list_numbered(
        &self,
        groups: Option<&[GroupName]>,
        filter: &ConnectionFilter,
        skipped: i64,
        most: i64,
    ) -> Result<(Vec<Connection>, i64)> {
        let asked = Asked::new(groups, filter);
        let total = asked!(count, asked, self).fetch_one(&self.pool).await?;
        Ok((self.connection_rows(&asked, "", skipped, most).await?, total))
    }

    /// At most `most` of them that come after the name `after`, but for the first `skipped`.
    async fn connection_rows(
        &self,
        asked: &Asked<'_>,
        after: &str,
        skipped: i64,
        most: i64,
    ) -> Result<Vec<Connection>> {
        let rows = asked!(
            select,
            asked,
            self,
            " AND $8 < c.name ORDER BY c.name OFFSET $9 LIMIT $10",
            after,
            skipped,
            most
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Connection::try_from).collect()
    }

    /// The connection with this name or id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn connection_fetch(&self, name_or_id: &str) -> Result<Connection> {
        let id = name_or_id.parse::<ConnectionId>().ok().map(ConnectionId::uuid);
        let row = select!(
            "WHERE c.org_id = $1 AND (c.name = $2 OR c.id = $3)
             ORDER BY c.id = $3 DESC NULLS LAST LIMIT 1",
            self.org.uuid(),
            name_or_id,
            id
        )
        .fetch_optional(&self.pool)
        .await?;
        row.ok_or(Error::NotFound { what: "connection" })?.try_into()
    }
}
