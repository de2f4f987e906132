//! Ends what should not go on and nobody else will end.
//!
//! Every step finds its work in the database and is idempotent, so it may run at any time,
//! in any number of processes: every 5 s, and at once when something was taken away.

mod unheld;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use hoop_runtime::Drain;

use crate::{App, control::kill_all, error::chain, guard::once, review::overdue};

const INTERVAL: Duration = Duration::from_secs(5);

/// How long edges may be silent about a session: six of their reports.
const LOST: TimeDelta = TimeDelta::seconds(60);
/// What is kept of edges that are gone, and of tokens that have expired.
const FORGET: TimeDelta = TimeDelta::hours(1);

pub(crate) async fn run(app: App, drain: Drain) {
    // Since when edges could have told us what they hold. Before that has been so for as
    // long as they may be silent, their silence says something about us and not about them.
    let mut hearing_since = Instant::now();
    loop {
        if !app.bus.connected() {
            hearing_since = Instant::now();
        }
        let silence_counts = LOST.to_std().is_ok_and(|lost| lost < hearing_since.elapsed());
        if let Err(error) = step(&app, silence_counts).await {
            tracing::warn!(cause = chain(&error), "sessions could not be reconciled");
            hearing_since = Instant::now();
        }
        tokio::select! {
            () = drain.begun() => return,
            () = app.nudged() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// Does all that is due now.
///
/// Sessions that no edge reports are ended only when `silence_counts`.
pub(crate) async fn step(app: &App, silence_counts: bool) -> Result<(), hoop_store::Error> {
    let now = app.now();
    app.store.api_key_retire_expired(now).await?;
    kill_all(app, &app.store.session_kill_unfounded(now).await?).await;
    if silence_counts {
        let unheld::Ended { unopened, lost } = unheld::end(app, now - LOST, now).await?;
        if 0 < unopened + lost {
            tracing::info!(unopened, lost, "ended sessions that nobody holds");
        }
    }
    app.store.agent_presence_forget(now - FORGET, now).await?;
    app.store.token_forget_expired(now - FORGET).await?;
    app.store.sign_in_forget_expired(now).await?;
    app.store.idempotency_forget(now - once::KEPT).await?;
    app.store.audit_add_abandoned(now - once::ABANDONED).await?;
    overdue::expire(app).await
}
