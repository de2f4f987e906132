//! Sessions that have to end: found again and again, so that none stays open for ever.
//!
//! To kill is to write down why; the edge that holds the session is told until the
//! session is over, and the audit-writer then writes its end. Only sessions that no edge
//! holds any more are ended here. All of this is idempotent and safe in several processes.

use chrono::{DateTime, Utc};
use hoop_domain::{EndReason, SessionId};
use uuid::Uuid;

use crate::{OrgStore, Result, Store, convert};

/// A session that has to end, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    /// The session.
    pub session: SessionId,
    /// Why.
    pub reason: EndReason,
    /// What its user is told.
    pub message: String,
}

impl Kill {
    /// A kill with the reason's standard sentence.
    #[must_use]
    pub fn of(session: SessionId, reason: EndReason) -> Self {
        Self { session, reason, message: reason.message().into() }
    }
}

impl OrgStore {
    /// Writes down that a session has to end. Returns whether it was live and unkilled.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_kill(&self, kill: &Kill) -> Result<bool> {
        let done = sqlx::query!(
            "UPDATE sessions SET kill_reason = $3, kill_message = $4
             WHERE org_id = $1 AND id = $2 AND state <> 'done' AND kill_reason IS NULL",
            self.org.uuid(),
            kill.session.uuid(),
            kill.reason.as_str(),
            kill.message
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Store {
    /// Takes down which sessions `edge` holds; returns those that it should not hold.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_seen(
        &self,
        edge: &str,
        sessions: &[SessionId],
        now: DateTime<Utc>,
    ) -> Result<Vec<Kill>> {
        let ids: Vec<Uuid> = sessions.iter().map(|session| session.uuid()).collect();
        sqlx::query!(
            "UPDATE sessions SET seen_at = $3, edge = $2 WHERE id = ANY($1) AND state <> 'done'",
            &ids,
            edge,
            now
        )
        .execute(self.pool())
        .await?;
        // A session that is not on record at all must not go on either.
        let rows = sqlx::query!(
            r#"SELECT given AS "given!",
                 CASE WHEN s.id IS NULL THEN 'killed'
                      WHEN s.state = 'done' THEN s.end_reason
                      WHEN s.kill_reason IS NOT NULL THEN s.kill_reason
                      ELSE 'expired' END AS "reason!",
                 CASE WHEN s.state = 'done' THEN s.end_message ELSE s.kill_message END AS message
               FROM unnest($1::uuid[]) AS given LEFT JOIN sessions s ON s.id = given
               WHERE s.id IS NULL OR s.state = 'done' OR s.kill_reason IS NOT NULL
                 OR s.not_after <= $2"#,
            &ids,
            now
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(|row| kill(row.given, &row.reason, row.message)).collect()
    }

    /// Sessions that no edge has reported since `cutoff`, 500 at most, and whether the recording
    /// of each has begun.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_unheld(&self, cutoff: DateTime<Utc>) -> Result<Vec<(SessionId, bool)>> {
        let rows = sqlx::query!(
            r#"SELECT id, state = 'open' AS "opened!" FROM sessions
               WHERE state <> 'done' AND authorized_at < $1 AND seen_at < $1
               ORDER BY seen_at LIMIT 500"#,
            cutoff
        )
        .fetch_all(self.pool())
        .await?;
        Ok(rows.into_iter().map(|row| (SessionId::from_uuid(row.id), row.opened)).collect())
    }

    /// These sessions are over, and the audit-writer will close them: they take nobody's place
    /// and are looked at again later.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_wait_for_writer(
        &self,
        sessions: &[SessionId],
        now: DateTime<Utc>,
    ) -> Result<()> {
        let ids: Vec<Uuid> = sessions.iter().map(|session| session.uuid()).collect();
        sqlx::query!(
            "UPDATE sessions SET seen_at = $2, over_at = coalesce(over_at, $2)
             WHERE id = ANY($1) AND state <> 'done'",
            &ids,
            now
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Marks the sessions that have outlived their time or their access, and returns those
    /// that were not marked before.
    ///
    /// This repeats in SQL what `hoop_policy::access` decides about one session, so that
    /// taking access away is noticed without asking about every live session one by one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_kill_unfounded(&self, now: DateTime<Utc>) -> Result<Vec<Kill>> {
        let rows = sqlx::query!(
            r#"UPDATE sessions s SET kill_reason = due.reason
               FROM (
                 SELECT l.id, CASE
                     WHEN l.not_after <= $1 THEN 'expired'
                     WHEN a.revoked_at IS NOT NULL THEN 'agent_revoked'
                     WHEN u.id IS NULL OR NOT u.active OR c.id IS NULL
                       OR NOT CASE
                         WHEN l.runbook IS NOT NULL THEN c.mode_runbooks
                           AND EXISTS (SELECT FROM plugin_connections x
                               JOIN plugins p ON p.id = x.plugin_id
                             WHERE x.connection_id = l.connection_id AND p.name = 'runbooks')
                         WHEN l.verb = 'exec' THEN c.mode_exec
                         ELSE c.mode_connect END
                       OR (l.credential_id IS NOT NULL
                           AND NOT EXISTS (SELECT FROM credentials k
                             WHERE k.id = l.credential_id AND k.revoked_at IS NULL))
                       OR (l.token_id IS NOT NULL
                           AND NOT EXISTS (SELECT FROM api_tokens t WHERE t.id = l.token_id)
                           AND NOT EXISTS (SELECT FROM api_keys p
                             WHERE p.id = l.token_id AND p.revoked_at IS NULL))
                       OR (l.review_id IS NOT NULL
                           AND NOT EXISTS (SELECT FROM reviews r WHERE r.id = l.review_id
                             AND r.status IN ('APPROVED', 'PROCESSING', 'EXECUTED')))
                       OR EXISTS (SELECT FROM plugin_connections x
                             JOIN plugins p ON p.id = x.plugin_id
                           WHERE x.connection_id = l.connection_id AND p.name = 'access_control'
                             AND NOT EXISTS (SELECT FROM user_groups m
                               JOIN groups g ON g.id = m.group_id
                               WHERE m.user_id = l.user_id
                                 AND (g.name = 'admin' OR g.name = ANY(x.config))))
                       OR NOT EXISTS (SELECT FROM user_groups m JOIN groups g ON g.id = m.group_id
                             WHERE m.user_id = l.user_id AND (g.name = 'admin'
                               OR EXISTS (SELECT FROM connection_groups o
                                 WHERE o.connection_id = l.connection_id
                                   AND o.group_id = m.group_id)))
                       THEN 'access_revoked'
                   END AS reason
                 FROM sessions l
                   LEFT JOIN users u ON u.id = l.user_id
                   LEFT JOIN connections c ON c.id = l.connection_id
                   LEFT JOIN agents a ON a.id = l.agent_id
                 WHERE l.state <> 'done' AND l.kill_reason IS NULL
               ) due
               WHERE s.id = due.id AND due.reason IS NOT NULL
                 AND s.state <> 'done' AND s.kill_reason IS NULL
               RETURNING s.id, s.kill_reason AS "reason!""#,
            now
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(|row| kill(row.id, &row.reason, None)).collect()
    }
}

fn kill(session: Uuid, reason: &str, message: Option<String>) -> Result<Kill> {
    let reason: EndReason = convert::parse(reason, "a session's end reason")?;
    let message =
        message.filter(|text| !text.is_empty()).unwrap_or_else(|| reason.message().into());
    Ok(Kill { session: SessionId::from_uuid(session), reason, message })
}
