//! Publishing what happened, once: the event's id is the message's id.

use async_nats::jetstream::message::PublishMessage;
use hoop_domain::EventId;
use prost::Message;

use crate::{Bus, Error, Subject};

impl Bus {
    /// Publishes an event of this kind and waits until the broker has it. Publishing it
    /// again within the stream's window is harmless: the broker keeps the first.
    ///
    /// # Errors
    /// When the broker is not there or refuses.
    pub async fn publish_event<M: Message>(
        &self,
        id: EventId,
        kind: &str,
        event: &M,
    ) -> Result<(), Error> {
        let message = PublishMessage::build()
            .message_id(id.to_string())
            .payload(event.encode_to_vec().into());
        let refused = |cause: async_nats::jetstream::context::PublishError| Error::Refused {
            cause: cause.to_string(),
        };
        let subject = Subject::Event { kind: kind.into() };
        self.jetstream()
            .send_publish(subject.to_string(), message)
            .await
            .map_err(refused)?
            .await
            .map_err(refused)?;
        Ok(())
    }
}
