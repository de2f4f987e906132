//! An event as it comes from the broker.

use chrono::{DateTime, Utc};
use hoop_domain::{EventId, OrgId, time};
use hoop_proto::v1;
use prost::Message;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The id; one thing that happened has one, however often it is told.
    pub id: EventId,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whose it is.
    pub org: OrgId,
    /// Such as `session.opened`.
    pub kind: String,
    /// Its fields.
    pub fields: serde_json::Value,
}

/// Bytes that are no event of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message is not an event that this version knows")]
pub struct InvalidEvent;

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode(payload: &[u8]) -> Result<Self, InvalidEvent> {
        let event = v1::Event::decode(payload).map_err(|_| InvalidEvent)?;
        Ok(Self {
            id: EventId::try_from(event.id.as_ref()).map_err(|_| InvalidEvent)?,
            at: time::from_micros(event.at),
            org: OrgId::try_from(event.org.as_ref()).map_err(|_| InvalidEvent)?,
            kind: event.kind,
            fields: serde_json::from_str(&event.json).map_err(|_| InvalidEvent)?,
        })
    }
}
