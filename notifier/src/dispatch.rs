//! Whoever has something due gets a lane: a task of its own, so that a channel that is dead
//! or hangs delays no other.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{TimeDelta, Utc};
use hoop_domain::ChannelId;
use hoop_runtime::Drain;
use tokio::{
    task::{Id, JoinSet},
    time::{Instant, interval, sleep, timeout},
};

use crate::{Shared, lane, metrics};

/// How often somebody looks for what is due: retries, and what other notifiers left behind.
const LOOK: Duration = Duration::from_millis(500);
/// How often old log entries are forgotten and new organisations get their channels.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// The delivery log goes back this far.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Beyond what the lanes have under way.
const DRAIN: Duration = Duration::from_secs(5);

pub(crate) async fn run(shared: Arc<Shared>, drain: Drain) {
    let mut lanes = JoinSet::new();
    let mut busy: HashMap<Id, ChannelId> = HashMap::new();
    let lanes_busy = metrics::lanes();
    let mut keep_house = interval(HOUSEKEEPING);
    while !drain.has_begun() {
        start(&shared, &drain, &mut lanes, &mut busy).await;
        tokio::select! {
            () = drain.begun() => {}
            () = shared.wake.notified() => {}
            () = sleep(LOOK) => {}
            _ = keep_house.tick() => shared.keep_house().await,
            Some(ended) = lanes.join_next_with_id() => {
                let id = match ended {
                    Ok((id, ())) => id,
                    Err(cause) => cause.id(),
                };
                busy.remove(&id);
                lanes_busy.dec();
            }
        }
    }
    let deadline = Instant::now() + shared.pace.patience + DRAIN;
    let rest = async { while lanes.join_next().await.is_some() {} };
    if timeout(deadline - Instant::now(), rest).await.is_err() {
        tracing::warn!("some deliveries are left to the next notifier");
    }
}

async fn start(
    shared: &Arc<Shared>,
    drain: &Drain,
    lanes: &mut JoinSet<()>,
    busy: &mut HashMap<Id, ChannelId>,
) {
    let known: Vec<ChannelId> = busy.values().copied().collect();
    let due = match shared.store.delivery_channels_due(&known, Utc::now()).await {
        Ok(due) => due,
        Err(cause) => {
            let cause = anyhow::Error::from(cause);
            tracing::warn!(cause = format!("{cause:#}"), "deliveries wait for the database");
            return;
        }
    };
    for channel in due {
        let handle = lanes.spawn(lane::run(shared.clone(), channel, drain.clone()));
        busy.insert(handle.id(), channel);
        metrics::lanes().inc();
    }
}

impl Shared {
    pub(crate) async fn keep_house(&self) {
        let now = Utc::now();
        let kept = async {
            for default in &self.defaults {
                self.store.channel_ensure(default.kind, default.everything, now).await?;
            }
            self.store.delivery_forget(now - KEPT).await
        };
        if let Err(cause) = kept.await {
            let cause = anyhow::Error::from(cause);
            tracing::warn!(cause = format!("{cause:#}"), "the delivery log was not tidied up");
        }
    }
}
