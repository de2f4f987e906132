//! Sessions from their opening to their end.

use hoop_wire::postgres::startup;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    gateway::Running,
    raw::{connect, error, log_in, query, rest, settings},
};

/// Puts another protocol version into a start-up message.
fn ask_for(minor: u8) -> impl FnOnce(&mut Vec<u8>) {
    move |message| message[7] = minor
}

#[tokio::test]
async fn start_up_parameters_reach_the_target() {
    let running = Running::start().await;
    let mut io = connect(running.address).await;
    let done = log_in(&mut io, settings("pg", None), |_| {}).await.unwrap();
    assert!(done.parameters.contains(&("server_version".to_owned(), "15.0".to_owned())));
    let seen = running.script.seen.lock().unwrap();
    let parameters: Vec<_> = seen.parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(parameters, ["application_name", "search_path"]);
    assert_eq!(seen.applications, ["raw"]);
}

#[tokio::test]
async fn a_cancel_request_carries_the_key_that_the_gateway_was_given() {
    let running = Running::start().await;
    for (minor, secret) in [(0, 4), (2, 32)] {
        let mut io = connect(running.address).await;
        let done = log_in(&mut io, settings("pg", None), ask_for(minor)).await.unwrap();
        let key = done.key.unwrap();
        assert_eq!(key.secret.len(), secret);
        let mut cancelling = connect(running.address).await;
        cancelling.write_all(&startup::cancel_request(&key)).await.unwrap();
        assert_eq!(rest(&mut cancelling).await, b"", "a cancel request is not answered");
        let seen = running.script.seen.lock().unwrap();
        assert_eq!(seen.cancelled.last(), Some(&key.to_bytes()));
        assert_eq!(seen.cancel_keys.last(), Some(&key.to_bytes()));
    }
}

#[tokio::test]
async fn a_newer_protocol_is_negotiated_down() {
    let running = Running::start().await;
    let mut io = connect(running.address).await;
    let mut message = startup::startup_message(
        startup::Version { major: 3, minor: 9999 },
        [("user", "alice"), ("database", "pg"), ("_pq_.new", "1")],
    );
    io.write_all(&std::mem::take(&mut message)).await.unwrap();
    let mut answer = [0; 21];
    io.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"v\0\0\0\x15\0\x03\0\x02\0\0\0\x01_pq_.new".first_chunk::<21>().unwrap());
}

async fn session(running: &Running) -> TcpStream {
    let mut io = connect(running.address).await;
    log_in(&mut io, settings("pg", None), |_| {}).await.unwrap();
    io
}

#[tokio::test]
async fn a_farewell_comes_between_messages_only() {
    let running = Running::start().await;
    let mut io = session(&running).await;
    query(&mut io, "kill me").await;
    assert_eq!(error(&rest(&mut io).await).sqlstate, "57P01");

    let mut io = session(&running).await;
    query(&mut io, "half").await;
    assert_eq!(rest(&mut io).await, b"D\0\0\0\x0b\0\x01");
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_session() {
    let running = Running::start().await;
    let mut io = session(&running).await;
    io.write_all(b"X\0\0\0\x04").await.unwrap();
    drop(io);
    running.script.until(|seen| seen.closed == 1).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_while_the_target_is_dialled_ends_its_session() {
    let running = Running::start().await;
    let io = connect(running.address).await;
    let mut login = Box::pin(async move {
        let mut io = io;
        log_in(&mut io, settings("slow", None), |_| {}).await
    });
    tokio::select! {
        _ = &mut login => panic!("the target never gets ready"),
        () = running.script.until(|seen| !seen.parameters.is_empty()) => {}
    }
    drop(login);
    running.script.until(|seen| seen.closed == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_cut_when_its_session_ends() {
    let running = Running::start().await;
    let mut io = session(&running).await;
    query(&mut io, "stuck").await;
    running.script.until(|seen| seen.closed == 1).await;
}

#[tokio::test]
async fn a_drain_takes_nobody_new_and_waits_for_those_who_are_there() {
    let running = Running::start().await;
    let mut io = session(&running).await;
    running.begin_drain();
    let address = running.address;
    // The port closes as soon as the drain is noticed.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    query(&mut io, "select 1").await;
    let mut answer = [0; 1];
    io.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"T");
    drop(io);
    running.drained().await;
}
