//! Clients without manners: silent, foreign, half.

use std::time::Duration;

use hoop_wire::postgres::{
    error::Report,
    startup::{self, Version},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    gateway::{Running, USER},
    raw::{connect, error, log_in, query, rest, settings},
};

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_cut_after_ten_seconds() {
    let running = Running::start().await;
    let mut silent = connect(running.address).await;
    let started = tokio::time::Instant::now();
    assert_eq!(rest(&mut silent).await, b"");
    let waited = started.elapsed();
    assert!(Duration::from_secs(9) < waited && waited < Duration::from_secs(15), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_in_the_middle_of_its_login_is_told() {
    let running = Running::start().await;
    let mut half = connect(running.address).await;
    let message = startup::startup_message(Version::V3_0, [("user", USER), ("database", "pg")]);
    half.write_all(&message).await.unwrap();
    let answer = rest(&mut half).await;
    // First the offer of SCRAM, then the farewell.
    assert_eq!(answer[0], b'R');
    let length = 1 + usize::try_from(u32::from_be_bytes(answer[1..5].try_into().unwrap())).unwrap();
    assert_eq!(error(&answer[length..]).message, "the login took too long");
}

#[tokio::test]
async fn foreign_protocols_are_refused_with_a_sentence() {
    let running = Running::start().await;
    for (bytes, sqlstate) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "08P01"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "08P01"),
        (b"\0\0\0\x09\0\x02\0\0\0", "0A000"),
        (b"\0\0\0\x09\0\x03\0\0\0", "28000"),
        (b"\0\0\0\x08\0\x03\0\0", "08P01"),
        (b"\0\0\x27\x11", "08P01"),
    ] {
        let mut io = connect(running.address).await;
        io.write_all(bytes).await.unwrap();
        assert_eq!(error(&rest(&mut io).await).sqlstate, sqlstate, "{}", bytes.escape_ascii());
    }
}

#[tokio::test]
async fn bytes_that_are_no_sasl_are_refused() {
    let running = Running::start().await;
    for answer in [
        &b"Q\0\0\0\x04"[..],
        b"p\0\0\0\x04",
        b"p\0\0\0\x00",
        b"p\0\x01\0\0",
        b"p\0\0\0\x0bscram\0\0",
        b"p\0\0\0\x16SCRAM-SHA-256\0\0\0\0\0",
        b"p\0\0\0\x16SCRAM-SHA-256\0\xff\xff\xff\xff",
    ] {
        let mut io = connect(running.address).await;
        let message = startup::startup_message(Version::V3_0, [("user", USER), ("database", "pg")]);
        io.write_all(&message).await.unwrap();
        let mut offer = [0; 24];
        io.read_exact(&mut offer).await.unwrap();
        io.write_all(answer).await.unwrap();
        let refusal = error(&rest(&mut io).await);
        assert_eq!(refusal.sqlstate, "08P01", "{}: {}", answer.escape_ascii(), refusal.message);
    }
}

#[tokio::test]
async fn replication_is_refused() {
    let running = Running::start().await;
    let mut io = connect(running.address).await;
    let mut wanted = settings("pg", None);
    wanted.parameters.push(("replication".to_owned(), "database".to_owned()));
    assert_eq!(log_in(&mut io, wanted, |_| {}).await.unwrap_err().sqlstate, "0A000");
}

#[tokio::test]
async fn silent_clients_hold_nobody_up() {
    let running = Running::with_room_for(10).await;
    let mut session = connect(running.address).await;
    log_in(&mut session, settings("pg", None), |_| {}).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(connect(running.address).await);
    }
    log_in(&mut connect(running.address).await, settings("pg", None), |_| {}).await.unwrap();
    // Who is logged in is not in their way.
    query(&mut session, "select 1").await;
    session.read_exact(&mut [0; 1]).await.unwrap();
}

#[tokio::test]
async fn only_so_many_may_be_in_their_login_and_the_oldest_makes_room() {
    let running = Running::with_room_for(10).await;
    let mut silent = Vec::new();
    for _ in 0..15 {
        silent.push(connect(running.address).await);
    }
    let started = tokio::time::Instant::now();
    for mut oldest in silent.drain(..5) {
        assert_eq!(rest(&mut oldest).await, b"");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "only their time was over");
    for youngest in &mut silent {
        let mut byte = [0; 1];
        let reading = tokio::time::timeout(Duration::from_millis(10), youngest.read(&mut byte));
        assert!(reading.await.is_err(), "one too many was cut");
    }
}

/// Tries a wrong password; what the listener says.
async fn guess(running: &Running) -> Report {
    let mut wrong = settings("pg", None);
    wrong.password = "wrong".to_owned().into();
    log_in(&mut connect(running.address).await, wrong, |_| {}).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_password_can_be_guessed_at_slowly_only() {
    let running = Running::start().await;
    let started = tokio::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(guess(&running).await.sqlstate, "28P01");
    }
    assert!(Duration::from_secs(10) <= started.elapsed(), "each takes a while");
    let refused = guess(&running).await;
    assert_eq!(refused.sqlstate, "28000");
    assert!(refused.message.contains("too many failed logins for user \"alice\""), "{refused:?}");
    // Not even the right password is looked at now, or guessing would go on.
    let right = log_in(&mut connect(running.address).await, settings("pg", None), |_| {}).await;
    assert_eq!(right.unwrap_err().sqlstate, "28000");
    tokio::time::advance(Duration::from_secs(31)).await;
    log_in(&mut connect(running.address).await, settings("pg", None), |_| {}).await.unwrap();
}
