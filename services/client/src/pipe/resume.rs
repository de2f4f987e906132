//! Going on with a session on another stream, at whatever edge, after its stream broke.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hoop_proto::v1::{self, down};
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::Status;

use super::{Event, Pipe};
use crate::{Error, Incoming, outbox::Outbox};

/// What this end has received of the other one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Received {
    /// The number of the last packet.
    pub seq: u64,
    /// How many payloads that and all before it held.
    pub payloads: u64,
}

/// A stream that goes on with the session.
#[derive(Debug)]
pub struct Resumed<S> {
    /// Its frames.
    pub incoming: Incoming<S>,
    /// How many payloads of this end are recorded.
    pub payloads: u64,
}

type Attempt<S> = Pin<Box<dyn Future<Output = Result<Resumed<S>, Error>> + Send>>;

/// Opens another stream for a session, however often it takes.
pub struct Resumer<S>(Box<dyn Fn(Arc<Outbox>, Received) -> Attempt<S> + Send>);

/// A stream that is being opened.
pub(super) struct Resuming<S> {
    attempt: Attempt<S>,
    since: Instant,
}

impl<S> Resumer<S> {
    pub(crate) fn new<F>(resume: impl Fn(Arc<Outbox>, Received) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Resumed<S>, Error>> + Send + 'static,
    {
        Self(Box::new(move |outbox, received| Box::pin(resume(outbox, received))))
    }
}

impl<S: Stream<Item = Result<v1::Down, Status>> + Unpin> Pipe<S> {
    /// The next frame; `None` when the session has just gone on with another stream. An error
    /// means that it can't.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<down::Frame>, Error>> {
        loop {
            if let Some(resuming) = &mut self.resuming {
                let since = resuming.since;
                let resumed = ready!(resuming.attempt.as_mut().poll(cx));
                self.resuming = None;
                return Poll::Ready(self.resumed(resumed, since));
            }
            match ready!(self.incoming.poll_frame(cx)) {
                Ok(frame) => return Poll::Ready(Ok(Some(frame))),
                Err(error) => self.resume(error)?,
            }
        }
    }

    fn resume(&mut self, error: Error) -> Result<(), Error> {
        let over = self.end.is_some() || !error.is_lost();
        let resumer = self.resumer.as_ref().filter(|_| !over);
        let Some(Resumer(resume)) = resumer else {
            // The last words may still be said, when the stream takes them.
            self.resumer = None;
            self.sender.outbox().keep_no_more();
            return Err(error);
        };
        let attempt = resume(self.sender.share(), self.received);
        self.resuming = Some(Resuming { attempt, since: Instant::now() });
        Ok(())
    }

    fn resumed(
        &mut self,
        resumed: Result<Resumed<S>, Error>,
        since: Instant,
    ) -> Result<Option<down::Frame>, Error> {
        let went_on = resumed.and_then(|Resumed { incoming, payloads }| {
            let channels = self.channels.iter();
            let granted: Vec<_> =
                channels.map(|(channel, open)| (*channel, open.window.granted())).collect();
            self.sender.outbox().resume(payloads, &granted)?;
            self.incoming = incoming;
            Ok(())
        });
        if let Err(error) = went_on {
            self.resumer = None;
            self.sender.outbox().give_up();
            return Err(error);
        }
        self.events.push_back(Event::Resumed { away: since.elapsed() });
        Ok(None)
    }
}

impl<S> std::fmt::Debug for Resumer<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resumer")
    }
}

impl<S> std::fmt::Debug for Resuming<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resuming").field("since", &self.since).finish_non_exhaustive()
    }
}
