//! Making, changing and deleting connections.

use hoop_domain::{
    AgentId, AuditLevel, ConnectionId, ConnectionName, ConnectionType, GroupName, ReviewRule,
    connection::Limits,
};
use sqlx::PgConnection;

use super::Connection;
use crate::{Error, OrgStore, Result, error::OnConstraint, group, outbox};

/// A connection's secret as it is stored.
#[derive(Debug, Clone)]
pub struct EncryptedSecret {
    /// The ciphertext, bound to the connection's id.
    pub ciphertext: Vec<u8>,
    /// The names of what is in it.
    pub names: Vec<String>,
}

/// What a connection is made of, or becomes.
#[derive(Debug, Clone)]
pub struct ConnectionSpec {
    /// The name.
    pub name: ConnectionName,
    /// How the target is reached.
    pub kind: ConnectionType,
    /// The agent that reaches it.
    pub agent: AgentId,
    /// The groups that it is open to.
    pub groups: Vec<GroupName>,
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
    /// Who has to approve what is done with it.
    pub review: ReviewRule,
    /// `None` leaves the stored one as it is.
    pub secret: Option<EncryptedSecret>,
}

impl OrgStore {
    /// Makes a connection. The id comes from the caller, who has bound the secret to it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the name is taken, [`Error::NotFound`] when there is no such agent.
    pub async fn connection_create(
        &self,
        id: ConnectionId,
        spec: &ConnectionSpec,
    ) -> Result<Connection> {
        let mut tx = self.pool.begin().await?;
        let (secret, secret_names) = match &spec.secret {
            Some(secret) => (secret.ciphertext.as_slice(), secret.names.as_slice()),
            None => Default::default(),
        };
        let done = sqlx::query!(
            "INSERT INTO connections
               (id, org_id, name, type, agent_id, secret, secret_names, mode_connect, mode_exec,
                command, max_session_seconds, idle_timeout_seconds, max_sessions_per_user,
                max_sessions, audit_level, mode_runbooks, reviewers, min_review_approvals,
                force_approve_groups, access_max_seconds, jit_access_seconds)
             SELECT $1, $2, $3, $4, id, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
               $18, $19, $20, $21
             FROM agents WHERE org_id = $2 AND id = $5 AND revoked_at IS NULL",
            id.uuid(),
            self.org.uuid(),
            spec.name.as_str(),
            spec.kind.as_str(),
            spec.agent.uuid(),
            secret,
            secret_names,
            spec.mode_connect,
            spec.mode_exec,
            &spec.command,
            column(spec.limits.session_seconds),
            column(spec.limits.idle_seconds),
            column(spec.limits.sessions_per_user),
            column(spec.limits.sessions),
            spec.audit_level.as_str(),
            spec.mode_runbooks,
            &names(&spec.review.reviewers),
            column(spec.review.min_approvals),
            &names(&spec.review.force_groups),
            column(spec.review.max_seconds),
            column(spec.review.jit_seconds)
        )
        .execute(&mut *tx)
        .await
        .on_constraint("connections_name_key", "there is a connection of that name already")?;
        if done.rows_affected() == 0 {
            return Err(Error::NotFound { what: "agent" });
        }
        self.open_to(&mut tx, id, &spec.groups).await?;
        self.told(&mut tx, "connection.created", id, spec.name.as_str()).await?;
        tx.commit().await?;
        self.connection_fetch(&id.to_string()).await
    }

    /// Changes a connection, if it is of one of these versions; its type and id stay.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the name is taken, [`Error::NotFound`] when there is no such
    /// connection or agent, [`Error::Changed`] when it is of another version.
    pub async fn connection_update(
        &self,
        id: ConnectionId,
        spec: &ConnectionSpec,
        versions: Option<&[i32]>,
    ) -> Result<Connection> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "UPDATE connections c SET name = $3, agent_id = a.id, mode_connect = $5,
               mode_exec = $6, secret = COALESCE($7, secret),
               secret_names = COALESCE($8, secret_names),
               secret_updated_at = CASE WHEN $7 IS NULL THEN secret_updated_at ELSE now() END,
               command = $9, max_session_seconds = $10, idle_timeout_seconds = $11,
               max_sessions_per_user = $12, max_sessions = $13, audit_level = $14,
               mode_runbooks = $15, reviewers = $16, min_review_approvals = $17,
               force_approve_groups = $18, access_max_seconds = $19, jit_access_seconds = $20,
               version = c.version + 1, updated_at = now()
             FROM agents a
             WHERE c.org_id = $1 AND c.id = $2
               AND a.org_id = $1 AND a.id = $4 AND a.revoked_at IS NULL
               AND ($21::int[] IS NULL OR c.version = ANY ($21))",
            self.org.uuid(),
            id.uuid(),
            spec.name.as_str(),
            spec.agent.uuid(),
            spec.mode_connect,
            spec.mode_exec,
            spec.secret.as_ref().map(|secret| secret.ciphertext.as_slice()),
            spec.secret.as_ref().map(|secret| secret.names.as_slice()) as Option<&[String]>,
            &spec.command,
            column(spec.limits.session_seconds),
            column(spec.limits.idle_seconds),
            column(spec.limits.sessions_per_user),
            column(spec.limits.sessions),
            spec.audit_level.as_str(),
            spec.mode_runbooks,
            &names(&spec.review.reviewers),
            column(spec.review.min_approvals),
            &names(&spec.review.force_groups),
            column(spec.review.max_seconds),
            column(spec.review.jit_seconds),
            versions
        )
        .execute(&mut *tx)
        .await
        .on_constraint("connections_name_key", "there is a connection of that name already")?;
        if done.rows_affected() == 0 {
            tx.rollback().await?;
            let found = self.connection_fetch(&id.to_string()).await?.version;
            return Err(Error::of_version("connection", found, versions));
        }
        sqlx::query!(
            "DELETE FROM connection_groups WHERE org_id = $1 AND connection_id = $2",
            self.org.uuid(),
            id.uuid()
        )
        .execute(&mut *tx)
        .await?;
        self.open_to(&mut tx, id, &spec.groups).await?;
        self.told(&mut tx, "connection.updated", id, spec.name.as_str()).await?;
        tx.commit().await?;
        self.connection_fetch(&id.to_string()).await
    }

    /// Deletes a connection and its credentials, if it is of one of these versions; its sessions
    /// stay on record.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Changed`] when it is of another version.
    pub async fn connection_delete(
        &self,
        id: ConnectionId,
        versions: Option<&[i32]>,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let name = sqlx::query_scalar!(
            "DELETE FROM connections WHERE org_id = $1 AND id = $2
               AND ($3::int[] IS NULL OR version = ANY ($3)) RETURNING name",
            self.org.uuid(),
            id.uuid(),
            versions
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(name) = name else {
            tx.rollback().await?;
            let found = self.connection_fetch(&id.to_string()).await?.version;
            return Err(Error::of_version("connection", found, versions));
        };
        self.told(&mut tx, "connection.deleted", id, &name).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn open_to(
        &self,
        conn: &mut PgConnection,
        connection: ConnectionId,
        names: &[GroupName],
    ) -> Result<()> {
        let groups = group::ensure(conn, self.org.uuid(), names).await?;
        sqlx::query!(
            "INSERT INTO connection_groups (org_id, connection_id, group_id)
             SELECT $1, $2, id FROM unnest($3::uuid[]) AS id",
            self.org.uuid(),
            connection.uuid(),
            &groups
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    async fn told(
        &self,
        conn: &mut PgConnection,
        kind: &str,
        id: ConnectionId,
        name: &str,
    ) -> Result<()> {
        let body = serde_json::json!({ "connection": id.to_string(), "name": name });
        outbox::append(conn, self.org.uuid(), kind, &body).await
    }
}

fn names(groups: &[GroupName]) -> Vec<String> {
    groups.iter().map(GroupName::to_string).collect()
}

/// A limit as it is stored. What is larger than the column limits nothing.
fn column(limit: Option<u32>) -> Option<i32> {
    limit.and_then(|limit| i32::try_from(limit).ok())
}
