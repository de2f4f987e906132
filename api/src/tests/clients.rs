//! Whose address counts, and what browsers are told.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo, response::Response};
use http::{Request, StatusCode, header};
use serde_json::json;

use super::world::World;

const PROXY: &str = "192.0.2.1:4711";
const STRANGER: &str = "192.0.2.9:4711";

fn world() -> impl Future<Output = World> {
    World::with(&[("TRUSTED_PROXIES", "192.0.2.1, 10.0.0.0/8")])
}

/// A login from `peer`, for somebody at `forwarded`.
async fn log_in(world: &World, peer: &str, forwarded: &str) -> StatusCode {
    let body = json!({ "email": "root@example.com", "password": "wrong horse" }).to_string();
    let request = Request::post("/api/login")
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-forwarded-for", forwarded)
        .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    world.answer(request.body(Body::from(body)).unwrap()).await.status()
}

#[tokio::test]
async fn guesses_are_counted_for_whom_a_trusted_proxy_names() {
    let world = world().await;
    for _ in 0..20 {
        assert_eq!(log_in(&world, PROXY, "198.51.100.1").await, 401);
    }
    assert_eq!(log_in(&world, PROXY, "198.51.100.1").await, 429);
    assert_eq!(log_in(&world, PROXY, "198.51.100.2").await, 401);
    // What the first one's own proxy, or lie, adds before it changes nothing.
    assert_eq!(log_in(&world, PROXY, "198.51.100.2, 198.51.100.1").await, 429);
}

#[tokio::test]
async fn guesses_of_a_stranger_are_the_strangers_whatever_they_claim() {
    let world = world().await;
    for number in 0..20 {
        assert_eq!(log_in(&world, STRANGER, &format!("198.51.100.{number}")).await, 401);
    }
    assert_eq!(log_in(&world, STRANGER, "198.51.100.99").await, 429);
}

#[tokio::test]
async fn the_audit_log_has_the_address_that_is_believed() {
    let world = world().await;
    let bearer = format!("Bearer {}", world.root().await);
    for (number, (peer, expected)) in
        [(PROXY, "198.51.100.1"), (STRANGER, "192.0.2.9"), ("10.9.9.9:1", "198.51.100.1")]
            .into_iter()
            .enumerate()
    {
        let request = Request::post("/api/users/groups")
            .header(header::AUTHORIZATION, &bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-forwarded-for", "198.51.100.1")
            .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let body = json!({ "name": format!("group-{number}") }).to_string();
        let answer = world.answer(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status(), 201, "{peer}");
        let noted = world.sql("select client from audit_log order by id desc limit 1").await;
        assert_eq!(noted, expected, "{peer}");
    }
}

async fn health(world: &World, peer: &str, proto: &str) -> Response {
    let request = Request::get("/api/healthz")
        .header("x-forwarded-proto", proto)
        .header(header::ORIGIN, "https://evil.example.com")
        .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    world.answer(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn browsers_are_told_to_do_nothing_with_an_answer() {
    let world = world().await;
    let answer = health(&world, STRANGER, "http").await;
    let told = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(told("x-content-type-options"), Some("nosniff"));
    assert_eq!(told("x-frame-options"), Some("DENY"));
    assert_eq!(told("referrer-policy"), Some("no-referrer"));
    assert_eq!(told("cross-origin-resource-policy"), Some("same-origin"));
    assert_eq!(told("cache-control"), Some("no-store"));
    assert!(told("content-security-policy").unwrap().contains("default-src 'none'"));
    // CORS is off: no other site's page may read an answer, or is told which methods there are.
    let allows = |name: &&http::HeaderName| name.as_str().starts_with("access-control-");
    assert_eq!(answer.headers().keys().find(allows), None);
    let preflight =
        Request::options("/api/users").header(header::ORIGIN, "https://evil.example.com");
    let preflight = preflight.header("access-control-request-method", "POST");
    let refused = world.answer(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status(), 405);
    assert_eq!(refused.headers().keys().find(allows), None);
}

#[tokio::test]
async fn who_came_over_tls_is_told_to_stay_there() {
    let world = world().await;
    for (peer, proto, strict) in [
        (PROXY, "https", true),
        (PROXY, "http", false),
        (PROXY, "https, http", false),
        (STRANGER, "https", false),
    ] {
        let answer = health(&world, peer, proto).await;
        let told = answer.headers().contains_key(header::STRICT_TRANSPORT_SECURITY);
        assert_eq!(told, strict, "{peer} {proto}");
    }
}
