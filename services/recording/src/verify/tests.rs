//! Every kind of tampering, found and named.

use bytes::Bytes;
use hoop_domain::{
    Chain, EndReason, OrgId,
    manifest::{SegmentSummary, SigningKey, WaySummary},
};
use hoop_proto::packet;

use super::*;
use crate::format::{Packer, record_header};
use Direction::{In, Out};

/// A recording of ten packets `in` and five `out`, in three segments.
pub(super) struct Recording {
    pub(super) session: SessionId,
    pub(super) packets: Vec<Vec<Bytes>>,
    pub(super) key: SigningKey,
}

pub(super) fn sealed(
    session: SessionId,
    direction: Direction,
    count: u64,
    text: &str,
) -> Vec<Bytes> {
    let mut head = Chain::start(session, direction);
    (1..=count)
        .map(|seq| {
            let data = Bytes::from(format!("{text} {seq}"));
            let packet = v1::Packet {
                session: Bytes::copy_from_slice(session.as_bytes()),
                direction: v1::Direction::from(direction).into(),
                seq,
                channel: 1,
                at: 1,
                body: Some(v1::packet::Body::Data(data)),
                taken: 0,
                chain: Bytes::new(),
            };
            let (encoded, next) = packet::seal(packet, head);
            head = next;
            encoded
        })
        .collect()
}

pub(super) fn pack(packets: &[Bytes]) -> (Vec<u8>, u64) {
    let raw: Vec<u8> = packets
        .iter()
        .flat_map(|packet| [record_header(packet.len()).as_slice(), packet].concat())
        .collect();
    (Packer::new().unwrap().pack(&raw).unwrap(), raw.len() as u64)
}

pub(super) fn head_of(packets: &[Bytes]) -> WaySummary {
    let last = v1::Packet::decode(packets.last().unwrap().clone()).unwrap();
    let chain = <[u8; 32]>::try_from(last.chain.as_ref()).unwrap().into();
    WaySummary { packets: packets.len() as u64, last_seq: last.seq, chain }
}

impl Recording {
    pub(super) fn new() -> Self {
        let session = SessionId::generate();
        let (inward, outward) = (sealed(session, In, 10, "ask"), sealed(session, Out, 5, "answer"));
        let packets = vec![inward[..6].to_vec(), outward.clone(), inward[6..].to_vec()];
        Self { session, packets, key: SigningKey::from_seed(&[7; 32]).unwrap() }
    }

    pub(super) fn segments(&self) -> Vec<Vec<u8>> {
        self.packets.iter().map(|packets| pack(packets).0).collect()
    }

    pub(super) fn manifest(&self) -> Manifest {
        let inward: Vec<Bytes> = [&self.packets[0][..], &self.packets[2][..]].concat();
        let summaries = self.packets.iter().map(|packets| {
            let (stored, raw_bytes) = pack(packets);
            SegmentSummary {
                packets: packets.len() as u64,
                raw_bytes,
                stored_bytes: stored.len() as u64,
                digest: *blake3::hash(&stored).as_bytes(),
            }
        });
        Manifest {
            session: self.session,
            org: OrgId::generate(),
            position: 1,
            previous: [0; 32],
            reason: EndReason::ClientClosed,
            begun_at: hoop_domain::time::from_micros(1),
            ended_at: hoop_domain::time::from_micros(2),
            ways: Both { inward: head_of(&inward), outward: head_of(&self.packets[1]) },
            segments: summaries.collect(),
            flaws: vec![],
        }
    }

    fn signed(&self) -> Signed {
        let encoded = self.manifest().encode();
        let signature = self.key.sign(&encoded);
        Signed { encoded, signature, public_key: self.key.public_key() }
    }

    /// What is found when `segments` are there instead.
    fn check(&self, segments: &[(u32, Vec<u8>)]) -> Checked {
        let mut verification = Verification::begin(&self.signed(), None, &[]).unwrap();
        segments.iter().for_each(|(number, stored)| verification.segment(*number, stored));
        verification.finish()
    }

    /// What is found when the packets of the first segment are others.
    fn with_first(&self, packets: &[Bytes]) -> Vec<Finding> {
        let mut raw: Vec<u8> = packets
            .iter()
            .flat_map(|packet| [record_header(packet.len()).as_slice(), packet].concat())
            .collect();
        let mut segments = self.segments();
        let mut signed = self.manifest();
        // Whoever changes a segment in place keeps its size right.
        signed.segments[0].raw_bytes = raw.len() as u64;
        segments[0] = Packer::new().unwrap().pack(&raw).unwrap();
        raw.clear();
        let encoded = signed.encode();
        let signature = self.key.sign(&encoded);
        let signed = Signed { encoded, signature, public_key: self.key.public_key() };
        let mut verification = Verification::begin(&signed, None, &[]).unwrap();
        for (number, stored) in (0..).zip(segments) {
            verification.segment(number, &stored);
        }
        let mut findings = verification.finish().findings;
        assert_eq!(findings.remove(0), Finding::SegmentChanged(0));
        findings
    }
}

pub(super) fn numbered(segments: Vec<Vec<u8>>) -> Vec<(u32, Vec<u8>)> {
    (0..).zip(segments).collect()
}

#[test]
fn what_was_recorded_is_what_was_signed() {
    let recording = Recording::new();
    let checked = recording.check(&numbered(recording.segments()));
    assert_eq!(checked.findings, []);
    assert_eq!((checked.packets.inward, checked.packets.outward, checked.segments), (10, 5, 3));
}

#[test]
fn a_changed_byte_in_any_segment_is_found() {
    let recording = Recording::new();
    for number in 0..3 {
        let mut segments = numbered(recording.segments());
        let (_, stored) = segments.iter_mut().find(|(at, _)| *at == number).unwrap();
        let middle = stored.len() / 2;
        stored[middle] ^= 1;
        let findings = recording.check(&segments).findings;
        assert!(findings.contains(&Finding::SegmentChanged(number)), "{findings:?}");
    }
}

#[test]
fn a_changed_packet_is_named() {
    let recording = Recording::new();
    let mut packets = recording.packets[0].clone();
    let mut bytes = packets[3].to_vec();
    let at = bytes.windows(3).position(|window| window == b"ask").unwrap();
    bytes[at] = b'A';
    packets[3] = bytes.into();
    let changed = Finding::PacketChanged { direction: In, seq: 4 };
    assert_eq!(recording.with_first(&packets), [changed]);
}

#[test]
fn a_packet_that_was_taken_out_is_named() {
    let recording = Recording::new();
    let mut packets = recording.packets[0].clone();
    packets.drain(2..4);
    let missing = Finding::PacketsMissing { direction: In, first: 3, last: 4 };
    assert_eq!(recording.with_first(&packets), [missing]);
}

#[test]
fn packets_in_another_order_are_named() {
    let recording = Recording::new();
    let mut packets = recording.packets[0].clone();
    packets.swap(1, 2);
    let moved = Finding::PacketReordered { direction: In, seq: 2 };
    assert_eq!(recording.with_first(&packets), [moved]);
}

#[test]
fn a_packet_that_is_there_twice_is_named() {
    let recording = Recording::new();
    let mut packets = recording.packets[0].clone();
    packets.insert(3, packets[2].clone());
    let twice = Finding::PacketRepeated { direction: In, seq: 3 };
    assert_eq!(recording.with_first(&packets), [twice]);
}

#[test]
fn another_sessions_packet_is_found() {
    let recording = Recording::new();
    let mut packets = recording.packets[0].clone();
    packets.push(sealed(SessionId::generate(), In, 1, "ask").remove(0));
    assert_eq!(recording.with_first(&packets), [Finding::ForeignPacket { segment: 0 }]);
}

#[test]
fn a_tail_that_was_cut_off_is_found() {
    let recording = Recording::new();
    let mut segments = numbered(recording.segments());
    segments.pop();
    let cut = Finding::CutOff { direction: In, found: 6, signed: 10 };
    assert_eq!(recording.check(&segments).findings, [Finding::SegmentMissing(2), cut]);
}

#[test]
fn a_segment_that_was_taken_out_or_put_in_is_named() {
    let recording = Recording::new();
    let mut segments = numbered(recording.segments());
    let first = segments.remove(0);
    let findings = recording.check(&segments).findings;
    let missing = Finding::PacketsMissing { direction: In, first: 1, last: 6 };
    assert_eq!(findings, [Finding::SegmentMissing(0), missing]);
    segments.insert(0, first.clone());
    segments.push((3, first.1));
    assert_eq!(recording.check(&segments).findings, [Finding::SegmentUnknown(3)]);
}

#[test]
fn packets_with_a_chain_of_their_own_do_not_fit_the_signed_end() {
    let recording = Recording::new();
    let forged = sealed(recording.session, Out, 5, "forged");
    let mut signed = recording.manifest();
    let (stored, raw_bytes) = pack(&forged);
    signed.segments[1].raw_bytes = raw_bytes;
    let encoded = signed.encode();
    let signature = recording.key.sign(&encoded);
    let signed = Signed { encoded, signature, public_key: recording.key.public_key() };
    let mut verification = Verification::begin(&signed, None, &[]).unwrap();
    let segments = recording.segments();
    verification.segment(0, &segments[0]);
    verification.segment(1, &stored);
    verification.segment(2, &segments[2]);
    let expected = [Finding::SegmentChanged(1), Finding::WrongEnd { direction: Out }];
    assert_eq!(verification.finish().findings, expected);
}

#[test]
fn a_manifest_that_was_touched_or_signed_by_a_stranger_is_found() {
    let recording = Recording::new();
    let ours = recording.key.public_key();
    let mut touched = recording.signed();
    touched.encoded = touched.encoded.replace("client_closed", "killed");
    let (_, findings) = touched.open(&[]).unwrap();
    assert_eq!(findings, [Finding::WrongSignature(ours.id())]);

    let stranger = SigningKey::from_seed(&[8; 32]).unwrap();
    let mut forged = recording.signed();
    forged.signature = stranger.sign(&forged.encoded);
    forged.public_key = stranger.public_key();
    assert_eq!(forged.open(&[]).unwrap().1, [], "nobody said which key is ours");
    let (_, findings) = forged.open(&[ours]).unwrap();
    assert_eq!(findings, [Finding::UntrustedKey(stranger.public_key().id())]);

    let mut noise = recording.signed();
    noise.encoded = "nothing".into();
    assert!(matches!(noise.open(&[]).unwrap_err()[..], [_, Finding::InvalidManifest(_)]));
}

#[test]
fn a_hostile_recording_costs_bounded_memory_and_panics_nowhere() {
    let recording = Recording::new();
    let mut claims = recording.manifest();
    claims.segments[0].raw_bytes = u64::MAX;
    let encoded = claims.encode();
    let public_key = recording.key.public_key();
    let unsigned = Signed { encoded, signature: vec![], public_key };
    let mut verification = Verification::begin(&unsigned, None, &[]).unwrap();
    verification.segment(0, &recording.segments()[0]);
    let findings = verification.finish().findings;
    let first = [Finding::WrongSignature(public_key.id()), Finding::SegmentChanged(0)];
    assert_eq!(findings[..2], first);

    let mut highest = v1::Packet::decode(recording.packets[0][0].clone()).unwrap();
    highest.seq = u64::MAX;
    let highest = packet::seal(highest, Chain::from([0; 32])).0;
    let nothing = Bytes::new();
    let mut packets = vec![highest.clone(), highest, recording.packets[0][1].clone()];
    packets.resize(5000, nothing);
    assert_eq!(recording.with_first(&packets).len(), 999);
}
