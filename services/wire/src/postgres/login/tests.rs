//! Logins against a server that is played message by message.

use proptest::prelude::*;

use super::*;
use crate::postgres::{
    backend::{backend_key_data, parameter_status, ready_for_query},
    error::{Severity, encode},
    frame::split,
    scram::{SALT_LEN, Server, Verifier},
};

fn settings(password: &str, certificate: Option<&[u8]>) -> Settings {
    Settings {
        user: "app".to_owned(),
        password: Zeroizing::new(password.to_owned()),
        database: "shop".to_owned(),
        parameters: vec![("application_name".to_owned(), "psql".to_owned())],
        certificate: certificate.map(<[u8]>::to_vec),
    }
}

fn request(request: &Request) -> Vec<u8> {
    let mut out = Vec::new();
    request.encode(&mut out);
    out
}

fn welcome() -> Vec<u8> {
    let mut out = request(&Request::Ok);
    parameter_status(&mut out, "server_version", "15.18");
    backend_key_data(&mut out, &CancelKey { process_id: 9, secret: vec![1, 2, 3, 4] });
    ready_for_query(&mut out);
    out
}

fn sent(step: Result<Step, Error>) -> Message {
    let Ok(Step::Continue { send }) = step else { panic!("the login goes on: {step:?}") };
    split(&mut BytesMut::from(&send[..]), 10_000).unwrap().unwrap()
}

fn done(step: Result<Step, Error>) -> LoggedIn {
    match step {
        Ok(Step::Done(found)) => found,
        other => panic!("the login is not done: {other:?}"),
    }
}

#[test]
fn a_trusting_server_lets_in_at_once() {
    let (mut login, first) = Login::start(settings("", None));
    let Ok(Some(startup::First::Startup(startup))) =
        startup::decode(&mut BytesMut::from(&first[..]))
    else {
        panic!("no start-up message");
    };
    assert_eq!((startup.user.as_str(), startup.database.as_str()), ("app", "shop"));
    assert_eq!(startup.parameter("application_name"), Some("psql"));

    let mut stream = welcome();
    stream.extend_from_slice(b"A\0\0\0\x04");
    let found = done(login.feed(&stream));
    assert_eq!(found.parameters, [("server_version".to_owned(), "15.18".to_owned())]);
    assert_eq!(found.key.unwrap().process_id, 9);
    assert_eq!(found.leftover.as_ref(), b"A\0\0\0\x04");
}

#[test]
fn one_byte_at_a_time_is_enough() {
    let (mut login, _) = Login::start(settings("", None));
    let stream = welcome();
    let (last, before) = stream.split_last().unwrap();
    for byte in before {
        assert!(matches!(login.feed(&[*byte]), Ok(Step::Continue { send }) if send.is_empty()));
    }
    done(login.feed(&[*last]));
}

#[test]
fn passwords_are_sent_as_the_server_asks() {
    let (mut login, _) = Login::start(settings("pencil", None));
    assert_eq!(sent(login.feed(&request(&Request::Cleartext))).body.as_ref(), b"pencil\0");
    done(login.feed(&welcome()));

    let (mut login, _) = Login::start(settings("pencil", None));
    let answer = sent(login.feed(&request(&Request::Md5([1, 2, 3, 4]))));
    assert!(answer.body.starts_with(b"md5"));
    done(login.feed(&welcome()));
}

fn scram(
    certificate: Option<&[u8]>,
    password: &str,
    offered: &[Mechanism],
) -> Result<Mechanism, Error> {
    let (mut login, _) = Login::start(settings(password, certificate));
    let names = offered.iter().map(|mechanism| mechanism.as_str().to_owned()).collect();
    let first = sent(match login.feed(&request(&Request::Sasl(names))) {
        Err(error) => return Err(error),
        step => step,
    });
    let (name, data) = auth::decode_sasl_initial_response(&first.body).unwrap();
    let mechanism = *offered.iter().find(|mechanism| mechanism.as_str() == name).unwrap();
    let verifier = Verifier::from_password("pencil", &[5; SALT_LEN], std::num::NonZeroU32::MIN);
    let hash = offered.contains(&Mechanism::Sha256Plus).then_some(certificate).flatten();
    let (server, answer) = Server::start(verifier, mechanism, hash, data.unwrap()).unwrap();
    let last = sent(login.feed(&request(&Request::SaslContinue(answer))));
    let mut reply = Vec::new();
    match server.finish(&last.body) {
        Ok(proof) => {
            reply.extend(request(&Request::SaslFinal(proof)));
            reply.extend(welcome());
        }
        Err(_) => {
            encode(&mut reply, Severity::Fatal, "28P01", "password authentication failed", None);
        }
    }
    login.feed(&reply).map(|_| mechanism)
}

#[test]
fn scram_binds_to_the_certificate_when_both_can() {
    use Mechanism::{Sha256, Sha256Plus};
    let hash = Some(&[7; 32][..]);
    assert_eq!(scram(None, "pencil", &[Sha256]), Ok(Sha256));
    assert_eq!(scram(hash, "pencil", &[Sha256Plus, Sha256]), Ok(Sha256Plus));
    assert_eq!(scram(hash, "pencil", &[Sha256]), Ok(Sha256));
    assert_eq!(
        scram(None, "pencil", &[Sha256Plus]),
        Err(Error::UnknownMethod("SCRAM-SHA-256-PLUS".to_owned()))
    );
    assert_eq!(scram(None, "", &[Sha256]), Err(Error::NoPassword));
}

#[test]
fn a_refusal_has_the_servers_words() {
    let Err(Error::Refused(report)) = scram(None, "wrong", &[Mechanism::Sha256]) else {
        panic!("let in with a wrong password");
    };
    assert_eq!(report.sqlstate, "28P01");
    assert_eq!(report.message, "password authentication failed");
}

#[test]
fn a_server_must_prove_itself_before_it_lets_in() {
    let (mut login, _) = Login::start(settings("pencil", None));
    login.feed(&request(&Request::Sasl(vec!["SCRAM-SHA-256".to_owned()]))).unwrap();
    assert_eq!(login.feed(&welcome()).unwrap_err(), Error::NotProven);
}

#[test]
fn messages_out_of_place_end_the_login() {
    for (stream, error) in [
        (&b"D\0\0\0\x04"[..], Error::Unexpected(b'D')),
        (b"Z\0\0\0\x05I", Error::Unexpected(b'Z')),
        (b"R\0\0\0\x05\0", Error::Malformed(b'R')),
        (b"R\0\0\0\x08\0\0\0\x0b", Error::Unexpected(b'R')),
        (b"R\0\0\0\x08\0\0\0\x07", Error::UnknownMethod("code 7".to_owned())),
        (
            b"HTTP/1.1 400",
            Error::Frame(frame::Error::TooLong { tag: b'H', length: 0x5454_502f - 4 }),
        ),
    ] {
        let (mut login, _) = Login::start(settings("pencil", None));
        assert_eq!(login.feed(stream).unwrap_err(), error, "{}", stream.escape_ascii());
    }
}

#[test]
fn a_server_that_never_ends_is_cut() {
    let (mut login, _) = Login::start(settings("", None));
    let mut notice = Vec::new();
    encode(&mut notice, Severity::Notice, "00000", &"x".repeat(60_000), None);
    let outcome = std::iter::repeat_with(|| login.feed(&notice)).take(20).find_map(Result::err);
    assert_eq!(outcome, Some(Error::TooMuch));
}

proptest! {
    #[test]
    fn any_bytes_make_no_panic(pieces in any::<Vec<Vec<u8>>>()) {
        let (mut login, _) = Login::start(settings("pencil", None));
        for piece in pieces {
            if login.feed(&piece).is_err() {
                break;
            }
        }
    }

    #[test]
    fn any_messages_make_no_panic(
        messages in prop::collection::vec(
            (prop::sample::select(b"RSKZENv".to_vec()), any::<Vec<u8>>()), 0..6,
        ),
        code in 0_u32..13,
    ) {
        let (mut login, _) = Login::start(settings("pencil", None));
        for (tag, body) in messages {
            let mut out = Vec::new();
            frame::write(&mut out, tag, |out| {
                if tag == b'R' {
                    out.extend_from_slice(&code.to_be_bytes());
                }
                out.extend_from_slice(&body);
            });
            if login.feed(&out).is_err() {
                break;
            }
        }
    }
}
