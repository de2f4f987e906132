//! The EVENTS stream, several events at a time, each until it is delivered or given up.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{
    AckKind, Message,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use futures_util::StreamExt;
use hoop_bus::{Bus, stream::EVENTS};
use hoop_runtime::{Drain, backoff::Backoff};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    channel::Channel,
    delivery::{Delivery, Pace},
    event::Event,
    recent::Recent,
};

/// All notifiers share this one.
const NAME: &str = "notifier";
/// Requests that one notifier has under way.
const AT_A_TIME: usize = 16;
/// Longer than any attempt, so that an event is not in two hands.
const ACK_WAIT: Duration = Duration::from_secs(60);
/// Events that wait for their next attempt; beyond, newer ones wait in the stream.
const WAITING: i64 = 10_000;
/// A little more than an attempt takes at most.
const DRAIN: Duration = Duration::from_secs(25);

/// What every delivery needs.
struct Shared {
    channel: Arc<Channel>,
    pace: Pace,
    recent: Recent,
}

pub(crate) async fn run(
    bus: &Bus,
    channel: &Arc<Channel>,
    pace: &Pace,
    drain: &Drain,
    ready: impl FnOnce(),
) {
    let recent = Recent::default();
    let shared = Arc::new(Shared { channel: channel.clone(), pace: pace.clone(), recent });
    let mut ready = Some(ready);
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    let mut tasks = JoinSet::new();
    while !drain.has_begun() {
        match open(bus).await {
            Ok(messages) => {
                if let Some(ready) = ready.take() {
                    ready();
                }
                backoff.reset();
                follow(messages, &shared, &mut tasks, drain).await;
            }
            Err(cause) => tracing::warn!(%cause, "events can't be consumed"),
        }
        tokio::select! {
            () = sleep(backoff.next_delay()) => {}
            () = drain.begun() => {}
        }
    }
    let rest = async { while tasks.join_next().await.is_some() {} };
    if timeout(DRAIN, rest).await.is_err() {
        tracing::warn!("some deliveries are left to the next notifier");
    }
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
        .max_messages_per_batch(AT_A_TIME)
        .heartbeat(Duration::from_secs(10))
        .messages()
        .await?;
    Ok(messages)
}

/// Delivers until the drain begins or the consumer has to be opened again.
async fn follow(
    mut messages: pull::Stream,
    shared: &Arc<Shared>,
    tasks: &mut JoinSet<()>,
    drain: &Drain,
) {
    loop {
        tokio::select! {
            () = drain.begun() => return,
            Some(_) = tasks.join_next() => {}
            message = messages.next(), if tasks.len() < AT_A_TIME => match message {
                Some(Ok(message)) => {
                    tasks.spawn(handle(message, shared.clone()));
                }
                Some(Err(cause)) => {
                    tracing::warn!(%cause, "the consumer of events is opened again");
                    return;
                }
                None => return,
            },
        }
    }
}

async fn handle(message: Message, shared: Arc<Shared>) {
    let answer = answer(&message, &shared).await;
    if let Err(cause) = message.ack_with(answer).await {
        tracing::warn!(%cause, "an event will be delivered again");
    }
}

async fn answer(message: &Message, shared: &Shared) -> AckKind {
    let times = message.info().map_or(1, |info| info.delivered);
    let event = match Event::decode(&message.payload) {
        Ok(event) => event,
        Err(cause) => {
            tracing::error!(%cause, subject = message.subject.as_str(), "dead letter");
            return AckKind::Term;
        }
    };
    if shared.recent.contains(event.id) {
        tracing::debug!(id = %event.id, "an event that was told already");
        return AckKind::Ack;
    }
    let outcome = shared.channel.deliver(&event).await;
    let (id, kind) = (event.id, event.kind.as_str());
    match Delivery::queued(times).attempted(outcome, &shared.pace, chance()) {
        Delivery::Delivered { attempts } => {
            shared.recent.add(id);
            tracing::debug!(%id, kind, attempts, "told");
            AckKind::Ack
        }
        Delivery::Queued { .. } => AckKind::Nak(None),
        Delivery::Retrying { failed, pause, why } => {
            tracing::warn!(%id, kind, failed, ?pause, why, "an event could not be told yet");
            AckKind::Nak(Some(pause))
        }
        Delivery::Abandoned { attempts, why } => {
            let fields = event.fields.to_string();
            tracing::error!(%id, kind, attempts, why, fields, "dead letter");
            AckKind::Term
        }
    }
}

/// A random number from 0 to 1; without randomness 1, which is merely slow.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}
