//! Finding sessions.

use chrono::{DateTime, Utc};
use hoop_domain::{ConnectionType, SessionId, UserId};

use super::{Row, Session};
use crate::{Cursor, Error, OrgStore, Page, Result};

/// Which sessions; `None` is all of them.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Only this user's: what the one who asks may see.
    pub visible_to: Option<UserId>,
    /// The user's id or e-mail address.
    pub user: Option<String>,
    /// The connection's name.
    pub connection: Option<String>,
    /// The connection's type.
    pub kind: Option<ConnectionType>,
    /// `opening`, `open` or `done`.
    pub state: Option<String>,
    /// Allowed at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Allowed before this time.
    pub until: Option<DateTime<Utc>>,
}

impl OrgStore {
    /// The session with this id, if it is visible to `visible_to`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or it is someone else's.
    pub async fn session_fetch(
        &self,
        id: SessionId,
        visible_to: Option<UserId>,
    ) -> Result<Session> {
        let row = sqlx::query_as!(
            Row,
            "SELECT id, org_id, user_id, user_email, user_name, connection_id, connection_name,
               connection_type, agent_id, agent_name, credential_id, client_address,
               client_application, state, authorized_at, opened_at, closed_at, end_reason,
               end_message, not_after, edge
             FROM sessions
             WHERE org_id = $1 AND id = $2 AND ($3::uuid IS NULL OR user_id = $3)",
            self.org.uuid(),
            id.uuid(),
            visible_to.map(UserId::uuid)
        )
        .fetch_optional(&self.pool)
        .await?;
        row.ok_or(Error::NotFound { what: "session" })?.try_into()
    }

    /// A page of sessions, the newest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_list(
        &self,
        filter: &SessionFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Session>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, org_id, user_id, user_email, user_name, connection_id, connection_name,
               connection_type, agent_id, agent_name, credential_id, client_address,
               client_application, state, authorized_at, opened_at, closed_at, end_reason,
               end_message, not_after, edge
             FROM sessions
             WHERE org_id = $1
               AND ($2::uuid IS NULL OR id < $2)
               AND ($3::uuid IS NULL OR user_id = $3)
               AND ($4::text IS NULL OR user_email = lower($4) OR user_id::text = $4)
               AND ($5::text IS NULL OR connection_name = $5)
               AND ($6::text IS NULL OR connection_type = $6)
               AND ($7::text IS NULL OR state = $7)
               AND ($8::timestamptz IS NULL OR $8 <= authorized_at)
               AND ($9::timestamptz IS NULL OR authorized_at < $9)
             ORDER BY id DESC LIMIT $10",
            self.org.uuid(),
            after.map(Cursor::uuid),
            filter.visible_to.map(UserId::uuid),
            filter.user,
            filter.connection,
            filter.kind.map(ConnectionType::as_str),
            filter.state,
            filter.from,
            filter.until,
            i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
        )
        .fetch_all(&self.pool)
        .await?;
        let rows: Vec<Session> = rows.into_iter().map(Session::try_from).collect::<Result<_>>()?;
        Ok(Page::of(rows, limit, |session| session.id.uuid()))
    }

    /// How many sessions the filter matches, at most `cap`: counting a million rows for a
    /// list's heading is not worth it.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_count(&self, filter: &SessionFilter, cap: i64) -> Result<i64> {
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM (
                 SELECT FROM sessions
                 WHERE org_id = $1
                   AND ($2::uuid IS NULL OR user_id = $2)
                   AND ($3::text IS NULL OR user_email = lower($3) OR user_id::text = $3)
                   AND ($4::text IS NULL OR connection_name = $4)
                   AND ($5::text IS NULL OR connection_type = $5)
                   AND ($6::text IS NULL OR state = $6)
                   AND ($7::timestamptz IS NULL OR $7 <= authorized_at)
                   AND ($8::timestamptz IS NULL OR authorized_at < $8)
                 LIMIT $9) AS matching"#,
            self.org.uuid(),
            filter.visible_to.map(UserId::uuid),
            filter.user,
            filter.connection,
            filter.kind.map(ConnectionType::as_str),
            filter.state,
            filter.from,
            filter.until,
            cap
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(count)
    }
}
