//! What an endpoint reads: taken from its queue as the connection asks for it, so there is
//! no forwarding task between a receipt and the socket.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::Stream;
use hoop_proto::{self as proto, down};
use tokio::{sync::mpsc, time::Interval};
use tokio_util::sync::DropGuard;
use tonic::Status;

use crate::session::{Event, Events};

/// How often, unless [`DownStream::kept_alive_every`] says otherwise.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

enum Source {
    Session(Events),
    Orders(mpsc::Receiver<proto::Down>),
}

/// The frames for one endpoint, and a keep-alive now and then.
pub struct DownStream {
    first: Option<proto::Down>,
    source: Source,
    keep_alive: Interval,
    ended: bool,
    /// Tells the reading half that the endpoint is gone; not when it has been told all.
    gone: Option<DropGuard>,
}

impl DownStream {
    pub(super) fn session(first: proto::Down, events: Events, gone: DropGuard) -> Self {
        Self::new(first, Source::Session(events), gone)
    }

    pub(super) fn orders(
        first: proto::Down,
        orders: mpsc::Receiver<proto::Down>,
        gone: DropGuard,
    ) -> Self {
        Self::new(first, Source::Orders(orders), gone)
    }

    fn new(first: proto::Down, source: Source, gone: DropGuard) -> Self {
        let keep_alive = keep_alive(KEEP_ALIVE);
        Self { first: Some(first), source, keep_alive, ended: false, gone: Some(gone) }
    }

    /// The same, with a keep-alive in this rhythm.
    #[must_use]
    pub fn kept_alive_every(self, period: Duration) -> Self {
        Self { keep_alive: keep_alive(period), ..self }
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<proto::Down, Status>>> {
        match &mut self.source {
            Source::Orders(orders) => orders.poll_recv(cx).map(|order| order.map(Ok)),
            Source::Session(events) => events.poll_recv(cx).map(|event| {
                let frame = match event? {
                    Event::Delivery(delivery) => down::Frame::Delivery(delivery),
                    Event::Credit(credit) => down::Frame::Credit(credit),
                    Event::Received(payloads) => {
                        down::Frame::Received(proto::Received { payloads })
                    }
                    Event::Notice(message) => down::Frame::Notice(proto::Notice { message }),
                    Event::Moved => {
                        self.ended = true;
                        return Some(Err(Status::unavailable("the session goes on elsewhere")));
                    }
                    Event::Closed(closed) => {
                        self.ended = true;
                        self.gone.take().map(DropGuard::disarm);
                        down::Frame::SessionClosed(closed)
                    }
                };
                Some(Ok(proto::Down { frame: Some(frame) }))
            }),
        }
    }
}

fn keep_alive(period: Duration) -> Interval {
    tokio::time::interval_at(tokio::time::Instant::now() + period, period)
}

impl Stream for DownStream {
    type Item = Result<proto::Down, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = self.poll_source(cx) {
            return Poll::Ready(frame);
        }
        self.keep_alive.poll_tick(cx).map(|_| {
            let frame = down::Frame::KeepAlive(proto::KeepAlive {});
            Some(Ok(proto::Down { frame: Some(frame) }))
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use hoop_domain::EndReason;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::session::outlet;

    /// Whether an endpoint is taken for gone that was told `event` before its stream ended.
    async fn is_gone_after(event: Event) -> bool {
        let (outlet, events) = outlet();
        let gone = CancellationToken::new();
        let attached = down::Frame::Attached(proto::Attached::default());
        let first = proto::Down { frame: Some(attached) };
        let mut stream = DownStream::session(first, events, gone.clone().drop_guard());
        outlet.tell(event);
        for _ in 0..2 {
            stream.next().await.unwrap().ok();
        }
        drop(stream);
        gone.is_cancelled()
    }

    #[tokio::test]
    async fn an_endpoint_that_was_told_the_end_is_not_away() {
        assert!(!is_gone_after(Event::Closed(proto::SessionClosed::of(EndReason::Killed))).await);
        assert!(is_gone_after(Event::Notice("soon".into())).await);
        assert!(is_gone_after(Event::Moved).await);
    }
}
