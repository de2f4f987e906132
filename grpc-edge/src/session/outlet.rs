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
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
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
    /// So many of the endpoint's payloads are recorded.
    Received(u64),
    /// A sentence for the user; the session goes on.
    Notice(String),
    /// The endpoint sits elsewhere, or has to. Nothing follows.
    Moved,
    /// The session is over. Nothing follows.
    Closed(proto::SessionClosed),
}

impl Event {
    /// What it costs of its sender's credit.
    fn cost(&self) -> usize {
        match self {
            Self::Delivery(delivery) => delivery.payload.as_ref().map_or(0, proto::Payload::cost),
            _ => 0,
        }
    }

    fn unpaid(&self) -> usize {
        match self {
            Self::Delivery(delivery) => delivery.payload.as_ref().map_or(0, unpaid),
            Self::Credit(_) | Self::Notice(_) => UNPAID_COST,
            // Comes once per 32 payloads, at most: an endpoint that does not read is not told
            // while one waits.
            Self::Received(_) => 0,
            // Comes once.
            Self::Closed(_) | Self::Moved => 0,
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
    data: Arc<AtomicUsize>,
    /// Whether the endpoint has yet to take what it was told to have been received.
    received: Arc<AtomicBool>,
    credit: Option<Arc<LocalCredit>>,
}

/// The endpoint's side of the queue.
#[derive(Debug)]
pub struct Events {
    events: mpsc::UnboundedReceiver<Event>,
    waiting: Arc<AtomicUsize>,
    data: Arc<AtomicUsize>,
    received: Arc<AtomicBool>,
}

/// A queue to an endpoint.
#[must_use]
pub fn outlet() -> (Outlet, Events) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (waiting, data, received) =
        (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default(), Arc::default());
    let events = Events {
        events: receiver,
        waiting: Arc::clone(&waiting),
        data: Arc::clone(&data),
        received: Arc::clone(&received),
    };
    (Outlet { events: sender, waiting, data, received, credit: None }, events)
}

impl Outlet {
    /// Hands credit to `credit` at once, so that the endpoint may send however slow it reads.
    #[must_use]
    pub fn with_credit(mut self, credit: Arc<LocalCredit>) -> Self {
        self.credit = Some(credit);
        self
    }

    pub(crate) fn tell(&self, event: Event) {
        match (&self.credit, &event) {
            (Some(local), Event::Credit(credit)) => return local.add(*credit),
            (Some(local), Event::Closed(_)) => local.close(),
            // What is sent from this process can't get lost on the way here.
            (Some(_), Event::Received(_)) => return,
            (None, Event::Received(_)) if self.received.swap(true, Ordering::Relaxed) => return,
            _ => {}
        }
        self.waiting.fetch_add(event.unpaid(), Ordering::Relaxed);
        self.data.fetch_add(event.cost(), Ordering::Relaxed);
        // An endpoint that is gone has ended the session already, or is about to.
        let _ = self.events.send(event);
    }

    /// What waits for the endpoint beside data.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The data that waits for the endpoint.
    pub(super) fn waiting_data(&self) -> usize {
        self.data.load(Ordering::Relaxed)
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
        if let Some(Event::Received(_)) = event {
            self.received.store(false, Ordering::Relaxed);
        }
        self.waiting.fetch_sub(event.map_or(0, Event::unpaid), Ordering::Relaxed);
        self.data.fetch_sub(event.map_or(0, Event::cost), Ordering::Relaxed);
    }
}

/// What an endpoint in this process may still send on its one channel.
#[derive(Debug)]
pub struct LocalCredit {
    channel: u32,
    bytes: Semaphore,
    /// What was granted in all.
    total: AtomicU64,
}

impl LocalCredit {
    /// The credit that a channel begins with.
    #[must_use]
    pub fn new(channel: u32) -> Self {
        let window = proto::packet::WINDOW;
        let (bytes, total) = (Semaphore::new(window as usize), AtomicU64::new(window.into()));
        Self { channel, bytes, total }
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
            let before = self.total.fetch_max(credit.total, Ordering::Relaxed);
            let more = usize::try_from(credit.total.saturating_sub(before)).unwrap_or(usize::MAX);
            let room = MOST_CREDIT.saturating_sub(self.bytes.available_permits());
            self.bytes.add_permits(room.min(more));
        }
    }

    /// Nothing can be sent any more; whoever waits learns it.
    fn close(&self) {
        self.bytes.close();
    }
}
