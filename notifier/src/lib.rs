//! From events to people: whatever happened is told at least once, or the log says why not.
//!
//! `intake` turns events into deliveries, `dispatch` gives each channel with something due a
//! `lane`, and a lane claims deliveries, sends them and writes down what became of them. The
//! database keeps the state, so any number of notifiers share the work and none of them
//! remembers anything it can't lose.

pub mod channel;
mod config;
pub mod defaults;
pub mod delivery;
mod dispatch;
pub mod event;
mod intake;
mod lane;
pub mod message;
mod metrics;

use std::sync::Arc;

use hoop_bus::Bus;
use hoop_runtime::Drain;
use hoop_store::{
    Store,
    notification::{ChannelKey, ChannelKind},
};
use tokio::sync::Notify;

pub use config::Config;

use defaults::DefaultChannel;
use delivery::Pace;

/// Why a notifier did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker.
    #[error("the broker")]
    Bus(#[from] hoop_bus::Error),
    /// The database.
    #[error("the state store")]
    Store(#[from] hoop_store::Error),
    /// The HTTP client.
    #[error("the HTTP client for webhooks")]
    Http(#[from] reqwest::Error),
}

/// What all tasks of a notifier have at hand.
#[derive(Debug)]
struct Shared {
    store: Store,
    key: ChannelKey,
    defaults: Vec<DefaultChannel>,
    client: reqwest::Client,
    pace: Pace,
    /// Something new is due.
    wake: Notify,
}

/// A notifier that is connected and consumes nothing yet.
#[derive(Debug)]
pub struct Service {
    bus: Bus,
    shared: Arc<Shared>,
}

impl Service {
    /// Delivers events until the drain begins; what is under way is finished. `ready` is
    /// called when the consumer is there.
    pub async fn run(self, drain: Drain, ready: impl FnOnce()) {
        metrics::show();
        self.shared.store.show();
        self.bus.show();
        if self.shared.defaults.iter().any(|default| default.kind == ChannelKind::Segment) {
            tracing::info!("SEGMENT_KEY is set: product metrics are sent to Segment");
        }
        // Before the first event: what the environment sets up is to be told of it, too.
        self.shared.keep_house().await;
        let dispatch = dispatch::run(self.shared.clone(), drain.clone());
        tokio::join!(dispatch, intake::run(&self.bus, &self.shared, &drain, ready));
        self.shared.store.close().await;
    }
}
