//! Using an approval, in the transaction that puts the session on record.

use chrono::{DateTime, Utc};
use hoop_domain::{EndReason, OrgId, ReviewId, SessionId};
use sqlx::PgConnection;

use crate::{Error, Result};

/// The approval was used, taken back or over before this session came to be.
fn gone() -> Error {
    let what = "the approval was used or taken back in the meantime; ask for another one";
    Error::Conflict { what }
}

/// Uses the approval for `session`: one that is for one command is used up by that, in one
/// statement, so that of any number who try one succeeds, as often as it tries. One that is for
/// a time can't be taken back before the session is on record, and is to be ended.
///
/// # Errors
/// [`Error::Conflict`] when it does not hold any more.
pub(crate) async fn review_claim_on_conn(
    conn: &mut PgConnection,
    org: OrgId,
    review: ReviewId,
    session: SessionId,
    one_time: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    if one_time {
        let done = sqlx::query!(
            "UPDATE reviews SET status = 'PROCESSING', session_id = $3
             WHERE org_id = $1 AND id = $2 AND kind = 'onetime' AND $4 < ends_at
               AND (status = 'APPROVED' OR status = 'PROCESSING' AND session_id = $3)",
            org.uuid(),
            review.uuid(),
            session.uuid(),
            now
        )
        .execute(conn)
        .await?;
        return if done.rows_affected() == 1 { Ok(()) } else { Err(gone()) };
    }
    let found = sqlx::query!(
        "SELECT id FROM reviews
         WHERE org_id = $1 AND id = $2 AND kind = 'jit' AND status = 'APPROVED' AND $3 < ends_at
         FOR SHARE",
        org.uuid(),
        review.uuid(),
        now
    )
    .fetch_optional(conn)
    .await?;
    found.map(drop).ok_or_else(gone)
}

/// If an approval was used for this session, that is over. Where no agent took it up, nothing was
/// run, and the approval may be used again.
///
/// # Errors
/// When the database is not available.
pub(crate) async fn review_executed_on_conn(
    conn: &mut PgConnection,
    session: SessionId,
    reason: EndReason,
) -> Result<()> {
    sqlx::query!(
        "UPDATE reviews SET status = CASE WHEN $2 THEN 'APPROVED' ELSE 'EXECUTED' END,
           session_id = CASE WHEN $2 THEN NULL ELSE session_id END
         WHERE session_id = $1 AND status = 'PROCESSING'",
        session.uuid(),
        reason == EndReason::AgentUnresponsive
    )
    .execute(conn)
    .await?;
    Ok(())
}
