//! Finding sessions.

use chrono::{DateTime, Utc};
use hoop_domain::{ConnectionType, SessionId, UserId, session::Verb};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Row, Session};
use crate::{Cursor, Error, OrgStore, Page, Result, page::fetched};

/// Which sessions; `None` is all of them.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Only this user's: what the one who asks may see.
    pub visible_to: Option<UserId>,
    /// The user's id or e-mail address.
    pub user: Option<String>,
    /// The connection's name.
    pub connection: Option<String>,
    /// The connection's type is one of these.
    pub kinds: Option<Vec<ConnectionType>>,
    /// The agent's id or name.
    pub agent: Option<String>,
    /// What it was opened for.
    pub verb: Option<Verb>,
    /// `opening`, `open` or `done`.
    pub state: Option<String>,
    /// Allowed at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Allowed before this time.
    pub until: Option<DateTime<Utc>>,
}

impl SessionFilter {
    // An id and a name are found by different indexes, so a query asks for one of them.

    fn user_id(&self) -> Option<Uuid> {
        self.user.as_deref().and_then(|text| text.parse().ok())
    }

    fn user_email(&self) -> Option<&str> {
        self.user.as_deref().filter(|_| self.user_id().is_none())
    }

    fn agent_id(&self) -> Option<Uuid> {
        self.agent.as_deref().and_then(|text| text.parse().ok())
    }

    fn agent_name(&self) -> Option<&str> {
        self.agent.as_deref().filter(|_| self.agent_id().is_none())
    }

    /// The types that are asked for, which are all unless it is said.
    fn kinds(&self) -> Vec<String> {
        let kinds = self.kinds.as_deref().unwrap_or(&ConnectionType::ALL);
        kinds.iter().map(|kind| kind.as_str().to_owned()).collect()
    }

    /// The verbs that are asked for, likewise.
    fn verbs(&self) -> Vec<String> {
        let verbs = self.verb.map_or_else(|| Verb::ALL.to_vec(), |verb| vec![verb]);
        verbs.iter().map(|verb| verb.as_str().to_owned()).collect()
    }
}

/// Every column of sessions that are so.
macro_rules! select {
    ($condition:tt, $($argument:expr),*) => {
        sqlx::query_as!(
            Row,
            "SELECT id, org_id, user_id, user_email, user_name, connection_id, connection_name,
               connection_type, agent_id, agent_name, credential_id, token_id, review_id, verb,
               runbook, command,
               client_address, client_application, state, authorized_at, opened_at, closed_at,
               end_reason, end_message, not_after, edge, exit_code, annotations
             FROM sessions " + $condition,
            $($argument),*
        )
    };
}

/// `ids` or `count` of what a filter asks for. Whose and of what a session is stands here once: a
/// parameter, which is null when it is not asked for, and what is true of such sessions.
macro_rules! asked {
    ($query:ident, $store:expr, $filter:expr, $($argument:expr),*) => {
        $query!(
            [
                ("$2::uuid", "user_id = $2"),
                ("$3::uuid", "user_id = $3"),
                ("$4::text", "user_email = lower($4)"),
                ("$5::text", "connection_name = $5"),
                ("$6::uuid", "agent_id = $6"),
                ("$7::text", "agent_name = $7")
            ],
            " AND ($8::text IS NULL OR state = $8)
              AND ($9::timestamptz IS NULL OR $9 <= authorized_at)
              AND ($10::timestamptz IS NULL OR authorized_at < $10)",
            $store.org.uuid(),
            $filter.visible_to.map(UserId::uuid),
            $filter.user_id(),
            $filter.user_email(),
            $filter.connection,
            $filter.agent_id(),
            $filter.agent_name(),
            $filter.state,
            $filter.from,
            $filter.until,
            &$filter.kinds(),
            &$filter.verbs(),
            $($argument),*
        )
    };
}

/// The ids of the newest that come after another one, and at most so many.
macro_rules! ids {
    ([$(($given:tt, $is:tt)),*], $when:tt, $($argument:expr),*) => {
        sqlx::query_scalar!(
            r#"SELECT newest.id AS "id!"
               FROM unnest($11::text[]) AS kinds (name)
                 CROSS JOIN unnest($12::text[]) AS verbs (name)
                 CROSS JOIN LATERAL (
                   SELECT id, authorized_at FROM sessions
                   WHERE org_id = $1 AND connection_type = kinds.name AND verb = verbs.name
                     AND ($13::uuid IS NULL OR (authorized_at, id)
                       < ((SELECT authorized_at FROM sessions
                           WHERE org_id = $1 AND id = $13), $13))"#
                + $when $(+ " AND (" + $given + " IS NULL OR " + $is + ")")*
                + " ORDER BY authorized_at DESC, id DESC LIMIT $14) AS newest
               WHERE true"
                $(+ " AND (" + $given + " IS NULL OR (SELECT true FROM sessions
                   WHERE org_id = $1 AND connection_type = kinds.name AND verb = verbs.name
                     AND " + $is + " LIMIT 1))")*
                + " ORDER BY newest.authorized_at DESC, newest.id DESC LIMIT $14",
            $($argument),*
        )
    };
}

/// How many there are, at most so many.
macro_rules! count {
    ([$(($given:tt, $is:tt)),*], $when:tt, $($argument:expr),*) => {
        sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM (
                 SELECT FROM sessions
                 WHERE org_id = $1 AND connection_type = ANY($11) AND verb = ANY($12)"#
                + $when $(+ " AND (" + $given + " IS NULL OR " + $is + ")")*
                + " LIMIT $13) AS matching",
            $($argument),*
        )
    };
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
        let row = select!(
            "WHERE org_id = $1 AND id = $2 AND ($3::uuid IS NULL OR user_id = $3)",
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
        let mut planned = self.planned().await?;
        let ids = self.ids(&mut planned, filter, after, fetched(limit)).await?;
        let rows = select!(
            "WHERE org_id = $1 AND id = ANY($2) ORDER BY authorized_at DESC, id DESC",
            self.org.uuid(),
            &ids
        )
        .fetch_all(&mut *planned)
        .await?;
        planned.commit().await?;
        let rows: Vec<Session> = rows.into_iter().map(Session::try_from).collect::<Result<_>>()?;
        Ok(Page::of(rows, limit, |session| session.id.uuid()))
    }

    /// Which sessions a page has: found out before what they are, since ids and filters are all
    /// in one index, and only what is shown is read from the table.
    ///
    /// Each index goes by type and verb before it goes by time, and those have few values. So the
    /// newest of each pair are looked up, and of these the newest are taken. A pair that any of
    /// those who are asked for does not have is left out first: to find that nobody of a large
    /// set is in another, the whole of it would be read.
    async fn ids(
        &self,
        conn: &mut PgConnection,
        filter: &SessionFilter,
        after: Option<Cursor>,
        most: i64,
    ) -> Result<Vec<Uuid>> {
        let after = after.map(Cursor::uuid);
        Ok(asked!(ids, self, filter, after, most).fetch_all(conn).await?)
    }

    /// How many sessions the filter matches, at most `cap`: counting a million rows for a
    /// list's heading is not worth it.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session_count(&self, filter: &SessionFilter, cap: i64) -> Result<i64> {
        let mut planned = self.planned().await?;
        let count = asked!(count, self, filter, cap).fetch_one(&mut *planned).await?;
        planned.commit().await?;
        Ok(count)
    }

    /// Queries in here are planned for their own filters each time: a plan that is kept for all
    /// of them would read a million sessions to find the ten of one user.
    async fn planned(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query_scalar!("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
            .fetch_one(&mut *transaction)
            .await?;
        Ok(transaction)
    }
}
