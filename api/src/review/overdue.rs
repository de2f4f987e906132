//! Requests about which nobody decides: after a while they are over, and whoever waits is told.

use chrono::{DateTime, Utc};
use hoop_domain::ReviewId;
use hoop_store::{
    Error, OrgStore,
    audit_log::{Deed, Outcome, Who},
    review::ReviewChange,
};

use super::policy_review;
use crate::{App, error::chain};

/// What the one who asked is told.
const REASON: &str = "nobody decided in time";

/// So many at a time; the next time goes on.
const AT_ONCE: i64 = 100;

/// Ends all that have waited too long.
///
/// # Errors
/// When the database is not available.
pub(crate) async fn expire(app: &App) -> Result<(), Error> {
    let now = app.now();
    let overdue = app.store.review_overdue(now - app.config.review_pending, AT_ONCE).await?;
    for (org, id) in overdue {
        // One that can't be ended keeps nobody else's from it.
        if let Err(cause) = expire_one(app, &app.store.org(org), id, now).await {
            tracing::warn!(review = %id, cause = chain(&cause), "a request can't be ended");
        }
    }
    Ok(())
}

/// Ends one, unless somebody decides at this moment or another process was quicker.
async fn expire_one(
    app: &App,
    org: &OrgStore,
    id: ReviewId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let lock = org.review_lock(id).await?;
    let before = policy_review(&lock.review, app.config.review_pending);
    let Some(Ok(after)) = before.map(|review| review.expire(now)) else { return Ok(()) };
    let change = ReviewChange {
        status: after.state.status(),
        by: None,
        at: now,
        votes: Vec::new(),
        window: after.window,
        ends_at: None,
        reason: REASON.into(),
    };
    // Nobody called for it, so the line has no method and no address.
    let who = Who { name: "hoop".into(), ..Who::default() };
    let path = format!("/api/reviews/{id}");
    let deed = Deed {
        who: &who,
        method: "",
        path: &path,
        resource: "reviews",
        action: "expire",
        client: "-",
        payload: None,
    };
    let line = org.audit_begin(&deed).await?;
    // It was never approved, so no session stands on it.
    let _none = lock.save(&change).await?;
    let outcome = Outcome { status: 200, error: "", who: None, at: app.now() };
    org.audit_complete(line, &outcome).await?;
    tracing::info!(review = %id, "nobody decided about a request in time");
    Ok(())
}
