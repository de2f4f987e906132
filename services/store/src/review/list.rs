//! Finding requests.

use chrono::{DateTime, Utc};
use hoop_domain::{
    ConnectionId, GroupName, InputHash, OrgId, ReviewId, ReviewKind, ReviewStatus, SessionId,
    UserId,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Person, Review, Row, Vote};
use crate::{Cursor, Error, OrgStore, Page, Result, Store, convert, page::fetched};

/// Which requests; `None` is all of them.
#[derive(Debug, Clone, Default)]
pub struct ReviewFilter {
    /// Only those of this user, and those that these groups have a say in.
    pub visible_to: Option<(UserId, Vec<GroupName>)>,
    /// Of this kind.
    pub kind: Option<ReviewKind>,
    /// With this status.
    pub status: Option<ReviewStatus>,
    /// Of the user with this address or id.
    pub user: Option<String>,
    /// For the connection of this name.
    pub connection: Option<String>,
}

impl ReviewFilter {
    fn parts(&self) -> (Option<Uuid>, Vec<String>) {
        match &self.visible_to {
            Some((user, groups)) => {
                (Some(user.uuid()), groups.iter().map(GroupName::to_string).collect())
            }
            None => (None, Vec::new()),
        }
    }
}

/// The columns of requests that are so, with `input` as it is given.
macro_rules! select {
    ($input:tt, $condition:tt, $($argument:expr),*) => {
        sqlx::query_as!(
            Row,
            "SELECT id, org_id, kind, status, user_id, user_email, user_name, connection_id,
               connection_name, command, arguments, " + $input + r#" AS "input?",
               input_hash, needed, force_groups, seconds, window_start, window_end, decided_by,
               decided_by_email, decided_at, rejection_reason, ends_at, session_id, created_at
             FROM reviews r "# + $condition,
            $($argument),*
        )
    };
}

impl OrgStore {
    /// A page of requests, the newest first, without their inputs.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn review_list(
        &self,
        filter: &ReviewFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Review>> {
        let (user, groups) = filter.parts();
        let rows = select!(
            "NULL::bytea",
            "WHERE org_id = $1
               AND ($2::uuid IS NULL OR id < $2)
               AND ($3::uuid IS NULL OR user_id = $3 OR force_groups && $4
                 OR EXISTS (SELECT FROM review_votes v
                            WHERE v.review_id = r.id AND v.group_name = ANY($4)))
               AND ($5::text IS NULL OR kind = $5)
               AND ($6::text IS NULL OR status = $6)
               AND ($7::text IS NULL OR user_email = lower($7) OR user_id::text = $7)
               AND ($8::text IS NULL OR connection_name = $8)
             ORDER BY id DESC LIMIT $9",
            self.org.uuid(),
            after.map(Cursor::uuid),
            user,
            &groups,
            filter.kind.map(ReviewKind::as_str),
            filter.status.map(ReviewStatus::as_str),
            filter.user,
            filter.connection,
            fetched(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        let mut reviews: Vec<Review> =
            rows.into_iter().map(Review::try_from).collect::<Result<_>>()?;
        let mut conn = self.pool.acquire().await?;
        fill(&mut conn, &mut reviews).await?;
        Ok(Page::of(reviews, limit, |review| review.id.uuid()))
    }

    /// The request with this id, if it is visible and of this kind.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn review_fetch(&self, id: ReviewId, filter: &ReviewFilter) -> Result<Review> {
        let (user, groups) = filter.parts();
        let row = select!(
            "input",
            "WHERE org_id = $1 AND id = $2
               AND ($3::uuid IS NULL OR user_id = $3 OR force_groups && $4
                 OR EXISTS (SELECT FROM review_votes v
                            WHERE v.review_id = r.id AND v.group_name = ANY($4)))
               AND ($5::text IS NULL OR kind = $5)",
            self.org.uuid(),
            id.uuid(),
            user,
            &groups,
            filter.kind.map(ReviewKind::as_str)
        )
        .fetch_optional(&self.pool)
        .await?;
        let mut review: Review = row.ok_or(Error::NotFound { what: "review" })?.try_into()?;
        let mut conn = self.pool.acquire().await?;
        fill(&mut conn, std::slice::from_mut(&mut review)).await?;
        Ok(review)
    }

    /// What has been approved for this user and connection and is not over, the one that
    /// ends last first. Of commands only that with this digest. What `session` has used is still
    /// its own.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn review_approved(
        &self,
        user: UserId,
        connection: ConnectionId,
        kind: ReviewKind,
        hash: Option<InputHash>,
        session: Option<SessionId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Review>> {
        let rows = select!(
            "NULL::bytea",
            "WHERE org_id = $1 AND user_id = $2 AND connection_id = $3 AND kind = $4
               AND coalesce(input_hash, '') = coalesce($5::bytea, '')
               AND (status = 'APPROVED' OR status = 'PROCESSING' AND session_id = $7)
               AND $6 < ends_at
             ORDER BY ends_at DESC LIMIT 20",
            self.org.uuid(),
            user.uuid(),
            connection.uuid(),
            kind.as_str(),
            hash.as_ref().map(|hash| hash.as_bytes().as_slice()),
            now,
            session.map(SessionId::uuid)
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Review::try_from).collect()
    }

    /// The request with this id, which nobody else decides about meanwhile.
    pub(super) async fn review_locked(
        &self,
        conn: &mut PgConnection,
        id: ReviewId,
    ) -> Result<Review> {
        let row = select!(
            "NULL::bytea",
            "WHERE org_id = $1 AND id = $2 FOR UPDATE",
            self.org.uuid(),
            id.uuid()
        )
        .fetch_optional(&mut *conn)
        .await?;
        let mut review: Review = row.ok_or(Error::NotFound { what: "review" })?.try_into()?;
        fill(conn, std::slice::from_mut(&mut review)).await?;
        Ok(review)
    }
}

impl Store {
    /// Requests of all organisations that have waited since this time or longer, the oldest
    /// `limit` of them.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn review_overdue(
        &self,
        since: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<(OrgId, ReviewId)>> {
        let rows = sqlx::query!(
            "SELECT org_id, id FROM reviews WHERE status = 'PENDING' AND created_at <= $1
             ORDER BY created_at LIMIT $2",
            since,
            limit
        )
        .fetch_all(self.pool())
        .await?;
        let ids = rows.into_iter();
        Ok(ids.map(|row| (OrgId::from_uuid(row.org_id), ReviewId::from_uuid(row.id))).collect())
    }
}

/// Adds what the groups say.
async fn fill(conn: &mut PgConnection, reviews: &mut [Review]) -> Result<()> {
    let ids: Vec<Uuid> = reviews.iter().map(|review| review.id.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT review_id, group_name, verdict, user_id, user_email, user_name, at, forced,
           user_groups
         FROM review_votes WHERE review_id = ANY($1) ORDER BY group_name",
        &ids
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let review = reviews.iter_mut().find(|review| review.id.uuid() == row.review_id);
        let vote = Vote {
            group: convert::parse(&row.group_name, "a group's name")?,
            yes: match row.verdict.as_deref() {
                None => None,
                Some("APPROVED") => Some(true),
                Some("REJECTED") => Some(false),
                Some(_) => return Err(Error::corrupt("a vote")),
            },
            by: row.user_id.map(|id| Person {
                id: UserId::from_uuid(id),
                email: row.user_email.unwrap_or_default(),
                name: row.user_name.unwrap_or_default(),
            }),
            at: row.at,
            forced: row.forced,
            groups: convert::parse_all(&row.user_groups, "a group's name")?,
        };
        if let Some(review) = review {
            review.votes.push(vote);
        }
    }
    Ok(())
}
