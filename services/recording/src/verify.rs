//! One recording against its manifest: signature, segments, and every packet.
//!
//! Memory holds one segment, however long the recording is. After something that is wrong,
//! checking goes on from what is there, so that one changed byte is named once and does not
//! hide another.

mod way;

use hoop_domain::{
    Both, Direction, SessionId,
    manifest::{KeyId, Manifest, PublicKey},
};
use hoop_proto::v1;
use prost::Message;

use crate::{
    Finding,
    finding::Findings,
    format::{Records, unpack},
};
use way::Way;

/// A manifest as it was found, with what is said to sign it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The text.
    pub encoded: String,
    /// The signature.
    pub signature: Vec<u8>,
    /// The key; whether it is to be trusted is another question.
    pub public_key: PublicKey,
}

impl Signed {
    /// Reads the manifest and checks its signature. With `trusted` keys, it must be by one of
    /// those; with none, by the key that came with it.
    ///
    /// # Errors
    /// With all that is wrong, when the text is no manifest.
    pub fn open(&self, trusted: &[PublicKey]) -> Result<(Manifest, Vec<Finding>), Vec<Finding>> {
        let mut findings = Vec::new();
        if !trusted.is_empty() && !trusted.contains(&self.public_key) {
            findings.push(Finding::UntrustedKey(self.public_key.id()));
        }
        if self.public_key.verify(&self.encoded, &self.signature).is_err() {
            findings.push(Finding::WrongSignature(self.public_key.id()));
        }
        match Manifest::parse(&self.encoded) {
            Ok(manifest) => Ok((manifest, findings)),
            Err(invalid) => {
                findings.push(invalid.into());
                Err(findings)
            }
        }
    }
}

/// What came of checking a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The session.
    pub session: SessionId,
    /// The key that signed the manifest.
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
    manifest: Manifest,
    key: KeyId,
    ways: Both<Way>,
    /// The segment that comes next.
    next: u32,
    seen: u32,
    findings: Findings,
}

impl Verification {
    /// Begins with the manifest.
    ///
    /// # Errors
    /// With all that is wrong, when the text is no manifest: there is nothing to compare with.
    pub fn begin(signed: &Signed, trusted: &[PublicKey]) -> Result<Self, Vec<Finding>> {
        let (manifest, wrong) = signed.open(trusted)?;
        let mut findings = Findings::default();
        findings.extend(wrong);
        findings.extend(manifest.flaws.iter().copied().map(Finding::Flawed));
        let session = manifest.session;
        let ways = Both::from_fn(|direction| Way::start(session, direction));
        Ok(Self { manifest, key: signed.public_key.id(), ways, next: 0, seen: 0, findings })
    }

    /// The next segment that is there, as it is stored.
    pub fn segment(&mut self, number: u32, stored: &[u8]) {
        let known = usize::try_from(number).ok().and_then(|at| self.manifest.segments.get(at));
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
            let packet = packet.filter(|packet| packet.session_id() == Some(self.manifest.session));
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
        let signed = u32::try_from(self.manifest.segments.len()).unwrap_or(u32::MAX);
        self.findings.extend((self.next..signed).map(Finding::SegmentMissing));
        for direction in Direction::BOTH {
            let summary = self.manifest.ways.get(direction);
            self.ways.get_mut(direction).finish(summary, &mut self.findings);
        }
        Checked {
            session: self.manifest.session,
            key: self.key,
            packets: Both::from_fn(|direction| self.ways.get(direction).seen()),
            segments: self.seen,
            findings: self.findings.into_list(),
        }
    }
}

#[cfg(test)]
mod tests;
