//! The queue to an endpoint, and what bounds it.
//!
//! Data is bounded by the credit that the endpoint itself has granted, which [`credit`]
//! enforces on the sender. All the rest costs no credit, so it is counted here until the
//! endpoint takes it: a sender that floods an endpoint with it loses its session.
//!
//! [`credit`]: super::credit

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use hoop_proto as proto;
use prost::Message;
use tokio::sync::{Semaphore, mpsc};

use super::Ended;

/// What may wait for an endpoint beside data: about 1,024 small things, or 1 MiB. An
/// endpoint that reads at all has none of it waiting, however slow it is with its data.
pub(crate) const MOST_UNPAID: usize = 1024 * 1024;

/// What one of them counts for, beside its size.
const UNPAID_COST: usize = 1024;

/// More credit than this is never outstanding, see `credit`; and a semaphore must not
/// overflow, whatever an endpoint grants.
const MOST_CREDIT: usize = 64 * 1024 * 1024;

/// What an endpoint on this edge is told.
#[derive(Debug)]
pub enum Event {
    /// A packet of the other end.
    Delivery(proto::Delivery),
    /// The other end takes more.
    Credit(proto::Credit),
    /// A sentence for the user; the session goes on.
    Notice(String),
    /// The session is over. Nothing follows.
    Closed(proto::SessionClosed),
}

impl Event {
    fn unpaid(&self) -> usize {
        match self {
            Self::Delivery(delivery) => delivery.payload.as_ref().map_or(0, unpaid),
            Self::Credit(_) | Self::Notice(_) => UNPAID_COST,
            // Comes once.
            Self::Closed(_) => 0,
        }
    }
}

/// What a payload counts for until the endpoint has taken it; nothing, if it costs credit.
pub(super) fn unpaid(payload: &proto::Payload) -> usize {
    if payload.cost() == 0 { payload.encoded_len() + UNPAID_COST } else { 0 }
}

/// The sending side of the queue.
#[derive(Debug)]
pub struct Outlet {
    events: mpsc::UnboundedSender<Event>,
    waiting: Arc<AtomicUsize>,
    credit: Option<Arc<LocalCredit>>,
}

/// The endpoint's side of the queue.
#[derive(Debug)]
pub struct Events {
    events: mpsc::UnboundedReceiver<Event>,
    waiting: Arc<AtomicUsize>,
}

/// A queue to an endpoint.
#[must_use]
pub fn outlet() -> (Outlet, Events) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let outlet = Outlet { events: sender, waiting: waiting.clone(), credit: None };
    (outlet, Events { events: receiver, waiting })
}

impl Outlet {
    /// Hands credit to `credit` at once, so that the endpoint may send however slow it reads.
    #[must_use]
    pub fn with_credit(mut self, credit: Arc<LocalCredit>) -> Self {
        self.credit = Some(credit);
        self
    }

    pub(super) fn tell(&self, event: Event) {
        match (&self.credit, &event) {
            (Some(local), Event::Credit(credit)) => return local.add(*credit),
            (Some(local), Event::Closed(_)) => local.close(),
            _ => {}
        }
        self.waiting.fetch_add(event.unpaid(), Ordering::Relaxed);
        // An endpoint that is gone has ended the session already, or is about to.
        let _ = self.events.send(event);
    }

    /// What waits for the endpoint beside data.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Events {
    /// The next thing to tell the endpoint; `None` when there will be none. Cancel safe.
    pub async fn recv(&mut self) -> Option<Event> {
        let event = self.events.recv().await;
        self.taken(event.as_ref());
        event
    }

    /// The same, for a stream.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let event = self.events.poll_recv(cx);
        if let Poll::Ready(event) = &event {
            self.taken(event.as_ref());
        }
        event
    }

    #[cfg(test)]
    pub(super) fn try_recv(&mut self) -> Option<Event> {
        let event = self.events.try_recv().ok();
        self.taken(event.as_ref());
        event
    }

    fn taken(&self, event: Option<&Event>) {
        self.waiting.fetch_sub(event.map_or(0, Event::unpaid), Ordering::Relaxed);
    }
}

/// What an endpoint in this process may still send on its one channel.
#[derive(Debug)]
pub struct LocalCredit {
    channel: u32,
    bytes: Semaphore,
}

impl LocalCredit {
    /// The credit that a channel begins with.
    #[must_use]
    pub fn new(channel: u32) -> Self {
        Self { channel, bytes: Semaphore::new(proto::packet::WINDOW as usize) }
    }

    /// Waits until so much may be sent.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn spend(&self, cost: usize) -> Result<(), Ended> {
        let cost = u32::try_from(cost).map_err(|_| Ended)?;
        if let Ok(permit) = self.bytes.try_acquire_many(cost) {
            permit.forget();
            return Ok(());
        }
        crate::metrics::edge().credit_stalled();
        self.bytes.acquire_many(cost).await.map_err(|_| Ended)?.forget();
        Ok(())
    }

    fn add(&self, credit: proto::Credit) {
        if credit.channel == self.channel {
            let room = MOST_CREDIT.saturating_sub(self.bytes.available_permits());
            self.bytes.add_permits(room.min(credit.bytes as usize));
        }
    }

    /// Nothing can be sent any more; whoever waits learns it.
    fn close(&self) {
        self.bytes.close();
    }
}
