//! What a stranger can't find out: whether there is a user of that name.

use bytes::BytesMut;
use hoop_wire::postgres::{
    frame,
    login::{Login, Step},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    gateway::{Running, USER},
    raw::{connect, log_in, settings},
};

/// Longer than any message of the listener.
const LONGEST: u32 = 4096;

/// Every message of the listener to who tries a wrong password for `user`, by its tag and size.
async fn heard(running: &Running, user: &str) -> Vec<(u8, usize)> {
    let mut wrong = settings("pg", None);
    (wrong.user, wrong.password) = (user.to_owned(), "wrong".to_owned().into());
    let mut io = connect(running.address).await;
    let (mut login, first) = Login::start(wrong);
    io.write_all(&first).await.unwrap();
    let (mut all, mut piece) = (BytesMut::new(), vec![0; 4096]);
    loop {
        let length = io.read(&mut piece).await.unwrap();
        if length == 0 {
            break;
        }
        all.extend_from_slice(&piece[..length]);
        if let Ok(Step::Continue { send }) = login.feed(&piece[..length]) {
            io.write_all(&send).await.unwrap();
        }
    }
    let mut messages = Vec::new();
    while let Some(message) = frame::split(&mut all, LONGEST).unwrap() {
        messages.push((message.tag, message.body.len()));
    }
    messages
}

#[tokio::test(start_paused = true)]
async fn a_user_that_does_not_exist_goes_through_the_same_steps() {
    let running = Running::start().await;
    // As long as the other name, which the last message has.
    let nobody = "clara";
    assert_eq!(nobody.len(), USER.len());
    let (known, unknown) = (heard(&running, USER).await, heard(&running, nobody).await);
    let tags: Vec<u8> = known.iter().map(|(tag, _)| *tag).collect();
    assert_eq!(tags, b"RRE", "an offer, a challenge and a refusal");
    assert_eq!(known, unknown);
    let seen = running.script.seen.lock().unwrap();
    assert_eq!(seen.verifiers, [USER, nobody], "each is asked for once");
    let refused = [USER, nobody].map(|user| (user.to_owned(), "pg".to_owned()));
    assert_eq!(seen.refused, refused, "each is told of once, and nobody waits for that");
    assert!(seen.cancel_keys.is_empty(), "nothing is opened for either");
}

#[tokio::test]
async fn a_wrong_password_is_told_of_and_a_right_one_is_not() {
    let running = Running::start().await;
    let mut io = connect(running.address).await;
    log_in(&mut io, settings("pg", None), |_| {}).await.unwrap();
    assert_eq!(running.script.seen.lock().unwrap().refused, []);
    heard(&running, USER).await;
    let refused = [(USER.to_owned(), "pg".to_owned())];
    assert_eq!(running.script.seen.lock().unwrap().refused, refused);
}
