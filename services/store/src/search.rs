//! Finding things by a part of their names.

use hoop_domain::{
    AgentId, AgentName, ConnectionId, ConnectionName, ConnectionType, GroupName, UserId,
};

use crate::{OrgStore, Result, convert};

/// A connection that was found.
#[derive(Debug, Clone)]
pub struct FoundConnection {
    /// The id.
    pub id: ConnectionId,
    /// The name.
    pub name: ConnectionName,
    /// How the target is reached.
    pub kind: ConnectionType,
    /// The agent that reaches it.
    pub agent: AgentName,
    /// The groups that it is open to.
    pub groups: Vec<GroupName>,
}

/// An agent that was found.
#[derive(Debug, Clone)]
pub struct FoundAgent {
    /// The id.
    pub id: AgentId,
    /// The name.
    pub name: AgentName,
}

/// A person who was found.
#[derive(Debug, Clone)]
pub struct FoundUser {
    /// The id.
    pub id: UserId,
    /// The address.
    pub email: String,
    /// As it is shown.
    pub name: String,
}

impl OrgStore {
    /// Up to `limit` connections whose name has `term` in it, by name; with `groups`, only
    /// those that are open to one of them, and that no plugin closes to all of them.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn search_connections(
        &self,
        term: &str,
        groups: Option<&[GroupName]>,
        limit: i64,
    ) -> Result<Vec<FoundConnection>> {
        let groups: Option<Vec<String>> =
            groups.map(|groups| groups.iter().map(GroupName::to_string).collect());
        let rows = sqlx::query!(
            r#"SELECT c.id, c.name, c.type AS kind, a.name AS agent,
                 ARRAY(SELECT g.name FROM connection_groups o JOIN groups g ON g.id = o.group_id
                       WHERE o.connection_id = c.id ORDER BY g.name) AS "groups!"
               FROM connections c JOIN agents a ON a.id = c.agent_id
               WHERE c.org_id = $1 AND 0 < strpos(lower(c.name), lower($2))
                 AND ($3::text[] IS NULL OR EXISTS (
                   SELECT FROM connection_groups o JOIN groups g ON g.id = o.group_id
                   WHERE o.connection_id = c.id AND g.name = ANY ($3)))
                 AND ($3::text[] IS NULL OR NOT EXISTS (
                   SELECT FROM plugin_connections x JOIN plugins p ON p.id = x.plugin_id
                   WHERE x.connection_id = c.id AND p.name = 'access_control'
                     AND NOT x.config && $3))
               ORDER BY c.name LIMIT $4"#,
            self.org.uuid(),
            term,
            groups.as_deref(),
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(FoundConnection {
                    id: ConnectionId::from_uuid(row.id),
                    name: convert::parse(&row.name, "a connection's name")?,
                    kind: convert::parse(&row.kind, "a connection's type")?,
                    agent: convert::parse(&row.agent, "an agent's name")?,
                    groups: convert::parse_all(&row.groups, "a group's name")?,
                })
            })
            .collect()
    }

    /// Up to `limit` agents whose name has `term` in it, by name.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn search_agents(&self, term: &str, limit: i64) -> Result<Vec<FoundAgent>> {
        let rows = sqlx::query!(
            "SELECT id, name FROM agents
             WHERE org_id = $1 AND revoked_at IS NULL AND 0 < strpos(lower(name), lower($2))
             ORDER BY name LIMIT $3",
            self.org.uuid(),
            term,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        let found = |id, name: String| {
            let name = convert::parse(&name, "an agent's name")?;
            Ok(FoundAgent { id: AgentId::from_uuid(id), name })
        };
        rows.into_iter().map(|row| found(row.id, row.name)).collect()
    }

    /// Up to `limit` people whose address or name has `term` in it, by address.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn search_users(&self, term: &str, limit: i64) -> Result<Vec<FoundUser>> {
        let rows = sqlx::query!(
            "SELECT id, email, name FROM users
             WHERE org_id = $1 AND kind = 'person'
               AND (0 < strpos(email, lower($2)) OR 0 < strpos(lower(name), lower($2)))
             ORDER BY email LIMIT $3",
            self.org.uuid(),
            term,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| FoundUser {
                id: UserId::from_uuid(row.id),
                email: row.email,
                name: row.name,
            })
            .collect())
    }
}
