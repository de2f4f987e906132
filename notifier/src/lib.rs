//! From events to people: whatever happened is told at least once, or the log says why not.
//!
//! The broker keeps the state: an event is acknowledged when it is delivered, handed back
//! with a delay when it has to be tried again, and counted by the broker, so any number of
//! notifiers share the work and none of them remembers anything it can't lose.

pub mod channel;
mod config;
mod consumer;
pub mod delivery;
pub mod event;
mod recent;

use std::sync::Arc;

use hoop_bus::Bus;
use hoop_runtime::Drain;

pub use config::Config;

use channel::Channel;
use delivery::Pace;

/// Why a notifier did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker.
    #[error("the broker")]
    Bus(#[from] hoop_bus::Error),
    /// The HTTP client.
    #[error("the HTTP client for webhooks")]
    Http(#[from] reqwest::Error),
}

/// A notifier that is connected and consumes nothing yet.
#[derive(Debug)]
pub struct Service {
    bus: Bus,
    channel: Arc<Channel>,
    pace: Pace,
}

impl Service {
    /// Delivers events until the drain begins; what is under way is finished. `ready` is
    /// called when the consumer is there.
    pub async fn run(self, drain: Drain, ready: impl FnOnce()) {
        consumer::run(&self.bus, &self.channel, &self.pace, &drain, ready).await;
    }
}
