//! Ends sessions that no edge holds any more, unless their recording is about to say how they
//! ended: an audit-writer that is late must not make a session lost that ended well, or one
//! unopened that has done its work.

use chrono::{DateTime, Utc};
use hoop_domain::{Direction, EndReason, SessionId};
use hoop_proto::v1::{Packet, packet::Body};
use prost::Message;

use crate::App;

/// How many were ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) unopened: usize,
    pub(super) lost: usize,
}

/// What the stream holds of a session.
enum Held {
    Nothing,
    Something,
    /// The ends of both directions: the audit-writer closes the session when it is there.
    Whole,
}

/// Ends those that no edge has reported since `cutoff`.
pub(super) async fn end(
    app: &App,
    cutoff: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Ended, hoop_store::Error> {
    let (mut waiting, mut ended) = (Vec::new(), Ended::default());
    for (session, opened) in app.store.session_unheld(cutoff).await? {
        let held = match held(app, session).await {
            Ok(held) => held,
            Err(cause) => {
                // Nothing is decided about what nobody can look at.
                tracing::warn!(%session, %cause, "what is recorded of it can't be looked at");
                break;
            }
        };
        let (reason, count) = match (held, opened) {
            (Held::Whole, _) => {
                waiting.push(session);
                continue;
            }
            (Held::Nothing, false) => (EndReason::NeverOpened, &mut ended.unopened),
            (Held::Something, _) | (Held::Nothing, true) => (EndReason::EdgeLost, &mut ended.lost),
        };
        if app.store.session_close(session, reason, reason.message(), now).await? {
            *count += 1;
        }
    }
    app.store.session_wait_for_writer(&waiting, now).await?;
    Ok(ended)
}

async fn held(app: &App, session: SessionId) -> Result<Held, hoop_bus::Error> {
    let mut held = Held::Nothing;
    let mut ends = 0;
    for direction in Direction::BOTH {
        if let Some(newest) = app.bus.newest(session, direction).await? {
            held = Held::Something;
            let packet = Packet::decode(newest.encoded);
            ends +=
                usize::from(matches!(packet, Ok(Packet { body: Some(Body::SessionEnd(_)), .. })));
        }
    }
    Ok(if ends == Direction::BOTH.len() { Held::Whole } else { held })
}
