//! What opens with which key, and what a rotation leaves.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;

const PLACE: &[u8] = b"row 7";

fn text(bytes: &[u8]) -> String {
    let keys: Vec<String> = bytes.iter().map(|byte| STANDARD.encode([*byte; 32])).collect();
    keys.join(",")
}

fn ring(bytes: &[u8]) -> Keyring {
    Keyring::new(&text(bytes).parse::<KeyList>().unwrap(), b"").unwrap()
}

#[test]
fn a_value_opens_in_its_place_with_its_key_only() {
    for keys in [&[1][..], &[1, 2]] {
        let stored = ring(keys).seal(PLACE, b"hunter2").unwrap();
        assert!(!stored.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(ring(keys).open(PLACE, &stored).unwrap().reveal(), b"hunter2");
        assert_eq!(ring(&[3, 1]).open(PLACE, &stored).unwrap().reveal(), b"hunter2");
        assert_eq!(ring(keys).open(b"row 8", &stored).unwrap_err(), Error::Broken);
        assert_eq!(ring(&[2]).open(PLACE, &stored).unwrap_err(), Error::Broken);
        for position in 0..stored.len() {
            let mut touched = stored.clone();
            touched[position] ^= 1;
            assert!(ring(keys).open(PLACE, &touched).is_err(), "{position}");
            assert!(ring(keys).open(PLACE, &stored[..position]).is_err(), "{position}");
        }
    }
}

#[test]
fn a_key_gives_way_to_the_next_without_a_moment_in_which_nothing_opens() {
    let old = ring(&[1]);
    let stored = old.seal(PLACE, b"hunter2").unwrap();
    // First every process learns the new key, then it encrypts.
    assert_eq!(ring(&[1, 2]).open(PLACE, &stored).unwrap().reveal(), b"hunter2");
    let both = ring(&[2, 1]);
    let written_meanwhile = both.seal(PLACE, b"hunter3").unwrap();
    assert_eq!(ring(&[1, 2]).open(PLACE, &written_meanwhile).unwrap().reveal(), b"hunter3");
    assert_eq!(both.renew(PLACE, &written_meanwhile).unwrap(), None);
    let renewed = both.renew(PLACE, &stored).unwrap().unwrap();
    assert_eq!(both.renew(PLACE, &renewed).unwrap(), None);
    assert!(old.open(PLACE, &renewed).is_err());
    let new = ring(&[2]);
    assert_eq!(new.open(PLACE, &renewed).unwrap().reveal(), b"hunter2");
    assert_eq!(new.renew(PLACE, &renewed).unwrap(), None);
    assert_eq!(new.renew(PLACE, &stored).unwrap_err(), Error::Broken);
}

#[test]
fn one_key_writes_what_the_versions_before_can_read() {
    let stored = ring(&[1]).seal(PLACE, b"hunter2").unwrap();
    assert_eq!((stored[0], stored.len()), (1, 1 + 12 + 7 + 16));
    // With a second key it is written again, so that it says which key it needs.
    assert!(ring(&[1, 2]).renew(PLACE, &stored).unwrap().is_some());
    assert_eq!(ring(&[1]).renew(PLACE, &stored).unwrap(), None);
}

#[test]
fn a_ring_for_another_purpose_opens_nothing_and_has_other_names() {
    let keys: KeyList = text(&[1, 2]).parse().unwrap();
    let (one, other) = (ring(&[1, 2]), Keyring::new(&keys, b"another purpose").unwrap());
    assert!(other.open(PLACE, &one.seal(PLACE, b"x").unwrap()).is_err());
    assert!(one.ids().all(|id| other.ids().all(|theirs| theirs != id)));
    assert_eq!(format!("{one:?}"), "Keyring(2 keys)");
}

#[test]
fn keys_are_lines_or_commas_and_what_is_wrong_is_said_without_them() {
    let lines = format!("# of March\n{}\n\n  {}\n", text(&[2]), text(&[1]));
    let read: KeyList = lines.parse().unwrap();
    let ids: Vec<KeyId> = Keyring::new(&read, b"").unwrap().ids().collect();
    assert_eq!(ids, ring(&[2, 1]).ids().collect::<Vec<_>>());
    for (text, why) in [
        (String::new(), "there is no key"),
        ("# nothing".into(), "there is no key"),
        ("c2hvcnQ=".into(), "32 bytes in base64"),
        ("hunter2!".into(), "32 bytes in base64"),
        (text(&[1, 1]), "twice"),
        (text(&[1, 2, 3, 4, 5, 6, 7, 8, 9]), "more than 8"),
    ] {
        let error = text.parse::<KeyList>().unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
    }
}
