//! Both sides against each other, against the standard, and against nonsense.

use std::num::NonZeroU32;

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::{client::Binding, *};

fn verifier(password: &str) -> Verifier {
    Verifier::from_password(password, &[9; SALT_LEN], NonZeroU32::new(64).unwrap())
}

/// Runs both sides against each other.
fn exchange(
    verifier: Verifier,
    password: &str,
    binding: Binding,
    certificate: Option<&[u8]>,
) -> Result<(), Error> {
    let mechanism = binding.mechanism();
    let (client, first) = Client::start(binding)?;
    let (server, answer) = Server::start(verifier, mechanism, certificate, &first)?;
    let (proven, last) = client.answer(&answer, password)?;
    proven.finish(&server.finish(&last)?)
}

/// The example of RFC 7677, section 3.
#[test]
fn the_example_of_the_standard_comes_out_on_both_sides() {
    const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const ANSWER: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const LAST: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const END: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let verifier = Verifier::from_password("pencil", &salt, ITERATIONS);

    let (client, first) =
        Client::start_with_nonce("user", Binding::None, "rOprNGfwEbeRWgbNEkqO".to_owned());
    assert_eq!(first, FIRST.as_bytes());
    let (server, answer) = Server::start_with_nonce(
        verifier,
        Mechanism::Sha256,
        None,
        &first,
        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    )
    .unwrap();
    assert_eq!(answer, ANSWER.as_bytes());
    let (proven, last) = client.answer(&answer, "pencil").unwrap();
    assert_eq!(last, LAST.as_bytes());
    let end = server.finish(&last).unwrap();
    assert_eq!(end, END.as_bytes());
    proven.finish(&end).unwrap();
}

#[test]
fn the_right_password_passes_with_and_without_binding() {
    for (binding, certificate) in [
        (Binding::None, None),
        // A client that can't bind may come without it, even under TLS.
        (Binding::None, Some(&[1; 32][..])),
        (Binding::NotOffered, None),
        (Binding::EndPoint(vec![1; 32]), Some(&[1; 32][..])),
    ] {
        assert_eq!(exchange(verifier("secret"), "secret", binding, certificate), Ok(()));
    }
}

#[test]
fn a_wrong_password_does_not() {
    let outcome = exchange(verifier("secret"), "Secret", Binding::None, None);
    assert_eq!(outcome, Err(Error::WrongPassword));
}

#[test]
fn a_password_beyond_ascii_is_the_same_however_it_was_typed() {
    for typed in ["pässwörd 1", "pa\u{308}sswo\u{308}rd\u{a0}1"] {
        assert_eq!(exchange(verifier("pässwörd 1"), typed, Binding::None, None), Ok(()));
    }
}

#[test]
fn a_stored_verifier_is_the_same_one() {
    let made = verifier("secret");
    let stored =
        Verifier::new(made.salt(), made.iterations(), made.stored_key(), made.server_key());
    assert_eq!(exchange(stored.unwrap(), "secret", Binding::None, None), Ok(()));
    assert!(!format!("{made:?}").contains("key"));
    assert_eq!(Verifier::new(&[1], 0, &[0; 32], &[0; 32]), Err(InvalidVerifier));
    assert_eq!(Verifier::new(&[1], 1, &[0; 31], &[0; 32]), Err(InvalidVerifier));
    assert_eq!(Verifier::new(&[], 1, &[0; 32], &[0; 32]), Err(InvalidVerifier));
}

#[test]
fn somebody_in_between_is_noticed() {
    // The offer was taken out: the client could have bound.
    let outcome = exchange(verifier("a"), "a", Binding::NotOffered, Some(&[1; 32]));
    assert_eq!(outcome, Err(Error::Downgraded));
    // The client sees the certificate of somebody else.
    let outcome = exchange(verifier("a"), "a", Binding::EndPoint(vec![2; 32]), Some(&[1; 32]));
    assert_eq!(outcome, Err(Error::BindingMismatch));
    // A server that doesn't know the password.
    let (client, first) = Client::start(Binding::None).unwrap();
    let (_, answer) = Server::start(verifier("other"), Mechanism::Sha256, None, &first).unwrap();
    let (proven, _) = client.answer(&answer, "secret").unwrap();
    let end = format!("v={}", STANDARD.encode([0; 32]));
    assert_eq!(proven.finish(end.as_bytes()), Err(Error::ServerNotProven));
}

#[test]
fn malformed_first_messages_are_refused() {
    let refusal = |first: &str, mechanism, certificate: Option<&[u8]>| {
        Server::start(verifier("a"), mechanism, certificate, first.as_bytes()).unwrap_err()
    };
    let hash = Some(&[1; 32][..]);
    for first in ["", "n", "n,", "x,,n=,r=a", "n,,r=a", "n,,n=", "n,,n=,r=", "n,,n=,r=\u{7f}"] {
        assert!(
            matches!(refusal(first, Mechanism::Sha256, None), Error::Malformed(_)),
            "{first:?}"
        );
    }
    for (first, mechanism, certificate) in [
        ("n,,n=,r=a", Mechanism::Sha256Plus, hash),
        ("p=tls-server-end-point,,n=,r=a", Mechanism::Sha256, hash),
    ] {
        assert!(matches!(refusal(first, mechanism, certificate), Error::Malformed(_)));
    }
    for first in ["n,a=root,n=,r=a", "n,,m=x,n=,r=a", "p=tls-unique,,n=,r=a"] {
        assert!(matches!(refusal(first, Mechanism::Sha256, hash), Error::NotOffered(_)));
    }
}

#[test]
fn malformed_last_messages_are_refused() {
    for (last, error) in [
        ("c=biws,r=abc", Error::Malformed("proof")),
        ("c=biws,r=other,p=AAAA", Error::ForeignNonce),
        ("c=!,r=abc,p=AAAA", Error::Malformed("channel binding")),
        ("c=eSws,r=abc,p=AAAA", Error::BindingMismatch),
        ("c=biws,r=abc,p=AAAA", Error::Malformed("length of the proof")),
        ("c=biws,r=abc,p=!", Error::Malformed("proof")),
    ] {
        let (server, _) =
            Server::start_with_nonce(verifier("a"), Mechanism::Sha256, None, b"n,,n=,r=a", "bc")
                .unwrap();
        assert_eq!(server.finish(last.as_bytes()), Err(error), "{last}");
    }
}

#[test]
fn a_server_that_asks_for_nonsense_is_refused() {
    for (answer, error) in [
        ("r=abc,s=AAAA,i=0", Error::Malformed("iteration count")),
        ("r=abc,s=AAAA,i=x", Error::Malformed("iteration count")),
        ("r=abc,s=AAAA,i=1000001", Error::TooManyIterations(1_000_001)),
        ("r=abc,s=!,i=1", Error::Malformed("salt")),
        ("r=xyz,s=AAAA,i=1", Error::ForeignNonce),
        ("r=a,s=AAAA,i=1", Error::ForeignNonce),
        ("m=1,r=abc,s=AAAA,i=1", Error::NotOffered("mandatory extension")),
        ("", Error::Malformed("nonce")),
    ] {
        let (client, _) = Client::start_with_nonce("", Binding::None, "a".to_owned());
        assert_eq!(client.answer(answer.as_bytes(), "p").unwrap_err(), error, "{answer}");
    }
}

proptest! {
    #[test]
    fn any_bytes_make_no_panic(first in any::<Vec<u8>>(), last in any::<Vec<u8>>()) {
        let _ = Server::start(verifier("a"), Mechanism::Sha256, None, &first);
        let (server, _) =
            Server::start(verifier("a"), Mechanism::Sha256, None, b"n,,n=,r=a").unwrap();
        prop_assert!(server.finish(&last).is_err());
        let (client, _) = Client::start(Binding::None).unwrap();
        prop_assert!(client.answer(&first, "a").is_err());
    }
}
