//! The two steps in a session's life, as part of the transaction that makes them true.
//!
//! The audit-writer takes them together with the recording, the sweeps take the second
//! one for sessions that nobody else will end. The first end stands.

use chrono::{DateTime, Utc};
use hoop_domain::{EndReason, SessionId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Result, Store, outbox, review::review_executed_on_conn};

impl Store {
    /// The first packet of a session is recorded. Returns whether the session was opening.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_open(&self, session: SessionId, at: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.pool().begin().await?;
        let opened = session_open_on_conn(&mut tx, session, at).await?;
        tx.commit().await?;
        Ok(opened)
    }

    /// These sessions are over for those in them: from now on they take nobody's place, even
    /// when it is long until their recordings are finished and their rows closed.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_over(&self, sessions: &[SessionId], now: DateTime<Utc>) -> Result<()> {
        let ids: Vec<Uuid> = sessions.iter().map(|session| session.uuid()).collect();
        sqlx::query!(
            "UPDATE sessions SET over_at = $2
             WHERE id = ANY($1) AND state <> 'done' AND over_at IS NULL",
            &ids,
            now
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// A session is over. Returns whether it was not over before; the first end stands.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_close(
        &self,
        session: SessionId,
        reason: EndReason,
        message: &str,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let mut tx = self.pool().begin().await?;
        let closed = session_close_on_conn(&mut tx, session, reason, message, at).await?;
        tx.commit().await?;
        Ok(closed)
    }
}

/// The event of a session's end; each session has one, so that nobody is told twice.
const fn ended(reason: EndReason) -> &'static str {
    use EndReason as R;
    match reason {
        R::ClientClosed | R::TargetClosed | R::Expired | R::IdleTimeout | R::Drained => {
            "session.closed"
        }
        R::Killed | R::AccessRevoked | R::AgentRevoked => "session.killed",
        _ => "session.failed",
    }
}

/// The first packet of a session is recorded. Returns whether the session was opening.
///
/// # Errors
/// When the database is not available.
pub(crate) async fn session_open_on_conn(
    conn: &mut PgConnection,
    session: SessionId,
    at: DateTime<Utc>,
) -> Result<bool> {
    let row = sqlx::query!(
        "UPDATE sessions SET state = 'open', opened_at = $2
         WHERE id = $1 AND state = 'opening'
         RETURNING org_id, user_id, user_email, connection_id, connection_name, client_address",
        session.uuid(),
        at
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let body = serde_json::json!({
        "session": session.to_string(),
        "user": row.user_id,
        "user_email": row.user_email,
        "connection": row.connection_id,
        "connection_name": row.connection_name,
        "client_address": row.client_address,
        "opened_at": at,
    });
    outbox::append(conn, row.org_id, "session.opened", &body).await?;
    Ok(true)
}

/// A session is over. Returns whether it was not over before; the first end stands.
///
/// # Errors
/// When the database is not available.
pub(crate) async fn session_close_on_conn(
    conn: &mut PgConnection,
    session: SessionId,
    reason: EndReason,
    message: &str,
    at: DateTime<Utc>,
) -> Result<bool> {
    // An endpoint may have said it, and PostgreSQL holds no NUL.
    let message = message.replace('\0', "\u{fffd}");
    // First, because who revokes an approval takes its row before those of its sessions.
    review_executed_on_conn(conn, session, reason).await?;
    let row = sqlx::query!(
        "UPDATE sessions SET state = 'done', closed_at = $2, end_reason = $3, end_message = $4
         WHERE id = $1 AND state <> 'done'
         RETURNING org_id, user_id, user_email, connection_id, connection_name, opened_at",
        session.uuid(),
        at,
        reason.as_str(),
        message
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let body = serde_json::json!({
        "session": session.to_string(),
        "user": row.user_id,
        "user_email": row.user_email,
        "connection": row.connection_id,
        "connection_name": row.connection_name,
        "opened_at": row.opened_at,
        "closed_at": at,
        "reason": reason.as_str(),
        "message": message,
    });
    outbox::append(conn, row.org_id, ended(reason), &body).await?;
    Ok(true)
}

/// How the session's command ended. The last one stands, when there were several.
///
/// # Errors
/// When the database is not available.
pub(crate) async fn session_exit_on_conn(
    conn: &mut PgConnection,
    session: SessionId,
    code: i32,
) -> Result<()> {
    sqlx::query!("UPDATE sessions SET exit_code = $2 WHERE id = $1", session.uuid(), code)
        .execute(conn)
        .await?;
    Ok(())
}
