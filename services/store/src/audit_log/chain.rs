//! Completing lines, which is adding them to their organisation's chain.
//!
//! Whoever adds one holds the row of the chain's end, so there is one order of lines however
//! many processes write. A line whose process ended before it was completed is added later as
//! it is: without a status, which says that the deed may have been done.

use chrono::{DateTime, Utc};
use hoop_domain::{OrgId, UserId, audit_line::START, time};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Line, OpenLine, Row, Who};
use crate::{OrgStore, Result, Store, convert};

/// How a deed ended.
#[derive(Debug, Clone)]
pub struct Outcome<'a> {
    /// The HTTP status that was answered.
    pub status: u16,
    /// What was wrong, in words; nothing secret.
    pub error: &'a str,
    /// Who it turned out to be, where that was not known before.
    pub who: Option<&'a Who>,
    /// Now.
    pub at: DateTime<Utc>,
}

/// Lines of processes that are gone, at a time.
const ABANDONED_AT_ONCE: i64 = 100;

impl OrgStore {
    /// Completes a line and adds it to the chain.
    ///
    /// # Errors
    /// When the database is not available. The deed is done all the same.
    pub async fn audit_complete(&self, line: OpenLine, outcome: &Outcome<'_>) -> Result<()> {
        complete(&self.pool, self.org, line.0, Some(outcome)).await
    }

    /// Where the chain ends: how many lines it has, and its digest.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn audit_head(&self) -> Result<(u64, [u8; 32])> {
        let row = sqlx::query!(
            "SELECT position, digest FROM audit_heads WHERE org_id = $1",
            self.org.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok((0, START)) };
        Ok((convert::count(row.position), convert::bytes(&row.digest, "an audit head")?))
    }
}

impl Store {
    /// Adds lines to their chains that were begun before `before` and that nobody completed.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn audit_add_abandoned(&self, before: DateTime<Utc>) -> Result<usize> {
        let rows = sqlx::query!(
            "SELECT id, org_id FROM audit_log WHERE position IS NULL AND begun_at < $1
             ORDER BY begun_at LIMIT $2",
            before,
            ABANDONED_AT_ONCE
        )
        .fetch_all(self.pool())
        .await?;
        for row in &rows {
            complete(self.pool(), OrgId::from_uuid(row.org_id), row.id, None).await?;
        }
        Ok(rows.len())
    }
}

/// Adds the line `id`, unless it is in the chain already.
async fn complete(
    pool: &PgPool,
    org: OrgId,
    id: Uuid,
    outcome: Option<&Outcome<'_>>,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    let (position, previous) = end(&mut tx, org).await?;
    let row = sqlx::query_as!(
        Row,
        "SELECT id, org_id, actor_id, actor_subject, actor_email, actor_name, method, path,
           resource, action, client, payload, begun_at, completed_at, status, error_message,
           position, digest
         FROM audit_log WHERE org_id = $1 AND id = $2 AND position IS NULL",
        org.uuid(),
        id
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let mut line = Line::try_from(row)?.line;
    line.position = position.saturating_add(1);
    if let Some(outcome) = outcome {
        line.status = Some(outcome.status);
        outcome.error.clone_into(&mut line.error);
        // As exactly as it is stored.
        line.completed_at = Some(time::from_micros(time::to_micros(outcome.at)));
        if let Some(who) = outcome.who {
            line.actor = who.id;
            who.subject.clone_into(&mut line.subject);
            who.email.clone_into(&mut line.email);
            who.name.clone_into(&mut line.name);
        }
    }
    let digest = line.digest(&previous);
    let place = i64::try_from(line.position).unwrap_or(i64::MAX);
    sqlx::query!(
        "UPDATE audit_log SET completed_at = $3, status = $4, error_message = $5, actor_id = $6,
           actor_subject = $7, actor_email = $8, actor_name = $9, position = $10, digest = $11
         WHERE org_id = $1 AND id = $2",
        org.uuid(),
        id,
        line.completed_at,
        line.status.and_then(|status| i16::try_from(status).ok()),
        line.error,
        line.actor.map(UserId::uuid),
        line.subject,
        line.email,
        line.name,
        place,
        digest.as_slice()
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE audit_heads SET position = $2, digest = $3 WHERE org_id = $1",
        org.uuid(),
        place,
        digest.as_slice()
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The end of the chain, which nobody else moves until the transaction is over.
async fn end(conn: &mut PgConnection, org: OrgId) -> Result<(u64, [u8; 32])> {
    loop {
        let row = sqlx::query!(
            "SELECT position, digest FROM audit_heads WHERE org_id = $1 FOR UPDATE",
            org.uuid()
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(row) = row {
            let digest = convert::bytes(&row.digest, "an audit head")?;
            return Ok((convert::count(row.position), digest));
        }
        sqlx::query!(
            "INSERT INTO audit_heads (org_id, position, digest) VALUES ($1, 0, $2)
             ON CONFLICT (org_id) DO NOTHING",
            org.uuid(),
            START.as_slice()
        )
        .execute(&mut *conn)
        .await?;
    }
}
