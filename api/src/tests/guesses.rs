//! Guesses from many addresses at one account, and from one address at many accounts: how long
//! the next one waits, and who does not.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Instant,
};

use axum::{body::Body, extract::ConnectInfo};
use http::{Request, header};
use serde_json::json;

use super::{local_users::another_process, world::World};
use crate::{Error, auth::guesses::Guess};

const ANN: &str = "ann@example.com";

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

/// A wrong password without the work of looking at it; for how many seconds there is none.
async fn guess(world: &World, source: IpAddr, account: &str) -> Result<(), u64> {
    let guess = Guess::new(&world.app, source, account, Instant::now()).unwrap();
    match guess.begin(Instant::now()).await {
        Ok(_wrong) => Ok(()),
        Err(Error::TooManyLogins(refused)) => Err(refused.0.as_secs()),
        Err(error) => panic!("{error}"),
    }
}

/// As if all waits were over, and another process took the next call.
async fn patience(world: &World) {
    another_process(world);
    world.sql("update login_slots set wait_until = 0").await;
}

/// The status of a login.
async fn login(world: &World, source: IpAddr, email: &str, password: &str) -> u16 {
    let body = json!({ "email": email, "password": password }).to_string();
    let request = Request::post("/api/login")
        .header(header::CONTENT_TYPE, "application/json")
        .extension(ConnectInfo(SocketAddr::new(source, 4711)));
    world.answer(request.body(Body::from(body)).unwrap()).await.status().as_u16()
}

/// Ann, who has logged in from address 1.
async fn ann() -> World {
    let world = World::new().await;
    let body = json!({ "email": ANN, "password": "battery staple" });
    assert_eq!(world.post(&world.root().await, "/api/users", body).await.status, 201);
    assert_eq!(login(&world, address(1), ANN, "battery staple").await, 200);
    world
}

/// Makes mistakes: `free` of them, two more, and one after each of the waits, which are at most
/// these and longer than the one before.
async fn waits_grow(
    world: &World,
    free: u32,
    waits: [u64; 4],
    guess: &impl AsyncFn(u32) -> Result<(), u64>,
) {
    for number in 0..free {
        assert_eq!(guess(number).await, Ok(()), "{number} of {free}");
    }
    for number in free..free + 2 {
        patience(world).await;
        assert_eq!(guess(number).await, Ok(()), "{number} after {free}");
    }
    let mut before = 0;
    for (number, most) in (free + 2..).zip(waits) {
        another_process(world);
        let wait = guess(number).await.unwrap_err();
        assert!(before < wait && wait <= most, "{wait} of {most}");
        before = wait;
        patience(world).await;
        assert_eq!(guess(number).await, Ok(()), "after {most}");
    }
}

#[tokio::test]
async fn guesses_at_an_account_wait_longer_and_longer_from_wherever_they_come() {
    let world = ann().await;
    // Each from another address, which was never wrong before. The wait has an end after a minute:
    // it is Ann's, too, where she was never before.
    let wrong = async |number: u32| guess(&world, address(1000 + number), ANN).await;
    waits_grow(&world, 200, [12, 24, 48, 60], &wrong).await;
    assert_eq!(login(&world, address(2), ANN, "battery staple").await, 429);
    assert_eq!(login(&world, address(1), ANN, "battery staple").await, 200, "Ann is known there");
    let (root, password) = ("root@example.com", "correct horse");
    assert_eq!(login(&world, address(2), root, password).await, 200, "it is another account");
    patience(&world).await;
    assert_eq!(login(&world, address(2), ANN, "battery staple").await, 200);
}

#[tokio::test]
async fn guesses_of_an_address_wait_longer_and_longer_at_whatever_account() {
    let world = ann().await;
    let wrong =
        async |number: u32| guess(&world, address(1), &format!("user-{number}@example.com")).await;
    waits_grow(&world, 60, [20, 40, 80, 160], &wrong).await;
    let (root, password) = ("root@example.com", "correct horse");
    assert_eq!(login(&world, address(1), root, password).await, 429);
    assert_eq!(login(&world, address(2), root, password).await, 200, "it is another address");
    assert_eq!(login(&world, address(1), ANN, "battery staple").await, 200, "Ann is known there");
    patience(&world).await;
    assert_eq!(login(&world, address(1), root, password).await, 200);
}
