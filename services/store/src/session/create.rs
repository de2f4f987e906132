//! The row of a session that was just allowed, and the count that it was allowed under.

use chrono::{DateTime, Utc};
use hoop_domain::{
    AgentId, AgentName, ConnectionId, ConnectionName, ConnectionType, CredentialId, ReviewId,
    SessionId, TokenId, UserId, session::Verb,
};
use serde_json::Value;
use sqlx::{Postgres, Transaction};

use crate::{Error, OrgStore, Result, convert, review::review_claim_on_conn};

/// What is known of a session from its beginning, and never changes.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The id, which the secret is sealed for.
    pub id: SessionId,
    /// Who opens it.
    pub user: UserId,
    /// The user's address at that time.
    pub user_email: String,
    /// The user's name at that time.
    pub user_name: String,
    /// What is opened.
    pub connection: ConnectionId,
    /// Its name at that time.
    pub connection_name: ConnectionName,
    /// Its type.
    pub connection_kind: ConnectionType,
    /// What it is opened for.
    pub verb: Verb,
    /// The runbook that it is to run, if it is one.
    pub runbook: Option<String>,
    /// The connection's command at that time; empty for the type's own.
    pub command: Vec<String>,
    /// The agent that reaches it.
    pub agent: AgentId,
    /// Its name at that time.
    pub agent_name: AgentName,
    /// The native credential that opens it, if one does.
    pub credential: Option<CredentialId>,
    /// The API token that opens it, if one does.
    pub token: Option<TokenId>,
    /// The approval that it stands on, if it needs one.
    pub review: Option<Standing>,
    /// The client's address and port.
    pub client_address: String,
    /// What the client calls itself.
    pub client_application: String,
    /// When it must be over.
    pub not_after: Option<DateTime<Utc>>,
    /// When it was allowed.
    pub authorized_at: DateTime<Utc>,
}

/// An approval that a session stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The request that was approved.
    pub review: ReviewId,
    /// Whether it is for this session only.
    pub one_time: bool,
}

/// How many live sessions there are of a connection, and nobody opens another meanwhile.
#[derive(Debug)]
#[must_use = "until it is dropped nobody else opens this connection"]
pub struct SessionCount {
    /// Of one user.
    pub of_user: u64,
    /// Of everybody.
    pub of_all: u64,
    guard: Transaction<'static, Postgres>,
}

impl OrgStore {
    /// Counts the live sessions of `connection` beside `session` and keeps others from opening one
    /// until the count is used or dropped. Sessions that are over are not counted, even when their
    /// recordings are not finished, nor are those that have been told to end.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_count_live(
        &self,
        connection: ConnectionId,
        user: UserId,
        session: SessionId,
    ) -> Result<SessionCount> {
        let mut guard = self.pool.begin().await?;
        sqlx::query!(
            "SELECT id FROM connections WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self.org.uuid(),
            connection.uuid()
        )
        .fetch_optional(&mut *guard)
        .await?;
        let row = sqlx::query!(
            r#"SELECT count(*) AS "of_all!", count(*) FILTER (WHERE user_id = $3) AS "of_user!"
               FROM sessions
               WHERE org_id = $1 AND connection_id = $2 AND state <> 'done'
                 AND over_at IS NULL AND kill_reason IS NULL AND id <> $4"#,
            self.org.uuid(),
            connection.uuid(),
            user.uuid(),
            session.uuid()
        )
        .fetch_one(&mut *guard)
        .await?;
        Ok(SessionCount {
            of_user: convert::count(row.of_user),
            of_all: convert::count(row.of_all),
            guard,
        })
    }

    /// Puts a session on record, before anything of it happens; with `count`, as one more
    /// than was counted. An approval is used by this, or there is no session. One that is on record
    /// already and has not begun stays as it is: who asks twice for one session gets one, and it is
    /// the one on record, with the same agent, command and approval.
    ///
    /// # Errors
    /// [`Error::Conflict`] when its approval does not hold any more;
    /// [`Error::Changed`] when a session of this id has begun, or is another one; when the
    /// database is not available; then the session must not begin.
    pub async fn session_create(
        &self,
        new: &NewSession,
        count: Option<SessionCount>,
    ) -> Result<()> {
        let mut tx = match count {
            Some(count) => count.guard,
            None => self.pool.begin().await?,
        };
        if let Some(Standing { review, one_time }) = new.review {
            let (org, now) = (self.org, new.authorized_at);
            review_claim_on_conn(&mut tx, org, review, new.id, one_time, now).await?;
        }
        let kept = sqlx::query!(
            "INSERT INTO sessions (id, org_id, user_id, user_email, user_name, connection_id,
               connection_name, connection_type, agent_id, agent_name, credential_id,
               client_address, client_application, state, authorized_at, seen_at, not_after,
               verb, command, token_id, review_id, runbook)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'opening', $14, $14,
               $15, $16, $17, $18, $19, $20)
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
               WHERE sessions.state = 'opening' AND sessions.org_id = excluded.org_id
                 AND sessions.user_id = excluded.user_id AND sessions.verb = excluded.verb
                 AND sessions.connection_id = excluded.connection_id
                 AND sessions.agent_id = excluded.agent_id
                 AND sessions.command = excluded.command
                 AND sessions.credential_id IS NOT DISTINCT FROM excluded.credential_id
                 AND sessions.token_id IS NOT DISTINCT FROM excluded.token_id
                 AND sessions.review_id IS NOT DISTINCT FROM excluded.review_id
                 AND sessions.over_at IS NULL AND sessions.kill_reason IS NULL",
            new.id.uuid(),
            self.org.uuid(),
            new.user.uuid(),
            new.user_email,
            new.user_name,
            new.connection.uuid(),
            new.connection_name.as_str(),
            new.connection_kind.as_str(),
            new.agent.uuid(),
            new.agent_name.as_str(),
            new.credential.map(CredentialId::uuid),
            new.client_address,
            new.client_application,
            new.authorized_at,
            new.not_after,
            new.verb.as_str(),
            &new.command,
            new.token.map(TokenId::uuid),
            new.review.map(|standing| standing.review.uuid()),
            new.runbook
        )
        .execute(&mut *tx)
        .await?;
        if kept.rows_affected() == 0 {
            return Err(Error::Changed { what: "session" });
        }
        tx.commit().await?;
        Ok(())
    }

    /// Keeps what is said of a session, an object or nothing, in the place of what `was` kept.
    /// Returns whether that was still so; if not, nothing is done.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_annotate(
        &self,
        id: SessionId,
        was: Option<&Value>,
        annotations: Option<&Value>,
    ) -> Result<bool> {
        let done = sqlx::query!(
            "UPDATE sessions SET annotations = $4
             WHERE org_id = $1 AND id = $2 AND annotations IS NOT DISTINCT FROM $3",
            self.org.uuid(),
            id.uuid(),
            was as Option<&Value>,
            annotations as Option<&Value>
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
