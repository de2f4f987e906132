//! The packets of a session, as the edges would publish them.

use anyhow::Result;
use bytes::Bytes;
use hoop_bus::{Bus, Subject};
use hoop_domain::{Both, Chain, Direction, EndReason, OrgId, SessionId};
use hoop_proto::v1::{self, packet::Body};

/// Both edges of one session.
pub(crate) struct Edge {
    pub(crate) session: SessionId,
    pub(crate) org: OrgId,
    ways: Both<(u64, Chain)>,
    /// What was published, by direction.
    pub(crate) published: Both<Vec<Bytes>>,
}

impl Edge {
    pub(crate) fn new(org: OrgId) -> Self {
        let session = SessionId::generate();
        let ways = Both::from_fn(|direction| (0, Chain::start(session, direction)));
        Self { session, org, ways, published: Both::default() }
    }

    /// The next packet, as it is published.
    pub(crate) fn packet(&mut self, direction: Direction, body: Body) -> Bytes {
        let (seq, head) = self.ways.get_mut(direction);
        *seq += 1;
        let packet = v1::Packet {
            session: Bytes::copy_from_slice(self.session.as_bytes()),
            direction: v1::Direction::from(direction).into(),
            seq: *seq,
            channel: 1,
            at: 1_700_000_000_000_000 + i64::try_from(*seq).unwrap_or_default(),
            body: Some(body),
            taken: 0,
            chain: Bytes::new(),
        };
        let (encoded, next) = hoop_proto::packet::seal(packet, *head);
        *head = next;
        self.published.get_mut(direction).push(encoded.clone());
        encoded
    }

    pub(crate) async fn publish(
        &self,
        bus: &Bus,
        direction: Direction,
        encoded: Bytes,
    ) -> Result<()> {
        let subject = Subject::Audit { session: self.session, direction }.to_string();
        bus.jetstream().publish(subject, encoded).await?.await?;
        Ok(())
    }

    /// Any packet.
    pub(crate) async fn say(&mut self, bus: &Bus, direction: Direction, body: Body) -> Result<()> {
        let encoded = self.packet(direction, body);
        self.publish(bus, direction, encoded).await
    }

    /// The first packet.
    pub(crate) async fn start(&mut self, bus: &Bus) -> Result<()> {
        self.start_at(bus, v1::AuditLevel::Strict).await
    }

    /// The first packet of a session at this audit level.
    pub(crate) async fn start_at(&mut self, bus: &Bus, level: v1::AuditLevel) -> Result<()> {
        let org = Bytes::copy_from_slice(self.org.as_bytes());
        let audit_level = level.into();
        let start = v1::SessionStart { org, audit_level, ..v1::SessionStart::default() };
        self.say(bus, Direction::In, Body::SessionStart(start)).await
    }

    /// `count` packets of `length` bytes each way.
    pub(crate) async fn talk(&mut self, bus: &Bus, count: usize, length: usize) -> Result<()> {
        for number in 0..count {
            let data: Vec<u8> = format!("line {number} ").bytes().cycle().take(length).collect();
            for direction in Direction::BOTH {
                self.say(bus, direction, Body::Data(data.clone().into())).await?;
            }
        }
        Ok(())
    }

    /// `count` packets of `length` bytes out that nothing compresses.
    pub(crate) async fn noise(&mut self, bus: &Bus, count: u8, length: usize) -> Result<()> {
        for number in 0..count {
            let mut data = vec![0; length];
            blake3::Hasher::new().update(&[number]).finalize_xof().fill(&mut data);
            self.say(bus, Direction::Out, Body::Data(data.into())).await?;
        }
        Ok(())
    }

    /// These bytes, as a packet.
    pub(crate) async fn say_data(
        &mut self,
        bus: &Bus,
        direction: Direction,
        data: Bytes,
    ) -> Result<()> {
        self.say(bus, direction, Body::Data(data)).await
    }

    /// A packet out of this size, which the broker must refuse.
    pub(crate) async fn refused(&mut self, bus: &Bus, length: usize) -> Result<Bytes> {
        let encoded = self.packet(Direction::Out, Body::Data(vec![7; length].into()));
        let published = self.publish(bus, Direction::Out, encoded.clone()).await;
        anyhow::ensure!(published.is_err(), "the broker took more than it may");
        Ok(encoded)
    }

    /// The end of one direction.
    pub(crate) async fn end(
        &mut self,
        bus: &Bus,
        direction: Direction,
        reason: EndReason,
    ) -> Result<()> {
        self.say(bus, direction, Body::SessionEnd(v1::SessionEnd::of(reason))).await
    }

    /// The end of both.
    pub(crate) async fn end_both(&mut self, bus: &Bus) -> Result<()> {
        self.end(bus, Direction::Out, EndReason::TargetClosed).await?;
        self.end(bus, Direction::In, EndReason::ClientClosed).await
    }
}
