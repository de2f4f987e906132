//! Sessions that are open, or were when they were signed last: what is found without a
//! manifest, and in a manifest that says less than was signed before.

use hoop_domain::manifest::{Checkpoint, SegmentTotals, SigningKey};

use super::{
    tests::{Recording, head_of, numbered, pack, sealed},
    *,
};
use crate::evidence;
use Direction::{In, Out};

fn summaries(recording: &Recording) -> BTreeMap<u32, SegmentSummary> {
    (0..).zip(recording.manifest().segments).collect()
}

/// What is signed after the first `count` segments.
fn checkpoint(recording: &Recording, count: usize) -> Checkpoint {
    let manifest = recording.manifest();
    let inward: Vec<_> =
        recording.packets[..count].iter().enumerate().filter(|(at, _)| *at != 1).collect();
    let inward: Vec<_> = inward.into_iter().flat_map(|(_, packets)| packets.clone()).collect();
    let start = |direction| WaySummary {
        packets: 0,
        last_seq: 0,
        chain: hoop_domain::Chain::start(recording.session, direction),
    };
    Checkpoint {
        session: recording.session,
        org: manifest.org,
        begun_at: manifest.begun_at,
        ended_at: manifest.ended_at,
        ways: Both {
            inward: head_of(&inward),
            outward: if 1 < count { head_of(&recording.packets[1]) } else { start(Out) },
        },
        segments: SegmentTotals::of(&manifest.segments[..count]),
    }
}

fn sign(recording: &Recording, encoded: String) -> Signed {
    let signature = recording.key.sign(&encoded);
    Signed { encoded, signature, public_key: recording.key.public_key() }
}

/// What is found in an open session with these segments.
fn check(
    recording: &Recording,
    signed: &Signed,
    listed: BTreeMap<u32, SegmentSummary>,
    segments: &[(u32, Vec<u8>)],
) -> Vec<Finding> {
    let mut verification = Verification::begin_open(signed, listed, &[]).unwrap();
    segments.iter().for_each(|(number, stored)| verification.segment(*number, stored));
    let checked = verification.finish();
    assert!(checked.open && checked.session == recording.session);
    checked.findings
}

#[test]
fn an_open_session_is_what_was_signed_last() {
    let recording = Recording::new();
    let signed = sign(&recording, checkpoint(&recording, 3).encode());
    let segments = numbered(recording.segments());
    assert_eq!(check(&recording, &signed, summaries(&recording), &segments), []);
    // What was stored since is not signed yet, and not looked at.
    let earlier = sign(&recording, checkpoint(&recording, 2).encode());
    let listed = summaries(&recording).into_iter().take(2).collect();
    assert_eq!(check(&recording, &earlier, listed, &segments[..2]), []);
}

#[test]
fn the_tail_of_an_open_session_is_missed() {
    let recording = Recording::new();
    let signed = sign(&recording, checkpoint(&recording, 3).encode());
    let segments = numbered(recording.segments());
    let listed: BTreeMap<_, _> = summaries(&recording).into_iter().take(2).collect();
    let cut = Finding::CutOff { direction: In, found: 6, signed: 10 };
    let expected = [Finding::SegmentMissing(2), cut];
    assert_eq!(check(&recording, &signed, listed.clone(), &segments[..2]), expected);
    assert_eq!(
        check(&recording, &signed, listed, &[])[..3],
        [0, 1, 2].map(Finding::SegmentMissing)
    );
}

#[test]
fn a_segment_of_an_open_session_that_was_replaced_with_its_row_is_found() {
    let recording = Recording::new();
    let signed = sign(&recording, checkpoint(&recording, 3).encode());
    let (mut segments, mut listed) = (numbered(recording.segments()), summaries(&recording));
    let (stored, raw_bytes) = pack(&sealed(recording.session, Out, 5, "forged"));
    segments[1].1[20] ^= 1;
    let findings = check(&recording, &signed, listed.clone(), &segments);
    assert!(findings.contains(&Finding::SegmentChanged(1)), "{findings:?}");
    let digest = *blake3::hash(&stored).as_bytes();
    let stored_bytes = stored.len() as u64;
    listed.insert(1, SegmentSummary { packets: 5, raw_bytes, stored_bytes, digest });
    segments[1].1 = stored;
    let expected = [Finding::CheckpointContradicted, Finding::WrongEnd { direction: Out }];
    assert_eq!(check(&recording, &signed, listed, &segments), expected);
}

#[test]
fn a_checkpoint_that_was_touched_or_signed_by_a_stranger_is_found() {
    let recording = Recording::new();
    let ours = recording.key.public_key();
    let mut touched = sign(&recording, checkpoint(&recording, 3).encode());
    touched.encoded = touched.encoded.replace("in 10 10", "in 9 9");
    let (_, findings) = touched.open_checkpoint(&[]).unwrap();
    assert_eq!(findings, [Finding::CheckpointChanged(ours.id())]);
    let stranger = SigningKey::from_seed(&[8; 32]).unwrap();
    let mut forged = sign(&recording, checkpoint(&recording, 3).encode());
    forged.signature = stranger.sign(&forged.encoded);
    forged.public_key = stranger.public_key();
    let (_, findings) = forged.open_checkpoint(&[ours]).unwrap();
    assert_eq!(findings, [Finding::UntrustedKey(stranger.public_key().id())]);
    let manifest = sign(&recording, recording.manifest().encode());
    assert!(matches!(
        manifest.open_checkpoint(&[]).unwrap_err()[..],
        [Finding::InvalidCheckpoint(_)]
    ));
}

/// What is found in a finished recording whose manifest is `manifest`.
fn finished(recording: &Recording, manifest: &Manifest, checkpoint: &Signed) -> Vec<Finding> {
    let signed = sign(recording, manifest.encode());
    let mut verification = Verification::begin(&signed, Some(checkpoint), &[]).unwrap();
    let segments = numbered(recording.segments());
    for (number, stored) in segments.iter().take(manifest.segments.len()) {
        verification.segment(*number, stored);
    }
    verification.finish().findings
}

#[test]
fn a_manifest_continues_its_checkpoint() {
    let recording = Recording::new();
    let manifest = recording.manifest();
    for count in 1..=3 {
        let before = Checkpoint { org: manifest.org, ..checkpoint(&recording, count) };
        let before = sign(&recording, before.encode());
        assert_eq!(finished(&recording, &manifest, &before), []);
    }
}

#[test]
fn a_manifest_that_says_less_than_was_signed_before_is_found() {
    let recording = Recording::new();
    let whole = recording.manifest();
    let before = Checkpoint { org: whole.org, ..checkpoint(&recording, 3) };
    let before = sign(&recording, before.encode());
    // Somebody cut the tail off, and had a writer finish what was left.
    let mut cut = whole.clone();
    cut.segments.pop();
    cut.ways.inward = head_of(&recording.packets[0]);
    let behind = Finding::BehindCheckpoint { direction: In, found: 6, signed: 10 };
    assert_eq!(finished(&recording, &cut, &before), [behind]);
}

#[test]
fn a_manifest_of_other_packets_than_were_signed_before_is_found() {
    let recording = Recording::new();
    let whole = recording.manifest();
    let mut before = Checkpoint { org: whole.org, ..checkpoint(&recording, 2) };
    before.ways.inward.chain = hoop_domain::Chain::from([1; 32]);
    let signed = sign(&recording, before.encode());
    assert_eq!(finished(&recording, &whole, &signed), [Finding::CheckpointContradicted]);
    before = Checkpoint { org: whole.org, ..checkpoint(&recording, 2) };
    before.segments.digest = [1; 32];
    let signed = sign(&recording, before.encode());
    assert_eq!(finished(&recording, &whole, &signed), [Finding::CheckpointContradicted]);
}

#[test]
fn keys_rotate_and_what_an_older_one_signed_stays_verifiable() {
    let mut recording = Recording::new();
    let manifest = recording.manifest();
    let before = Checkpoint { org: manifest.org, ..checkpoint(&recording, 2) };
    let (before, old) = (sign(&recording, before.encode()), recording.key.public_key());
    recording.key = SigningKey::from_seed(&[9; 32]).unwrap();
    let (signed, new) = (sign(&recording, manifest.encode()), recording.key.public_key());
    let check = |trusted: &[PublicKey]| {
        let mut verification = Verification::begin(&signed, Some(&before), trusted).unwrap();
        for (number, stored) in numbered(recording.segments()) {
            verification.segment(number, &stored);
        }
        verification.finish().findings
    };
    assert_eq!(check(&[old, new]), []);
    assert_eq!(check(&[new]), [Finding::UntrustedKey(old.id())]);
    assert_eq!(check(&[old]), [Finding::UntrustedKey(new.id())]);
}

#[test]
fn evidence_of_open_and_finished_sessions_holds_their_checkpoints() {
    let recording = Recording::new();
    let manifest = recording.manifest();
    let before = Checkpoint { org: manifest.org, ..checkpoint(&recording, 3) };
    let before = sign(&recording, before.encode());
    let signed = sign(&recording, manifest.encode());
    let rest: Vec<u8> = numbered(recording.segments())
        .iter()
        .flat_map(|(number, stored)| evidence::segment(*number, stored).unwrap())
        .chain(evidence::ending())
        .collect();
    let open = evidence::heading_open(&before, summaries(&recording)).unwrap();
    for (heading, is_open) in [
        (evidence::heading(&signed, None).unwrap(), false),
        (evidence::heading(&signed, Some(&before)).unwrap(), false),
        (open, true),
    ] {
        let archive = [heading, rest.clone()].concat();
        let checked = evidence::verify(&archive[..], &[]).unwrap().outcome.unwrap();
        assert_eq!((checked.findings, checked.open, checked.segments), (vec![], is_open, 3));
    }
}
