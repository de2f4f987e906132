//! The EVENTS stream: events become deliveries in the database, and only then are
//! acknowledged.
//!
//! All notifiers share one consumer. An event that is consumed again, because a notifier died
//! or the outbox published it twice, is fanned out once: the database knows.

use std::time::Duration;

use async_nats::jetstream::{
    AckKind, Message,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use chrono::Utc;
use futures_util::{StreamExt, future::join_all};
use hoop_bus::{Bus, stream::EVENTS};
use hoop_runtime::{Drain, backoff::Backoff};
use tokio::time::sleep;

use crate::{
    Shared,
    event::{self, Event},
    metrics,
};

/// All notifiers share this one.
const NAME: &str = "notifier";
/// Events that become deliveries in one transaction.
const BATCH: usize = 100;
/// Events that a killed notifier held come to another one after this. A database that takes
/// longer costs a second look, no second delivery.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// Events that are under way to notifiers; beyond, newer ones wait in the stream.
const WAITING: i64 = 10_000;
/// When the database is not there, events come again after this.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) async fn run(bus: &Bus, shared: &Shared, drain: &Drain, ready: impl FnOnce()) {
    let mut ready = Some(ready);
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    while !drain.has_begun() {
        match open(bus).await {
            Ok(messages) => {
                if let Some(ready) = ready.take() {
                    ready();
                }
                backoff.reset();
                follow(messages, shared, drain).await;
            }
            Err(cause) => tracing::warn!(%cause, "events can't be consumed"),
        }
        tokio::select! {
            () = sleep(backoff.next_delay()) => {}
            () = drain.begun() => {}
        }
    }
    // What was not acknowledged comes again, and is known then.
    let _ = bus.client().flush().await;
}

async fn open(bus: &Bus) -> Result<pull::Stream, async_nats::Error> {
    let config = pull::Config {
        durable_name: Some(NAME.into()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: WAITING,
        ..pull::Config::default()
    };
    let consumer = bus.jetstream().create_consumer_on_stream(config, EVENTS).await?;
    let messages = consumer
        .stream()
        .max_messages_per_batch(BATCH)
        .heartbeat(Duration::from_secs(10))
        .messages()
        .await?;
    Ok(messages)
}

/// Takes events in until the drain begins or the consumer has to be opened again.
async fn follow(messages: pull::Stream, shared: &Shared, drain: &Drain) {
    let mut batches = messages.ready_chunks(BATCH);
    loop {
        let batch = tokio::select! {
            () = drain.begun() => return,
            batch = batches.next() => batch,
        };
        let Some(batch) = batch else { return };
        let (mut taken, mut broken) = (Vec::new(), false);
        for message in batch {
            match message {
                Ok(message) => taken.push(message),
                Err(cause) => {
                    tracing::warn!(%cause, "the consumer of events is opened again");
                    broken = true;
                }
            }
        }
        take(taken, shared).await;
        if broken {
            return;
        }
    }
}

async fn take(messages: Vec<Message>, shared: &Shared) {
    let (mut events, mut readable) = (Vec::new(), Vec::new());
    for message in messages {
        match event::decode(&message.payload) {
            Ok(event) => {
                events.push(event);
                readable.push(message);
            }
            Err(cause) => {
                metrics::events("dead", 1);
                tracing::error!(%cause, subject = message.subject.as_str(), "dead letter");
                answer(&message, AckKind::Term).await;
            }
        }
    }
    let kind =
        if fan_out(&events, shared).await { AckKind::Ack } else { AckKind::Nak(Some(AGAIN)) };
    join_all(readable.iter().map(|message| answer(message, kind))).await;
}

/// Whether the database has the deliveries of `events`.
async fn fan_out(events: &[Event], shared: &Shared) -> bool {
    match shared.store.events_fan_out(events, Utc::now()).await {
        Ok(made) => {
            metrics::events("taken", events.len());
            tracing::debug!(events = events.len(), made, "events became deliveries");
            if 0 < made {
                shared.wake.notify_one();
            }
            true
        }
        Err(cause) => {
            metrics::events("waiting", events.len());
            let cause = anyhow::Error::from(cause);
            tracing::warn!(cause = format!("{cause:#}"), "events wait for the database");
            false
        }
    }
}

async fn answer(message: &Message, kind: AckKind) {
    if let Err(cause) = message.ack_with(kind).await {
        tracing::warn!(%cause, "an event will come again");
    }
}
