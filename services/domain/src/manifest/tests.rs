//! What a manifest says, and that nothing else says the same.

use super::*;

fn manifest() -> Manifest {
    let session = SessionId::generate();
    let way = |direction| WaySummary {
        packets: 3,
        last_seq: 4,
        chain: Chain::start(session, direction).link(b"x"),
    };
    Manifest {
        session,
        org: OrgId::generate(),
        position: 7,
        previous: [0xab; 32],
        reason: EndReason::ClientClosed,
        begun_at: time::from_micros(1_700_000_000_000_001),
        ended_at: time::from_micros(1_700_000_001_000_001),
        ways: Both::from_fn(way),
        segments: vec![SegmentSummary {
            packets: 6,
            raw_bytes: 100,
            stored_bytes: 50,
            digest: [1; 32],
        }],
        flaws: vec![Flaw { direction: Direction::Out, seq: 4, kind: FlawKind::Gap }],
    }
}

#[test]
fn a_manifest_survives_being_written_down() {
    let manifest = manifest();
    assert_eq!(Manifest::parse(&manifest.encode()), Ok(manifest));
}

#[test]
fn the_same_facts_in_other_bytes_are_refused() {
    let text = manifest().encode();
    let spellings = [
        text.replace("position 7", "position 07"),
        text.replace("position 7", "position +7"),
        text.replace("abab", "ABAB"),
        text.replace('\n', "\r\n"),
        text.replace("segment 6", "segment  6"),
        text.replace("position 7", "position 7 8"),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        format!("{text}flaw in 1 unheard_of\n"),
    ];
    for spelling in spellings {
        assert!(Manifest::parse(&spelling).is_err(), "{spelling}");
    }
}

#[test]
fn a_wrong_line_is_named() {
    let text = manifest().encode().replace("reason client_closed", "reason because");
    assert_eq!(Manifest::parse(&text), Err(InvalidManifest { line: 6 }));
    assert_eq!(Manifest::parse(""), Err(InvalidManifest { line: 1 }));
}

#[test]
fn a_signature_is_for_these_bytes_and_this_key() {
    let (key, other) =
        (SigningKey::from_seed(&[1; 32]).unwrap(), SigningKey::from_seed(&[2; 32]).unwrap());
    let text = manifest().encode();
    let signature = key.sign(&text);
    assert_eq!(key.public_key().verify(&text, &signature), Ok(()));
    assert_eq!(
        key.public_key().verify(&text.replace("client", "target"), &signature),
        Err(WrongSignature)
    );
    assert_eq!(other.public_key().verify(&text, &signature), Err(WrongSignature));
    assert_ne!(key.public_key().id(), other.public_key().id());
}

#[test]
fn every_flaw_parses_to_itself() {
    for kind in FlawKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    assert_eq!("".parse::<FlawKind>(), Err(InvalidFlaw));
}
