//! One decision at a time: the row is locked while somebody decides, so that of several who
//! vote at once none is forgotten.

use chrono::{DateTime, Utc};
use hoop_domain::{EndReason, GroupName, ReviewId, ReviewStatus, SessionId, TimeWindow};
use sqlx::{Postgres, Transaction};

use super::{Person, Review, Vote};
use crate::{Error, OrgStore, Result, outbox, session::Kill};

/// A request that nobody else decides about. Dropped, it stays as it is.
#[derive(Debug)]
#[must_use = "until it is dropped nobody else decides"]
pub struct ReviewLock {
    /// The request as it is.
    pub review: Review,
    tx: Transaction<'static, Postgres>,
}

/// What becomes of it.
#[derive(Debug, Clone)]
pub struct ReviewChange {
    /// Where it is from now on.
    pub status: ReviewStatus,
    /// Who decided; nobody when it has waited too long.
    pub by: Option<Person>,
    /// When.
    pub at: DateTime<Utc>,
    /// What is said from now on for groups for which it was something else before.
    pub votes: Vec<Vote>,
    /// The hours of the day in which an approval holds.
    pub window: Option<TimeWindow>,
    /// When the approval ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// Why it was rejected or revoked; may be empty.
    pub reason: String,
}

impl OrgStore {
    /// Waits until nobody else decides about this request.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn review_lock(&self, id: ReviewId) -> Result<ReviewLock> {
        let mut tx = self.pool.begin().await?;
        let review = self.review_locked(&mut tx, id).await?;
        Ok(ReviewLock { review, tx })
    }
}

impl ReviewLock {
    /// Makes it so, and has everybody told. Returns the sessions that end because of it.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn save(mut self, change: &ReviewChange) -> Result<Vec<Kill>> {
        self.save_votes(change).await?;
        self.save_status(change).await?;
        let moved = self.review.status != change.status;
        let kills = match change.status {
            ReviewStatus::Revoked if moved => self.end_sessions(change).await?,
            _ => Vec::new(),
        };
        if let Some(kind) = event(change.status).filter(|_| moved) {
            let body = self.told(change);
            outbox::append(&mut self.tx, self.review.org.uuid(), kind, &body).await?;
        }
        self.tx.commit().await?;
        Ok(kills)
    }

    async fn save_votes(&mut self, change: &ReviewChange) -> Result<()> {
        for vote in &change.votes {
            let groups: Vec<String> = vote.groups.iter().map(GroupName::to_string).collect();
            let verdict = vote.yes.map(|yes| if yes { "APPROVED" } else { "REJECTED" });
            sqlx::query!(
                "UPDATE review_votes SET verdict = $3, user_id = $4, user_email = $5,
                   user_name = $6, at = $7, forced = $8, user_groups = $9
                 WHERE review_id = $1 AND group_name = $2",
                self.review.id.uuid(),
                vote.group.as_str(),
                verdict,
                vote.by.as_ref().map(|by| by.id.uuid()),
                vote.by.as_ref().map(|by| by.email.as_str()),
                vote.by.as_ref().map(|by| by.name.as_str()),
                vote.at,
                vote.forced,
                &groups
            )
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(())
    }

    async fn save_status(&mut self, change: &ReviewChange) -> Result<()> {
        // One vote of several decides nothing yet.
        let decided = (change.status != ReviewStatus::Pending).then_some(change);
        let by = decided.and_then(|change| change.by.as_ref());
        let done = sqlx::query!(
            "UPDATE reviews SET status = $2, window_start = $3, window_end = $4,
               decided_by = $5, decided_by_email = $6, decided_at = $7,
               rejection_reason = $8, ends_at = COALESCE($9, ends_at)
             WHERE id = $1",
            self.review.id.uuid(),
            change.status.as_str(),
            change.window.map(|window| window.start()),
            change.window.map(|window| window.end()),
            by.map(|by| by.id.uuid()),
            by.map(|by| by.email.as_str()),
            decided.map(|change| change.at),
            change.reason,
            change.ends_at
        )
        .execute(&mut *self.tx)
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound { what: "review" }) }
    }

    /// Has the live sessions that stand on it ended.
    async fn end_sessions(&mut self, change: &ReviewChange) -> Result<Vec<Kill>> {
        let reason = EndReason::AccessRevoked;
        let by = change.by.as_ref().map(|by| by.email.as_str()).unwrap_or_default();
        let message = match change.reason.as_str() {
            "" => format!("the approval was revoked by {by}"),
            why => format!("the approval was revoked by {by}: {why}"),
        };
        let ids = sqlx::query_scalar!(
            "UPDATE sessions SET kill_reason = $2, kill_message = $3
             WHERE review_id = $1 AND state <> 'done' AND kill_reason IS NULL RETURNING id",
            self.review.id.uuid(),
            reason.as_str(),
            message
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let kill =
            |id| Kill { session: SessionId::from_uuid(id), reason, message: message.clone() };
        Ok(ids.into_iter().map(kill).collect())
    }

    fn told(&self, change: &ReviewChange) -> serde_json::Value {
        let review = &self.review;
        serde_json::json!({
            "review": review.id.to_string(),
            "type": review.kind.as_str(),
            "user": review.user.id.to_string(),
            "user_email": review.user.email,
            "connection": review.connection.to_string(),
            "connection_name": review.connection_name.as_str(),
            "decided_by": change.by.as_ref().map(|by| by.email.as_str()),
            "reason": change.reason,
            "ends_at": change.ends_at,
            "time_window": change.window.map(|window| window.to_string()),
        })
    }
}

const fn event(status: ReviewStatus) -> Option<&'static str> {
    match status {
        ReviewStatus::Approved => Some("review.approved"),
        ReviewStatus::Rejected => Some("review.rejected"),
        ReviewStatus::Revoked => Some("review.revoked"),
        ReviewStatus::Pending | ReviewStatus::Processing | ReviewStatus::Executed => None,
    }
}
