//! Feeds a session with what the broker says about it.

use std::sync::Arc;

use futures_util::StreamExt;
use hoop_bus::{
    Error, Question, Subject,
    packets::{Incoming, PacketReceiver},
};
use hoop_domain::{Direction, EndReason};
use hoop_proto as proto;
use prost::Message;

use super::Session;

/// Everything the broker says about one session.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    packets: PacketReceiver,
    relay: async_nats::Subscriber,
    client: async_nats::Client,
}

impl Session {
    /// Listens. Nothing of the session may be published by anyone before this returns.
    pub(crate) async fn subscribe(&self) -> Result<Subscriptions, Error> {
        Ok(Subscriptions {
            packets: self.bus.packet_receiver(self.id).await?,
            relay: self.bus.relay(self.id).await?,
            client: self.bus.client().clone(),
        })
    }

    /// Runs until everything about the session is recorded.
    pub(crate) async fn drive(self: Arc<Self>, mut subscriptions: Subscriptions) {
        loop {
            tokio::select! {
                biased;
                incoming = subscriptions.packets.next() => match incoming {
                    Some(Incoming::Packet { direction, publisher, encoded }) => {
                        self.witness(direction, publisher, encoded);
                    }
                    Some(Incoming::Receipt { direction, seq, publisher, receipt }) => {
                        self.receive(direction, seq, publisher, receipt);
                    }
                    None => break,
                },
                message = subscriptions.relay.next() => match message {
                    Some(message) => self.hear(message, &subscriptions.client).await,
                    None => break,
                },
                () = self.done.cancelled() => return,
            }
        }
        self.end(EndReason::RecordingUnavailable);
        self.abandon();
    }

    async fn hear(self: &Arc<Self>, message: async_nats::Message, client: &async_nats::Client) {
        self.state().heard();
        match message.subject.parse() {
            Ok(Subject::Relay { direction, .. }) => self.hear_frame(direction, &message),
            Ok(Subject::Synced { .. }) => self.hear_synced(&message),
            Ok(Subject::Attach { .. }) => {
                self.answer_attach(Question::new(message, client.clone())).await;
            }
            Ok(Subject::Kill { .. }) => {
                let kill = proto::SessionKill::decode(message.payload).unwrap_or_default();
                self.close(proto::SessionClosed { code: kill.code, message: kill.message });
            }
            _ => {
                let (session, subject) = (self.id, message.subject);
                tracing::warn!(%session, %subject, "a message that no edge sends");
            }
        }
    }

    fn hear_frame(self: &Arc<Self>, direction: Direction, message: &async_nats::Message) {
        use proto::relay_frame::Frame;
        match proto::RelayFrame::decode(message.payload.clone()).map(|frame| frame.frame) {
            Ok(Some(Frame::Credit(credit))) => self.take_credit(direction, credit),
            Ok(Some(Frame::Closed(closed))) => {
                self.close(closed);
            }
            Ok(Some(Frame::KeepAlive(_))) => {}
            Ok(Some(Frame::Synced(_)) | None) | Err(_) => {
                tracing::warn!(session = %self.id, "a relay frame can't be read");
            }
        }
    }

    /// The audit-writer's word.
    fn hear_synced(self: &Arc<Self>, message: &async_nats::Message) {
        use proto::relay_frame::Frame;
        match proto::RelayFrame::decode(message.payload.clone()).map(|frame| frame.frame) {
            Ok(Some(Frame::Synced(synced))) => self.synced(synced),
            _ => tracing::warn!(session = %self.id, "the audit-writer's word can't be read"),
        }
    }
}
