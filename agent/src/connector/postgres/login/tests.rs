//! What the login says to a scripted server and what it makes of the answers.

use hoop_wire::postgres::{
    auth::Request,
    backend::{backend_key_data, parameter_status, ready_for_query},
    error::{Severity, encode},
    login,
};
use tokio::io::{DuplexStream, duplex};
use zeroize::Zeroizing;

use super::*;

fn start() -> (Login, Vec<u8>) {
    Login::start(login::Settings {
        user: "app".into(),
        password: Zeroizing::new("pencil".into()),
        database: "shop".into(),
        parameters: Vec::new(),
        certificate: None,
    })
}

/// A server that answers the first message with `answer`.
async fn serve(mut io: DuplexStream, answer: Vec<u8>) -> DuplexStream {
    let mut first = BytesMut::new();
    io.read_buf(&mut first).await.unwrap();
    io.write_all(&answer).await.unwrap();
    io
}

#[tokio::test]
async fn a_log_in_gives_parameters_the_cancel_key_and_what_came_after() {
    let mut answer = Vec::new();
    Request::Ok.encode(&mut answer);
    parameter_status(&mut answer, "server_version", "15.18");
    backend_key_data(&mut answer, &CancelKey { process_id: 9, secret: vec![1, 2, 3, 4] });
    ready_for_query(&mut answer);
    answer.extend_from_slice(b"A\0\0\0\x04");

    let (mut ours, theirs) = duplex(4096);
    let (logged_in, _io) = tokio::join!(exchange(start(), &mut ours), serve(theirs, answer));
    let logged_in = logged_in.unwrap();
    assert_eq!(logged_in.parameters[0].value, "15.18");
    assert_eq!(logged_in.key.unwrap().process_id, 9);
    assert_eq!(logged_in.leftover.as_ref(), b"A\0\0\0\x04");
}

#[tokio::test]
async fn a_server_that_hangs_up_broke_the_connection() {
    let (mut ours, theirs) = duplex(4096);
    let hang_up = async { drop(serve(theirs, Vec::new()).await) };
    let (outcome, ()) = tokio::join!(exchange(start(), &mut ours), hang_up);
    assert!(matches!(outcome, Err(Broken::Io(_))));
}

#[test]
fn a_refusal_is_explained_by_its_sqlstate() {
    for (sqlstate, message, reason, said) in [
        (
            "28P01",
            "password authentication failed for user \"app\"",
            EndReason::TargetLoginFailed,
            "28P01",
        ),
        ("3D000", "database \"shop\" does not exist", EndReason::Misconfigured, "DB"),
        (
            "53300",
            "sorry, too many clients already",
            EndReason::TargetUnreachable,
            "too many clients",
        ),
        (
            "42704",
            "unrecognized configuration parameter \"x\"",
            EndReason::TargetLoginFailed,
            "\"x\"",
        ),
        ("", "", EndReason::TargetLoginFailed, "refused"),
    ] {
        let mut bytes = Vec::new();
        encode(&mut bytes, Severity::Fatal, sqlstate, message, None);
        let failure = explain_refusal(&Report::decode(&bytes[5..]));
        assert_eq!(failure.reason, reason, "{sqlstate}");
        assert!(failure.message.contains(said), "{}", failure.message);
        assert!(!failure.message.contains("user \"app\""), "{}", failure.message);
    }
}
