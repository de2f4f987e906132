//! Asking the broker for messages, in batches.
//!
//! A broker that hands over each packet as it comes spends as much on the hand-over as on
//! storing it, and so do we on taking it. A recording is in no hurry: the packet is in the
//! stream already. So a request takes what is there, or else waits for the first packet, and
//! the next request comes a tenth of a second later.

use std::time::Duration;

use async_nats::{
    StatusCode, Subscriber,
    jetstream::{
        self, Context,
        consumer::{Consumer, pull},
    },
};
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep_until};

use crate::Error;

/// What one request asks for at most; eight partitions stay below 20 MiB.
const BATCH_MESSAGES: usize = 256;
const BATCH_BYTES: usize = 1536 * 1024;

/// How long packets gather.
const PACE: Duration = Duration::from_millis(100);

/// How long a request waits for the next packet. So long, and [`PATIENCE`], nobody notices that
/// the broker has forgotten the request, as it may when the stream is deleted.
const WAIT: Duration = Duration::from_secs(10);

/// How much longer than asked the broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The broker's words when the next message would be more than the bytes asked for, and
/// when everything asked for was delivered.
const FULL: &str = "Message Size Exceeds MaxBytes";
const COMPLETED: &str = "Batch Completed";

/// Requests for messages, one at a time.
pub(super) struct Pull {
    consumer: Consumer<pull::Config>,
    context: Context,
    subscriber: Subscriber,
    /// Answers to request `n` come to `<inbox>.<n>`.
    inbox: String,
    request: u64,
    /// How long packets gather now.
    pace: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is asked for before this.
    Rest { until: Instant },
    /// The request is for so many more, and answered until then.
    Asked { left: usize, until: Instant },
}

impl Pull {
    pub(super) async fn new(
        consumer: Consumer<pull::Config>,
        client: &async_nats::Client,
        context: Context,
    ) -> Result<Self, Error> {
        let inbox = client.new_inbox();
        let subscriber = client.subscribe(format!("{inbox}.*")).await.map_err(Error::broker)?;
        let state = State::Rest { until: Instant::now() };
        Ok(Self { consumer, context, subscriber, inbox, request: 0, pace: PACE, state })
    }

    /// Whether the next request follows at once, because somebody waits for each packet.
    pub(super) const fn hurry(&mut self, hurry: bool) {
        self.pace = if hurry { Duration::ZERO } else { PACE };
    }

    /// The next message. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<jetstream::Message, Error> {
        loop {
            match self.state {
                State::Rest { until } => {
                    sleep_until(until).await;
                    self.ask().await?;
                }
                State::Asked { until, .. } => {
                    let message = tokio::select! {
                        // What is here counts, however late it is read.
                        biased;
                        message = self.subscriber.next() => message,
                        () = sleep_until(until) => {
                            return Err(Error::broker("the broker does not answer a request"));
                        }
                    };
                    let message = message.ok_or_else(|| Error::broker("the deliveries ended"))?;
                    if let Some(message) = self.sort(message)? {
                        return Ok(message);
                    }
                }
            }
        }
    }

    /// The next message, if it is here already.
    pub(super) fn here(&mut self) -> Result<Option<jetstream::Message>, Error> {
        // Only then is there something to take: what is taken must not be dropped.
        while let State::Asked { .. } = self.state {
            let Some(Some(message)) = self.subscriber.next().now_or_never() else { break };
            if let Some(message) = self.sort(message)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    async fn ask(&mut self) -> Result<(), Error> {
        let request = pull::BatchConfig {
            batch: BATCH_MESSAGES,
            max_bytes: BATCH_BYTES,
            // With a time: it is over when nothing more is there, but not before the first.
            no_wait: true,
            expires: Some(WAIT),
            ..pull::BatchConfig::default()
        };
        let inbox = format!("{}.{}", self.inbox, self.request + 1);
        self.consumer.request_batch(request, inbox.into()).await.map_err(Error::broker)?;
        // Nothing is awaited after the request has gone out, so it is never forgotten.
        self.request += 1;
        self.state = State::Asked { left: BATCH_MESSAGES, until: Instant::now() + WAIT + PATIENCE };
        Ok(())
    }

    /// Tells messages from the broker's words on the request.
    fn sort(&mut self, message: async_nats::Message) -> Result<Option<jetstream::Message>, Error> {
        let request = message.subject.rsplit('.').next().and_then(|request| request.parse().ok());
        let this = request == Some(self.request);
        let Some(status) = message.status else {
            if let (true, State::Asked { left, until }) = (this, self.state) {
                self.state = match left {
                    0 | 1 => State::Rest { until: Instant::now() },
                    left => State::Asked { left: left - 1, until },
                };
            }
            return Ok(Some(jetstream::Message { context: self.context.clone(), message }));
        };
        if !this {
            return Ok(None);
        }
        let (now, words) = (Instant::now(), message.description.as_deref().unwrap_or_default());
        self.state = match status {
            // Nothing more is there.
            StatusCode::NOT_FOUND | StatusCode::TIMEOUT => State::Rest { until: now + self.pace },
            StatusCode::REQUEST_TERMINATED if words == FULL || words == COMPLETED => {
                State::Rest { until: now }
            }
            status => {
                return Err(Error::broker(format!("the broker ended a request: {status} {words}")));
            }
        };
        Ok(None)
    }
}
