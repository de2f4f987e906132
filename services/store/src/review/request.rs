//! Asking for access.

use chrono::{DateTime, Utc};
use hoop_domain::{
    ConnectionId, ConnectionName, GroupName, InputHash, ReviewId, ReviewKind, ReviewRule, UserId,
};
use sqlx::PgConnection;

use crate::{Error, OrgStore, Result, outbox};

/// Requests of one user that may wait at once: reviewers are told of each.
const MOST_PENDING: i64 = 20;

/// A request to be.
#[derive(Debug, Clone)]
pub struct NewReview<'a> {
    /// What it is for.
    pub kind: ReviewKind,
    /// Who asks.
    pub user: UserId,
    /// The user's address.
    pub user_email: &'a str,
    /// The user's name.
    pub user_name: &'a str,
    /// For what.
    pub connection: ConnectionId,
    /// Its name.
    pub connection_name: &'a ConnectionName,
    /// The connection's command.
    pub command: &'a [String],
    /// The arguments after it.
    pub arguments: &'a [String],
    /// What it would read, and the digest of all, where it is for one command.
    pub input: Option<(&'a [u8], InputHash)>,
    /// Who has to say yes.
    pub rule: &'a ReviewRule,
    /// How long an approval holds.
    pub seconds: u32,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requested {
    /// The request.
    pub id: ReviewId,
    /// Whether it is new; otherwise the same had been asked for before.
    pub new: bool,
}

impl OrgStore {
    /// Asks for access, once however often it is asked for, and has the reviewers told.
    ///
    /// # Errors
    /// [`Error::Conflict`] when too many requests of this user wait already.
    pub async fn review_request(&self, new: &NewReview<'_>) -> Result<Requested> {
        let mut tx = self.pool.begin().await?;
        // One request of a user after another, so that the count below is right.
        sqlx::query!(
            "SELECT id FROM users WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self.org.uuid(),
            new.user.uuid()
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NotFound { what: "user" })?;
        if let Some(id) = self.pending(&mut tx, new).await? {
            return Ok(Requested { id, new: false });
        }
        let waiting = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM reviews
               WHERE org_id = $1 AND user_id = $2 AND status = 'PENDING'"#,
            self.org.uuid(),
            new.user.uuid()
        )
        .fetch_one(&mut *tx)
        .await?;
        if MOST_PENDING <= waiting {
            return Err(Error::Conflict {
                what: "20 requests of yours wait for an approval already; reject some of them",
            });
        }
        let id = ReviewId::generate();
        self.insert(&mut tx, id, new).await?;
        self.review_created(&mut tx, id, new).await?;
        tx.commit().await?;
        Ok(Requested { id, new: true })
    }

    async fn pending(
        &self,
        conn: &mut PgConnection,
        new: &NewReview<'_>,
    ) -> Result<Option<ReviewId>> {
        let hash = new.input.map(|(_, hash)| *hash.as_bytes());
        let id = sqlx::query_scalar!(
            "SELECT id FROM reviews
             WHERE org_id = $1 AND user_id = $2 AND connection_id = $3 AND kind = $4
               AND coalesce(input_hash, '') = coalesce($5::bytea, '') AND status = 'PENDING'",
            self.org.uuid(),
            new.user.uuid(),
            new.connection.uuid(),
            new.kind.as_str(),
            hash.as_ref().map(<[u8; 32]>::as_slice)
        )
        .fetch_optional(conn)
        .await?;
        Ok(id.map(ReviewId::from_uuid))
    }

    async fn insert(
        &self,
        conn: &mut PgConnection,
        id: ReviewId,
        new: &NewReview<'_>,
    ) -> Result<()> {
        let hash = new.input.map(|(_, hash)| *hash.as_bytes());
        sqlx::query!(
            "INSERT INTO reviews (id, org_id, kind, status, user_id, user_email, user_name,
               connection_id, connection_name, command, arguments, input, input_hash, needed,
               force_groups, seconds, created_at)
             VALUES ($1, $2, $3, 'PENDING', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
               $16)",
            id.uuid(),
            self.org.uuid(),
            new.kind.as_str(),
            new.user.uuid(),
            new.user_email,
            new.user_name,
            new.connection.uuid(),
            new.connection_name.as_str(),
            new.command,
            new.arguments,
            new.input.map(|(input, _)| input),
            hash.as_ref().map(<[u8; 32]>::as_slice),
            i32::try_from(new.rule.needed()).unwrap_or(i32::MAX),
            &names(&new.rule.force_groups),
            i32::try_from(new.seconds).unwrap_or(i32::MAX),
            new.now
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "INSERT INTO review_votes (org_id, review_id, group_name)
             SELECT DISTINCT $1::uuid, $2::uuid, name FROM unnest($3::text[]) AS name",
            self.org.uuid(),
            id.uuid(),
            &names(&new.rule.reviewers)
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    /// Says whom the request waits for: the people in its groups, less the one who asks.
    async fn review_created(
        &self,
        conn: &mut PgConnection,
        id: ReviewId,
        new: &NewReview<'_>,
    ) -> Result<()> {
        let reviewers = sqlx::query_scalar!(
            "SELECT DISTINCT u.email FROM users u
               JOIN user_groups m ON m.user_id = u.id JOIN groups g ON g.id = m.group_id
             WHERE u.org_id = $1 AND u.active AND u.kind = 'person' AND u.id <> $2
               AND g.name = ANY($3)
             ORDER BY u.email LIMIT 100",
            self.org.uuid(),
            new.user.uuid(),
            &names(&new.rule.reviewers)
        )
        .fetch_all(&mut *conn)
        .await?;
        let body = serde_json::json!({
            "review": id.to_string(),
            "type": new.kind.as_str(),
            "user": new.user.to_string(),
            "user_email": new.user_email,
            "connection": new.connection.to_string(),
            "connection_name": new.connection_name.as_str(),
            "groups": names(&new.rule.reviewers),
            "access_seconds": new.seconds,
            "reviewers": reviewers,
        });
        outbox::append(conn, self.org.uuid(), "review.created", &body).await
    }
}

fn names(groups: &[GroupName]) -> Vec<String> {
    groups.iter().map(GroupName::to_string).collect()
}
