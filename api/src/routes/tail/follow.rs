//! Follows one session for one client, as fast as that client takes it.

use std::time::{Duration, Instant};

use futures_util::{Stream, stream};
use hoop_bus::recorded::Receipts;
use hoop_domain::{Both, EndReason, SessionId, session::SessionState};
use hoop_proto::v1::{self, packet::Body};
use http::{HeaderMap, Method};

use super::{
    super::{
        recording::{PacketResponse, Position, Reader, Stage},
        sessions::find,
    },
    told::{Refused, Told},
};
use crate::{
    App, Error,
    auth::{self, Actor},
    error::{Result, chain},
    places::Place,
};

/// Without a word from the broker it is looked that often: for sessions that end without a
/// last packet, and for receipts that got lost.
const LOOK: Duration = Duration::from_secs(2);
/// How often it is asked whether the one who follows still may.
const RECHECK: Duration = Duration::from_secs(2);
pub(super) const TAKEN_AWAY: &str =
    "you may not follow this session any more: your login or your access was taken away";

pub(super) struct Tail {
    app: App,
    /// What the one who follows has shown of themselves.
    headers: HeaderMap,
    actor: Actor,
    checked_at: Instant,
    session: SessionId,
    reader: Reader,
    receipts: Receipts,
    /// The last packet of each direction, when it was seen.
    ends: Both<Option<v1::SessionEnd>>,
    _place: Place,
}

enum Next {
    Packet(Told),
    End(Told),
}

impl Tail {
    /// From `position` on, for `actor` as long as these headers show who that is.
    ///
    /// # Errors
    /// When the database or the broker is not available.
    pub(super) async fn open(
        app: App,
        (headers, actor): (HeaderMap, Actor),
        session: SessionId,
        position: Position,
        place: Place,
    ) -> Result<Self> {
        // Before anything is read, so that nothing falls in between.
        let receipts = app.bus.receipts(session).await?;
        let reader = Reader::open(&app, session, position, None, 0).await?;
        let (checked_at, ends, _place) = (Instant::now(), Both::default(), place);
        Ok(Self { app, headers, actor, checked_at, session, reader, receipts, ends, _place })
    }

    /// All that there is to tell, made when it is asked for. An error breaks it off.
    pub(super) fn told(self) -> impl Stream<Item = Result<Told>> + Send {
        stream::try_unfold(Some(self), |tail| async move {
            let Some(mut tail) = tail else { return Ok(None) };
            match tail.next().await {
                Ok(Next::Packet(told)) => Ok(Some((told, Some(tail)))),
                Ok(Next::End(told)) => Ok(Some((told, None))),
                Err(error) if final_word(&error) => {
                    let data = Refused { message: TAKEN_AWAY };
                    Ok(Some((Told::Refused { data }, None)))
                }
                Err(error) => {
                    let session = tail.session;
                    tracing::warn!(%session, cause = chain(&error), "a tail was cut off");
                    Err(error)
                }
            }
        })
    }

    async fn next(&mut self) -> Result<Next> {
        // What has ended without ever being recorded is noticed at once, later at each look.
        let mut look = true;
        loop {
            self.recheck().await?;
            if let Some(packet) = self.reader.next().await? {
                return Ok(Next::Packet(self.packet(packet)));
            }
            if let Some(end) = self.end(look).await? {
                return Ok(Next::End(end));
            }
            look = tokio::select! {
                open = self.receipts.changed() => {
                    if !open {
                        return Err(Error::Unavailable("the broker is gone for good".into()));
                    }
                    false
                }
                () = tokio::time::sleep(LOOK) => true,
            };
        }
    }

    /// Whoever was deactivated, lost their role or their token, sees nothing more.
    async fn recheck(&mut self) -> Result<()> {
        if self.checked_at.elapsed() < RECHECK {
            return Ok(());
        }
        (self.actor, _) = auth::actor(&self.app, &Method::GET, &self.headers).await?;
        find(&self.app, &self.actor, &self.session.to_string()).await?;
        self.checked_at = Instant::now();
        Ok(())
    }

    fn packet(&mut self, packet: v1::Packet) -> Told {
        if let (Some(direction), Some(Body::SessionEnd(end))) = (packet.travels(), &packet.body) {
            *self.ends.get_mut(direction) = Some(end.clone());
        }
        let id = self.reader.position().to_string();
        Told::Packet { id, data: PacketResponse::from(packet) }
    }

    /// What is told last, when there is nothing more to come.
    async fn end(&self, look: bool) -> Result<Option<Told>> {
        if let (Some(end), Some(_)) = (&self.ends.inward, &self.ends.outward) {
            // The code is the client's own word.
            let reason = end.code.parse().unwrap_or(EndReason::ProtocolViolation);
            return Ok(Some(Told::end(reason, &end.message)));
        }
        let stage = self.reader.stage();
        if stage == Stage::Begun || (stage == Stage::Unknown && !look) {
            return Ok(None);
        }
        let session = find(&self.app, &self.actor, &self.session.to_string()).await?;
        match session.state {
            SessionState::Closed { reason, .. } => {
                Ok(Some(Told::end(reason, &session.end_message)))
            }
            _ => Ok(None),
        }
    }
}

/// Whether it is about the one who follows, and asking again would not help.
const fn final_word(error: &Error) -> bool {
    matches!(error, Error::Unauthenticated | Error::Forbidden | Error::NotFound { .. })
}
