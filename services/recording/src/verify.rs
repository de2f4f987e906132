//! One recording against its manifest, or an open one against its checkpoint: signature,
//! segments, and every packet.
//!
//! Memory holds one segment, however long the recording is. After something that is wrong,
//! checking goes on from what is there, so that one changed byte is named once and does not
//! hide another.

mod signed;
mod way;

use std::collections::BTreeMap;

use hoop_domain::{
    Both, Direction, SessionId,
    manifest::{Checkpoint, KeyId, Manifest, PublicKey, SegmentSummary, SegmentTotals, WaySummary},
};
use hoop_proto::v1;
use prost::Message;

use crate::{
    Finding,
    finding::Findings,
    format::{Records, unpack},
};
pub use signed::Signed;
use way::Way;

/// What came of checking a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The session.
    pub session: SessionId,
    /// Whether the session is open: it was checked as far as it is signed.
    pub open: bool,
    /// The key that signed the manifest, or the checkpoint.
    pub key: KeyId,
    /// Packets that were checked.
    pub packets: Both<u64>,
    /// Segments that were checked.
    pub segments: u32,
    /// All that is wrong; nothing when the recording is what was signed.
    pub findings: Vec<Finding>,
}

/// A recording that is being checked.
#[derive(Debug)]
pub struct Verification {
    session: SessionId,
    open: bool,
    key: KeyId,
    /// Where each direction ends.
    ends: Both<WaySummary>,
    /// How many segments there should be.
    count: u32,
    /// What is known of them.
    segments: BTreeMap<u32, SegmentSummary>,
    ways: Both<Way>,
    /// The segment that comes next.
    next: u32,
    seen: u32,
    findings: Findings,
}

impl Verification {
    /// Begins with the manifest. It must continue the checkpoint, where there is one.
    ///
    /// # Errors
    /// With all that is wrong, when the text is no manifest: there is nothing to compare with.
    pub fn begin(
        signed: &Signed,
        checkpoint: Option<&Signed>,
        trusted: &[PublicKey],
    ) -> Result<Self, Vec<Finding>> {
        let (manifest, wrong) = signed.open(trusted)?;
        let mut findings = Findings::default();
        findings.extend(wrong);
        findings.extend(manifest.flaws.iter().copied().map(Finding::Flawed));
        let count = u32::try_from(manifest.segments.len()).unwrap_or(u32::MAX);
        let session = manifest.session;
        let mut ways = Both::from_fn(|direction| Way::start(session, direction));
        match checkpoint.map(|checkpoint| checkpoint.open_checkpoint(trusted)) {
            None => {}
            Some(Err(wrong)) => findings.extend(wrong),
            Some(Ok((checkpoint, wrong))) => {
                findings.extend(wrong);
                findings.extend(contradictions(&manifest, &checkpoint));
                for direction in Direction::BOTH {
                    ways.get_mut(direction).passes(checkpoint.ways.get(direction));
                }
            }
        }
        let segments = (0..).zip(manifest.segments).collect();
        let (open, key) = (false, signed.public_key.id());
        let ends = manifest.ways;
        Ok(Self { session, open, key, ends, count, segments, ways, next: 0, seen: 0, findings })
    }

    /// Begins with the checkpoint of an open session, and the list of its segments, which is
    /// not signed itself: the checkpoint has its digest.
    ///
    /// # Errors
    /// With all that is wrong, when the text is no checkpoint.
    pub fn begin_open(
        signed: &Signed,
        segments: BTreeMap<u32, SegmentSummary>,
        trusted: &[PublicKey],
    ) -> Result<Self, Vec<Finding>> {
        let (checkpoint, wrong) = signed.open_checkpoint(trusted)?;
        let mut findings = Findings::default();
        findings.extend(wrong);
        let (session, count) = (checkpoint.session, checkpoint.segments.count);
        // Those that are not listed are missed below.
        let whole = segments.keys().copied().eq(0..count);
        if whole && SegmentTotals::of(segments.values()) != checkpoint.segments {
            findings.push(Finding::CheckpointContradicted);
        }
        let ways = Both::from_fn(|direction| Way::start(session, direction));
        let (open, key, ends) = (true, signed.public_key.id(), checkpoint.ways);
        Ok(Self { session, open, key, ends, count, segments, ways, next: 0, seen: 0, findings })
    }

    /// The next segment that is there, as it is stored.
    pub fn segment(&mut self, number: u32, stored: &[u8]) {
        let known = self.segments.get(&number).filter(|_| number < self.count);
        let Some(signed) = known.filter(|_| self.next <= number).copied() else {
            self.findings.push(Finding::SegmentUnknown(number));
            return;
        };
        self.findings.extend((self.next..number).map(Finding::SegmentMissing));
        (self.next, self.seen) = (number + 1, self.seen + 1);
        let unpacked = unpack(stored, signed.raw_bytes);
        if blake3::hash(stored).as_bytes() != &signed.digest || unpacked.is_err() {
            self.findings.push(Finding::SegmentChanged(number));
        }
        // A changed segment may still be readable: then its first changed packet is named.
        if let Ok(raw) = unpacked {
            self.packets(number, Records::new(raw));
        }
    }

    fn packets(&mut self, segment: u32, mut records: Records) {
        for encoded in records.by_ref() {
            let packet = v1::Packet::decode(encoded.clone()).ok();
            let packet = packet.filter(|packet| packet.session_id() == Some(self.session));
            let travelled = packet.and_then(|packet| Some((packet.travels()?, packet)));
            match travelled {
                Some((direction, packet)) => {
                    let way = self.ways.get_mut(direction);
                    way.take(&packet, &encoded, &mut self.findings);
                }
                None => self.findings.push(Finding::ForeignPacket { segment }),
            }
        }
        if records.remaining() != 0 {
            self.findings.push(Finding::ForeignPacket { segment });
        }
    }

    /// After the last segment that is there.
    #[must_use]
    pub fn finish(mut self) -> Checked {
        self.findings.extend((self.next..self.count).map(Finding::SegmentMissing));
        for direction in Direction::BOTH {
            let summary = self.ends.get(direction);
            self.ways.get_mut(direction).finish(summary, &mut self.findings);
        }
        Checked {
            session: self.session,
            open: self.open,
            key: self.key,
            packets: Both::from_fn(|direction| self.ways.get(direction).seen()),
            segments: self.seen,
            findings: self.findings.into_list(),
        }
    }
}

/// Where the manifest says less than the checkpoint did, or something else.
fn contradictions(manifest: &Manifest, checkpoint: &Checkpoint) -> Vec<Finding> {
    let behind = Direction::BOTH.into_iter().filter_map(|direction| {
        let (end, before) = (manifest.ways.get(direction), checkpoint.ways.get(direction));
        let (found, signed) = (end.last_seq, before.last_seq);
        let less = found < signed || end.packets < before.packets;
        less.then_some(Finding::BehindCheckpoint { direction, found, signed })
    });
    let behind: Vec<Finding> = behind.collect();
    let count = usize::try_from(checkpoint.segments.count).unwrap_or(usize::MAX);
    let same = SegmentTotals::of(manifest.segments.iter().take(count)) == checkpoint.segments
        && (manifest.session, manifest.org) == (checkpoint.session, checkpoint.org);
    if behind.is_empty() && !same { vec![Finding::CheckpointContradicted] } else { behind }
}

#[cfg(test)]
mod open_tests;
#[cfg(test)]
mod tests;
