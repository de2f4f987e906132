//! One partition of the AUDIT stream, in order and without holes.
//!
//! The consumer is made anew for each epoch and after each disturbance. A new consumer
//! delivers everything that is not acknowledged, in the order of the stream, at once; and it
//! takes the place of the one before it, so a writer that was fenced gets nothing more. The
//! broker counts deliveries, so one that was lost on the way is noticed; then, too, the
//! consumer is made anew. A hole in a session's numbers is therefore one in the stream.

mod paced;

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use bytes::Bytes;
use hoop_bus::{Bus, Subject, stream::AUDIT, subject::partition_filter};
use hoop_domain::{Direction, Partition, SessionId};

use crate::Error;
use paced::Pull;

/// When a message counts as lost and is delivered again. Only an acknowledgement that got
/// lost lets it come to that; and the newest packets of a session, which are kept.
const ACK_WAIT: Duration = Duration::from_secs(15 * 60);

const ACKNOWLEDGED: Bytes = Bytes::from_static(b"+ACK");
/// Never to be delivered again.
const TERMINATED: Bytes = Bytes::from_static(b"+TERM");

/// When a stream was made, in nanoseconds: one that takes the place of another has the same
/// name and other messages under the same numbers.
type Made = i64;

/// What acknowledges one delivery. Many are kept, so it is small: what the subject to do it on
/// begins with is shared.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    prefix: Arc<str>,
    /// Which stream the message is in.
    stream: Made,
    /// How often the message was delivered.
    times: i64,
    message: u64,
    delivery: u64,
}

impl crate::session::Ticket for Ticket {
    fn message(&self) -> u64 {
        self.message
    }
}

/// The subject to acknowledge on.
impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefix, times, message, delivery, .. } = self;
        // The time and what is pending are for us, and not read by the broker.
        write!(f, "{prefix}{times}.{message}.{delivery}.0.0")
    }
}

/// Something that was published on a session's subject.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) session: SessionId,
    pub(crate) direction: Direction,
    pub(crate) encoded: Bytes,
    pub(crate) ticket: Ticket,
    /// Whether the stream has more that is not delivered.
    pub(crate) more: bool,
}

/// The deliveries of a partition.
pub(crate) struct Consumer {
    pull: Pull,
    client: async_nats::Client,
    /// The broker's number of the last delivery.
    delivered: u64,
    /// How often the client had connected when the consumer was made.
    connects: u64,
    /// Which stream it is on.
    stream: Made,
    /// What all subjects to acknowledge on begin with, once one is known.
    prefix: Option<Arc<str>>,
}

impl Consumer {
    /// Makes the partition's consumer anew.
    pub(crate) async fn open(bus: &Bus, partition: Partition) -> Result<Self, Error> {
        let name = format!("writer-{}", partition.number());
        let client = bus.client().clone();
        let connects = client.statistics().connects.load(Ordering::Relaxed);
        // When there is none, there is nothing to delete; what else is wrong shows below.
        let _ = bus.jetstream().delete_consumer_from_stream(&name, AUDIT).await;
        let config = pull::Config {
            durable_name: Some(name),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: -1,
            filter_subject: partition_filter(partition),
            ..pull::Config::default()
        };
        let consumer = bus
            .jetstream()
            .create_consumer_on_stream(config, AUDIT)
            .await
            .map_err(Error::broker)?;
        // After the consumer was made: if another stream takes its place in between, the consumer
        // is gone with it and delivers nothing.
        let stream = bus.jetstream().get_stream(AUDIT).await.map_err(Error::broker)?;
        let made = stream.cached_info().created.unix_timestamp_nanos();
        let stream = Made::try_from(made).map_err(Error::broker)?;
        let pull = Pull::new(consumer, &client, bus.jetstream().clone()).await?;
        Ok(Self { pull, client, delivered: 0, connects, stream, prefix: None })
    }

    /// Whether the connection that it was made on is gone. What the broker had sent on it
    /// and we had not read is lost.
    pub(crate) fn disturbed(&self) -> bool {
        self.client.statistics().connects.load(Ordering::Relaxed) != self.connects
            || self.client.connection_state() != async_nats::connection::State::Connected
    }

    /// The next delivery. After an error, the consumer has to be made anew. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Delivery, Error> {
        loop {
            let message = self.pull.next().await?;
            if let Some(delivery) = self.read(message).await? {
                return Ok(delivery);
            }
        }
    }

    /// The next delivery, if it is here already.
    pub(crate) async fn ready(&mut self) -> Result<Option<Delivery>, Error> {
        match self.pull.here()? {
            Some(message) => self.read(message).await,
            None => Ok(None),
        }
    }

    async fn read(&mut self, message: jetstream::Message) -> Result<Option<Delivery>, Error> {
        let info = message.info().map_err(Error::broker)?;
        if info.consumer_sequence != self.delivered + 1 {
            return Err(Error::broker("a delivery was lost on the way"));
        }
        self.delivered += 1;
        let more = info.pending != 0;
        let (times, stream_sequence) = (info.delivered, info.stream_sequence);
        let prefix = match &self.prefix {
            Some(prefix) => prefix.clone(),
            None => {
                self.prefix.insert(prefix_of(message.reply.as_deref().unwrap_or_default())).clone()
            }
        };
        let (stream, delivery) = (self.stream, self.delivered);
        let ticket = Ticket { prefix, stream, times, message: stream_sequence, delivery };
        let Ok(Subject::Audit { session, direction }) = message.subject.parse() else {
            let digest = blake3::hash(&message.payload).to_hex();
            let subject = message.subject.as_str();
            tracing::error!(subject, %digest, "a message of nobody is dropped");
            self.answer(ticket, TERMINATED).await?;
            return Ok(None);
        };
        // A payload may share its memory with others that were read with it. It is spooled
        // at once, so that does not matter.
        let encoded = message.message.payload;
        Ok(Some(Delivery { session, direction, encoded, ticket, more }))
    }

    /// Whether packets are asked for at once and not gathered.
    pub(crate) const fn hurry(&mut self, hurry: bool) {
        self.pull.hurry(hurry);
    }

    /// Takes a message out of the stream. When that gets lost, it is delivered again.
    pub(crate) async fn acknowledge(&self, ticket: Ticket) -> Result<(), Error> {
        self.answer(ticket, ACKNOWLEDGED).await
    }

    /// Waits until the broker was sent all acknowledgements.
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        self.client.flush().await.map_err(Error::broker)
    }

    async fn answer(&self, ticket: Ticket, word: Bytes) -> Result<(), Error> {
        // While the broker is away nothing is queued: the next consumer delivers it again.
        if self.client.connection_state() != async_nats::connection::State::Connected {
            return Ok(());
        }
        // What was in a stream that is gone has nothing to do with what has its number now.
        if ticket.stream != self.stream {
            return Ok(());
        }
        self.client.publish(ticket.to_string(), word).await.map_err(Error::broker)
    }
}

/// What comes before the numbers: `$JS.ACK.<stream>.<consumer>.`, or, where the subject has
/// more than nine parts, the same with a domain and an account.
fn prefix_of(reply: &str) -> Arc<str> {
    let before = if reply.split('.').count() == 9 { 4 } else { 6 };
    reply.split_inclusive('.').take(before).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_becomes_the_subject_that_it_came_from() {
        for (prefix, numbers) in [
            ("$JS.ACK.AUDIT.writer-3.", "2.17.5.1699999999.3"),
            ("$JS.ACK.hub.HASH.AUDIT.writer-3.", "2.17.5.1699999999.3"),
            ("$JS.ACK.hub.HASH.AUDIT.writer-3.", "2.17.5.1699999999.3.token"),
        ] {
            assert_eq!(&*prefix_of(&format!("{prefix}{numbers}")), prefix);
        }
        let prefix = prefix_of("$JS.ACK.AUDIT.writer-3.2.17.5.1699999999.3");
        let ticket = Ticket { prefix, stream: 0, times: 2, message: 17, delivery: 5 };
        assert_eq!(ticket.to_string(), "$JS.ACK.AUDIT.writer-3.2.17.5.0.0");
    }
}
