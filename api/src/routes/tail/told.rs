//! What is told of a session: an event, or a message of a WebSocket with the same in it.

use axum::response::sse::Event;
use hoop_domain::EndReason;
use serde::Serialize;

use super::super::recording::PacketResponse;
use crate::{Error, error::Result};

/// One thing that is told.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Told {
    /// A packet, and where to go on after it.
    Packet { id: String, data: PacketResponse },
    /// The session is over, and this is the last.
    End { data: End },
    /// Who follows may not any more, and this is the last.
    #[serde(rename = "error")]
    Refused { data: Refused },
}

/// How a session ended.
#[derive(Serialize)]
pub(super) struct End {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// Why there is no more.
#[derive(Serialize)]
pub(super) struct Refused {
    pub(super) message: &'static str,
}

impl Told {
    pub(super) fn end(reason: EndReason, message: &str) -> Self {
        Self::End { data: End { reason: reason.as_str(), message: message.to_owned() } }
    }

    /// As a server-sent event.
    ///
    /// # Errors
    /// Never: all of it is JSON. The library's signature allows it.
    pub(super) fn event(self) -> Result<Event> {
        let event = match self {
            Self::Packet { id, data } => Event::default().event("packet").id(id).json_data(data),
            Self::End { data } => Event::default().event("end").json_data(data),
            Self::Refused { data } => Event::default().event("error").json_data(data),
        };
        event.map_err(Error::internal)
    }

    /// As the text of a message.
    ///
    /// # Errors
    /// Never, like [`Self::event`].
    pub(super) fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_message_names_its_event_and_has_its_data() {
        let parsed = |told: &Told| serde_json::from_str::<Value>(&told.text().unwrap()).unwrap();
        let end = Told::end(EndReason::ClientClosed, "the client hung up");
        let data = json!({ "reason": "client_closed", "message": "the client hung up" });
        assert_eq!(parsed(&end), json!({ "event": "end", "data": data }));
        let refused = Told::Refused { data: Refused { message: "no more" } };
        assert_eq!(parsed(&refused), json!({ "event": "error", "data": { "message": "no more" } }));
    }
}
