//! One channel's deliveries, a few at a time, until nothing is due.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use futures_util::future::join_all;
use hoop_domain::ChannelId;
use hoop_runtime::{Drain, backoff::Backoff, span};
use hoop_store::notification::delivery::{Claimed, Outcome};
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;

use crate::{
    Shared,
    channel::{Channel, Failure, Known},
    delivery::{after, chance},
    metrics,
};

/// Requests to one channel at a time. What is under way when a notifier dies may arrive twice.
const AT_A_TIME: i64 = 8;

pub(crate) async fn run(shared: Arc<Shared>, id: ChannelId, drain: Drain) {
    let Some((kind, channel)) = load(&shared, id).await else { return };
    while !drain.has_begun() {
        let now = Utc::now();
        let until = after(now, shared.pace.lease());
        let claimed = match shared.store.delivery_claim(id, AT_A_TIME, now, until).await {
            Ok(claimed) if claimed.is_empty() => return,
            Ok(claimed) => claimed,
            Err(cause) => {
                let cause = anyhow::Error::from(cause);
                tracing::warn!(cause = format!("{cause:#}"), "deliveries wait for the database");
                return;
            }
        };
        let pauses =
            join_all(claimed.iter().map(|one| deliver(&shared, kind, &channel, one))).await;
        if let Some(pause) = pauses.into_iter().flatten().max() {
            let until = after(Utc::now(), shared.pace.bounded(pause));
            if let Err(cause) = shared.store.channel_pause(id, until).await {
                tracing::warn!(%cause, "a channel asked for a pause and does not get it");
            }
        }
    }
}

/// The channel as it is now, or why nothing can be sent through it. Nothing when it is gone or
/// the database is.
async fn load(shared: &Shared, id: ChannelId) -> Option<(&'static str, Result<Channel, Failure>)> {
    let (stored, secrets) = match shared.store.channel_load(&shared.key, id).await {
        Ok(found) => found?,
        Err(cause @ hoop_store::Error::Corrupt { .. }) => {
            return Some(("unknown", Err(Failure::temporary(cause.to_string()))));
        }
        Err(cause) => {
            tracing::warn!(%cause, "a channel can't be read");
            return None;
        }
    };
    let mut known = Known { settings: &stored.settings, secrets: &secrets };
    if stored.from_environment {
        let default = shared.defaults.iter().find(|default| default.kind == stored.kind);
        let Some(default) = default else {
            let why = format!("no notifier has {} set up in its environment", stored.kind);
            return Some((stored.kind.as_str(), Err(Failure::temporary(why))));
        };
        known = Known { settings: &default.settings, secrets: &default.secrets };
    }
    let channel = Channel::new(stored.kind, known, &shared.client, shared.pace.patience);
    Some((stored.kind.as_str(), channel))
}

/// Sends one delivery and writes down what became of it. Returns the pause that was asked for.
async fn deliver(
    shared: &Shared,
    kind: &'static str,
    channel: &Result<Channel, Failure>,
    claimed: &Claimed,
) -> Option<Duration> {
    let begun = Instant::now();
    let attempt = match channel {
        Ok(channel) => {
            let span = span!("tell", channel = kind, event = %claimed.event.id);
            let sending = channel.send(claimed, Utc::now()).instrument(span);
            let sent = timeout(shared.pace.patience, sending).await;
            sent.unwrap_or_else(|_| {
                let patience = shared.pace.patience;
                Err(Failure::temporary(format!("there was no answer within {patience:?}")))
            })
        }
        Err(failure) => Err(failure.clone()),
    };
    let pause = attempt.as_ref().err().and_then(|failure| failure.pause);
    let outcome = shared.pace.judge(attempt, claimed.failed, Utc::now(), chance());
    metrics::tried(kind, &outcome, begun.elapsed());
    log(claimed, &outcome);
    settle(shared, claimed, &outcome, begun).await;
    pause
}

/// Tries for as long as the delivery is ours: what is not written down is sent again.
async fn settle(shared: &Shared, claimed: &Claimed, outcome: &Outcome, begun: Instant) {
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    loop {
        match shared.store.delivery_settle(claimed, outcome, Utc::now()).await {
            Ok(true) => return,
            Ok(false) => {
                tracing::warn!(id = %claimed.id, "a delivery took longer than its lease");
                return;
            }
            Err(cause) if shared.pace.lease() < begun.elapsed() => {
                tracing::error!(id = %claimed.id, %cause, "a delivery may be sent again");
                return;
            }
            Err(_) => sleep(backoff.next_delay()).await,
        }
    }
}

fn log(claimed: &Claimed, outcome: &Outcome) {
    let (id, event, kind) = (claimed.id, claimed.event.id, claimed.event.kind.as_str());
    match outcome {
        Outcome::Delivered => tracing::debug!(%id, %event, kind, "told"),
        Outcome::Retry { at, why } => {
            tracing::warn!(%id, %event, kind, %at, why, "an event could not be told yet");
        }
        Outcome::Dead { why } => tracing::error!(%id, %event, kind, why, "dead letter"),
    }
}
