//! An event as it comes from the broker.

use hoop_domain::{EventId, OrgId, time};
use hoop_proto::v1;
use prost::Message;

pub use hoop_store::outbox::Event;

/// Bytes that are no event of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message is not an event that this version knows")]
pub struct InvalidEvent;

/// Reads an event.
///
/// # Errors
/// When it is none.
pub fn decode(payload: &[u8]) -> Result<Event, InvalidEvent> {
    let event = v1::Event::decode(payload).map_err(|_| InvalidEvent)?;
    // PostgreSQL holds no NUL in a text, so such an event could never be stored.
    if event.kind.contains('\0') || event.json.contains("\\u0000") {
        return Err(InvalidEvent);
    }
    Ok(Event {
        id: EventId::try_from(event.id.as_ref()).map_err(|_| InvalidEvent)?,
        at: time::from_micros(event.at),
        org: OrgId::try_from(event.org.as_ref()).map_err(|_| InvalidEvent)?,
        kind: event.kind,
        body: serde_json::from_str(&event.json).map_err(|_| InvalidEvent)?,
    })
}
