//! Taking a packet in: is it the next one, a known one, or is something wrong?

use bytes::Bytes;
use hoop_domain::{
    Chain, Direction, OrgId,
    manifest::{Flaw, FlawKind},
};
use hoop_proto::v1::{AuditLevel, Packet, SessionEnd, packet::Body};
use hoop_store::recording::{End, Head};
use prost::Message;
use tokio::time::Instant;

use super::{
    Session,
    piece::Held,
    tail::{Ticket, newer},
};

/// What to do with a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Fed<T> {
    /// Append it to the spool.
    Record,
    /// It does not go into the recording, because it is there or because it is no packet.
    Skip {
        /// To be acknowledged; what is missing here is acknowledged later.
        ack: Option<T>,
    },
    /// It came after the end. The flaw is to be stored, then the ticket acknowledged.
    Late {
        /// The flaw.
        flaw: Flaw,
        /// The ticket.
        ticket: T,
    },
}

/// Whether a packet belongs to what is recorded up to `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is in the recording.
    Recorded,
    /// It only says that the session is over, as the recording does: an edge that had not
    /// heard it yet said its last word. Nothing travelled with it.
    Farewell,
    /// It came too late.
    Late(Flaw),
}

impl Known {
    /// Judges a packet of a finished recording whose last packet in `direction` is `last`.
    #[must_use]
    pub fn judge(direction: Direction, last: u64, encoded: &Bytes) -> Self {
        match Packet::decode(encoded.clone()) {
            Ok(packet) if (1..=last).contains(&packet.seq) => Self::Recorded,
            Ok(packet) if packet.seq == last + 1 && is_farewell(&packet) => Self::Farewell,
            Ok(packet) => Self::Late(Flaw { direction, seq: packet.seq, kind: FlawKind::Late }),
            Err(_) => Self::Late(Flaw { direction, seq: last + 1, kind: FlawKind::Late }),
        }
    }
}

fn is_farewell(packet: &Packet) -> bool {
    matches!(packet.body, Some(Body::SessionEnd(_)))
}

/// What a packet turned out to be.
enum Verdict {
    /// To be recorded, with the head's chain after it, and what is wrong with it.
    Next { packet: Packet, chain: Chain, flaw: Option<FlawKind> },
    /// Recorded or spooled already.
    Known { packet: Packet },
    /// Nothing that could be recorded.
    Foreign(FlawKind),
}

impl<T: Ticket> Session<T> {
    /// Takes in what was published on the session's subject of `direction`.
    pub fn feed(
        &mut self,
        direction: Direction,
        encoded: &Bytes,
        ticket: T,
        now: Instant,
    ) -> Fed<T> {
        let head = &self.ways.get(direction).head;
        // The broker takes no message that is longer.
        let length = u32::try_from(encoded.len()).unwrap_or(u32::MAX);
        match self.judge(direction, head, encoded) {
            Verdict::Known { packet } => {
                let seq = packet.seq;
                // Another writer recorded it, and this one has to know the level, too.
                self.synced |= wants_sync(&packet);
                self.again(Held { direction, seq, length, ticket }, now)
            }
            Verdict::Next { packet, flaw: None, .. } if self.finishing && is_farewell(&packet) => {
                Fed::Skip { ack: Some(ticket) }
            }
            Verdict::Next { packet, .. } if self.finishing => {
                let flaw = Flaw { direction, seq: packet.seq, kind: FlawKind::Late };
                Fed::Late { flaw, ticket }
            }
            Verdict::Next { packet, chain, flaw } => {
                self.last_arrival = now;
                self.flaws.extend(flaw.map(|kind| Flaw { direction, seq: packet.seq, kind }));
                let held = Held { direction, seq: packet.seq, length, ticket };
                self.record(held, packet, chain, now);
                Fed::Record
            }
            Verdict::Foreign(kind) => {
                let seq = head.seq + 1;
                let flaw = Flaw { direction, seq, kind };
                if self.finishing {
                    return Fed::Late { flaw, ticket };
                }
                self.flaws.push(flaw);
                // It holds number 0, which is no packet's, so it is never kept as the newest.
                self.open.hold(Held { direction, seq: 0, length, ticket }, now);
                Fed::Skip { ack: None }
            }
        }
    }

    fn judge(&self, direction: Direction, head: &Head, encoded: &Bytes) -> Verdict {
        let (packet, follows) = match hoop_proto::packet::verify(encoded, head.chain) {
            Ok((packet, chain)) => (packet, Some(chain)),
            Err(_) => match Packet::decode(encoded.clone()) {
                Ok(packet) => (packet, None),
                Err(_) => return Verdict::Foreign(FlawKind::Undecodable),
            },
        };
        if packet.session_id() != Some(self.id) || packet.travels() != Some(direction) {
            return Verdict::Foreign(FlawKind::Misplaced);
        }
        let expected = head.seq + 1;
        match follows {
            Some(chain) => {
                let flaw = (packet.seq != expected).then_some(FlawKind::Misnumbered);
                Verdict::Next { packet, chain, flaw }
            }
            None if packet.seq == 0 => Verdict::Foreign(FlawKind::Undecodable),
            None if packet.seq < expected => Verdict::Known { packet },
            None => {
                let gap = expected < packet.seq;
                let flaw = if gap { FlawKind::Gap } else { FlawKind::BrokenChain };
                // From here on the packets are checked against what this one claims, so
                // that one break is one flaw.
                let claimed = <[u8; 32]>::try_from(packet.chain.as_ref());
                let chain = claimed.map_or_else(|_| head.chain.link(encoded), Chain::from);
                Verdict::Next { packet, chain, flaw: Some(flaw) }
            }
        }
    }

    fn record(&mut self, held: Held<T>, packet: Packet, chain: Chain, now: Instant) {
        let direction = held.direction;
        let at = packet.taken_at();
        self.synced |= wants_sync(&packet);
        self.begun_at.get_or_insert(at);
        self.ended_at = self.ended_at.max(at);
        let way = self.ways.get_mut(direction);
        way.head.packets += 1;
        way.head.seq = way.head.seq.max(packet.seq);
        way.head.chain = chain;
        way.last_arrival = now;
        match packet.body {
            Some(Body::SessionEnd(end)) => way.head.end = Some(read_end(&end)),
            Some(Body::SessionStart(start)) if self.org.is_none() => {
                self.org = OrgId::try_from(start.org.as_ref()).ok();
            }
            // Only the agent's word counts.
            Some(Body::ChannelExit(exit)) if direction == Direction::Out => {
                self.exit_code = Some(exit.code);
            }
            _ => {}
        }
        self.open.add(held, at, now);
    }

    /// A packet was delivered once more.
    fn again(&mut self, held: Held<T>, now: Instant) -> Fed<T> {
        let (direction, seq) = (held.direction, held.seq);
        let committed = self.ways.get(direction).committed;
        if committed < seq || (self.finishing && !self.in_flight.is_empty()) {
            let step = self.in_flight.iter_mut().find(|step| seq <= *step.seqs.get(direction));
            match step {
                Some(step) => step.tickets.push(held),
                None => self.open.hold(held, now),
            }
            return Fed::Skip { ack: None };
        }
        Fed::Skip { ack: self.keep(held, now) }
    }

    /// Keeps a packet that is committed in the stream. Returns what is not to be kept.
    pub(super) fn keep(&mut self, held: Held<T>, now: Instant) -> Option<T> {
        match (held.direction, held.seq) {
            (_, 0) => Some(held.ticket),
            (Direction::In, 1) => match &mut self.first {
                Some(first) => newer(first, held.ticket),
                none => {
                    *none = Some(held.ticket);
                    None
                }
            },
            (direction, _) => self.ways.get_mut(direction).tail.keep(held, now),
        }
    }
}

fn wants_sync(packet: &Packet) -> bool {
    matches!(&packet.body, Some(Body::SessionStart(start))
        if packet.seq == 1 && start.audit_level() == AuditLevel::Synced)
}

/// A reason that this version does not know was given by a newer edge: the words are kept.
fn read_end(end: &SessionEnd) -> End {
    let reason = end.code.parse().unwrap_or(hoop_domain::EndReason::ProtocolViolation);
    // PostgreSQL holds no NUL, and nothing that an endpoint says keeps its recording out.
    End { reason, message: end.message.replace('\0', "\u{fffd}") }
}
