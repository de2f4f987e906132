//! First messages, proper and not.

use proptest::prelude::*;

use super::*;

fn check(bytes: &[u8]) -> Result<First, Error> {
    let mut buffer = BytesMut::from(bytes);
    decode(&mut buffer).map(|found| found.expect("a whole message"))
}

fn psql(version: Version, extra: &[(&str, &str)]) -> Vec<u8> {
    let parameters = [("user", "alice"), ("database", "pg-prod")];
    startup_message(version, parameters.into_iter().chain(extra.iter().copied()))
}

#[test]
fn a_startup_message_says_who_wants_what() {
    let Ok(First::Startup(startup)) =
        check(&psql(Version::V3_0, &[("application_name", "psql"), ("client_encoding", "UTF8")]))
    else {
        panic!("not a start-up message");
    };
    assert_eq!((startup.user.as_str(), startup.database.as_str()), ("alice", "pg-prod"));
    assert_eq!(startup.parameter("application_name"), Some("psql"));
    assert_eq!(startup.parameters.len(), 2);
    assert!(!startup.needs_negotiation());
}

#[test]
fn the_database_is_the_user_when_none_is_named() {
    let message = startup_message(Version::V3_0, [("user", "alice"), ("database", "")]);
    assert!(matches!(check(&message), Ok(First::Startup(found)) if found.database == "alice"));
}

#[test]
fn newer_versions_and_options_are_negotiated_down() {
    for (version, extra, spoken, negotiated) in [
        (Version::V3_0, vec![], Version::V3_0, false),
        (Version::V3_2, vec![], Version::V3_2, false),
        (Version { major: 3, minor: 9999 }, vec![], Version::V3_2, true),
        (Version::V3_0, vec![("_pq_.column_encryption", "1")], Version::V3_0, true),
    ] {
        let Ok(First::Startup(startup)) = check(&psql(version, &extra)) else {
            panic!("{version:?} is refused");
        };
        assert_eq!(startup.version(), spoken);
        assert_eq!(startup.needs_negotiation(), negotiated);
        assert!(startup.parameters.is_empty());
    }
}

#[test]
fn other_protocols_are_refused() {
    let http = b"GET / HTTP/1.1\r\n\r\n";
    assert_eq!(check(http), Err(Error::InvalidLength));
    let old = psql(Version { major: 2, minor: 0 }, &[]);
    assert!(matches!(check(&old), Err(Error::UnsupportedVersion(_))));
}

#[test]
fn malformed_messages_are_refused() {
    let with = |tail: &[u8]| {
        let mut out = Vec::new();
        write_counted(&mut out, |out| {
            out.extend_from_slice(&Version::V3_0.code().to_be_bytes());
            out.extend_from_slice(tail);
        });
        out
    };
    for (tail, error) in [
        (&b""[..], Error::Malformed),
        (b"\0", Error::NoUser),
        (b"user\0\0\0", Error::NoUser),
        (b"user\0alice\0", Error::Malformed),
        (b"user\0alice", Error::Malformed),
        (b"user\0alice\0\0trailing", Error::Malformed),
        (b"user\0al\xffce\0\0", Error::NotText("user".to_owned())),
    ] {
        assert_eq!(check(&with(tail)), Err(error), "{}", tail.escape_ascii());
    }
}

#[test]
fn requests_for_encryption_are_told_apart() {
    assert_eq!(check(&ssl_request()), Ok(First::SslRequest));
    assert_eq!(check(&[0, 0, 0, 8, 4, 210, 22, 48]), Ok(First::GssEncRequest));
    let longer = [0, 0, 0, 9, 4, 210, 22, 47, 0];
    assert_eq!(check(&longer), Err(Error::MalformedRequest("TLS")));
}

#[test]
fn a_cancel_key_has_4_to_256_bytes_of_secret() {
    for length in [4, 32, 256] {
        let key = CancelKey { process_id: 42, secret: vec![7; length] };
        assert_eq!(check(&cancel_request(&key)), Ok(First::Cancel(key)));
    }
    for length in [0, 3, 257] {
        let key = CancelKey { process_id: 42, secret: vec![7; length] };
        assert_eq!(check(&cancel_request(&key)), Err(Error::MalformedRequest("cancellation")));
    }
}

#[test]
fn a_message_over_the_bound_is_refused_by_its_length() {
    let mut buffer = BytesMut::from(&[0, 0, 0x27, 0x11][..]);
    assert_eq!(decode(&mut buffer), Err(Error::InvalidLength));
    let mut buffer = BytesMut::from(&[0, 0, 0x27, 0x10][..]);
    assert_eq!(decode(&mut buffer), Ok(None));
}

#[test]
fn what_follows_the_message_stays_in_the_buffer() {
    let mut buffer = BytesMut::from(&ssl_request()[..]);
    buffer.extend_from_slice(b"injected");
    assert_eq!(decode(&mut buffer), Ok(Some(First::SslRequest)));
    assert_eq!(buffer.as_ref(), b"injected");
}

proptest! {
    #[test]
    fn any_bytes_make_no_panic(bytes in any::<Vec<u8>>()) {
        let _ = decode(&mut BytesMut::from(&bytes[..]));
    }

    #[test]
    fn any_bytes_after_a_good_header_make_no_panic(
        code in prop_oneof![
            Just(CANCEL_REQUEST), Just(SSL_REQUEST), Just(GSSENC_REQUEST), Just(196_608), any::<u32>(),
        ],
        tail in any::<Vec<u8>>(),
    ) {
        let mut out = Vec::new();
        write_counted(&mut out, |out| {
            out.extend_from_slice(&code.to_be_bytes());
            out.extend_from_slice(&tail);
        });
        let _ = decode(&mut BytesMut::from(&out[..]));
    }
}
