//! Reading the audit log: the newest first for people, in the order of the chain for those who
//! verify or keep it.

use chrono::{DateTime, Utc};

use super::{Line, Row};
use crate::{Cursor, OrgStore, Page, Result, page::fetched};

/// Which lines; `None` is all of them.
#[derive(Debug, Clone, Default)]
pub struct LineFilter {
    /// The actor's id, subject, e-mail address or name.
    pub actor: Option<String>,
    /// What it was done to.
    pub resource: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// Whether it was done.
    pub succeeded: Option<bool>,
    /// Begun at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Begun before this time.
    pub until: Option<DateTime<Utc>>,
}

/// Every column of lines that are so.
macro_rules! select {
    ($condition:tt, $filter:expr, $($argument:expr),*) => {
        sqlx::query_as!(
            Row,
            "SELECT id, org_id, actor_id, actor_subject, actor_email, actor_name, method, path,
               resource, action, client, payload, begun_at, completed_at, status, error_message,
               position, digest
             FROM audit_log
             WHERE ($1::text IS NULL OR actor_email = lower($1) OR actor_id::text = $1
                 OR actor_subject = $1 OR actor_name = $1)
               AND ($2::text IS NULL OR resource = $2)
               AND ($3::text IS NULL OR action = $3)
               AND ($4::boolean IS NULL OR $4 = COALESCE(status < 400, false))
               AND ($5::timestamptz IS NULL OR $5 <= begun_at)
               AND ($6::timestamptz IS NULL OR begun_at < $6) " + $condition,
            $filter.actor,
            $filter.resource,
            $filter.action,
            $filter.succeeded,
            $filter.from,
            $filter.until,
            $($argument),*
        )
    };
}

impl OrgStore {
    /// A page of lines, the newest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn audit_list(
        &self,
        filter: &LineFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Line>> {
        let rows = select!(
            "AND org_id = $7 AND ($8::uuid IS NULL OR id < $8) ORDER BY id DESC LIMIT $9",
            filter,
            self.org.uuid(),
            after.map(Cursor::uuid),
            fetched(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        let rows: Vec<Line> = rows.into_iter().map(Line::try_from).collect::<Result<_>>()?;
        Ok(Page::of(rows, limit, |line| line.line.id.uuid()))
    }

    /// At most `limit` lines of the chain behind the position `after`, in its order.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn audit_chain(
        &self,
        filter: &LineFilter,
        after: u64,
        limit: i64,
    ) -> Result<Vec<Line>> {
        let rows = select!(
            "AND org_id = $7 AND $8 < position ORDER BY position LIMIT $9",
            filter,
            self.org.uuid(),
            i64::try_from(after).unwrap_or(i64::MAX),
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Line::try_from).collect()
    }
}
