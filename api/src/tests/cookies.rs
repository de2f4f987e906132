//! Cookies of browsers: over TLS, no neighbour's page sets them and no script reads them.

use std::collections::BTreeSet;

use axum::{body::Body, response::Response};
use chrono::TimeDelta;
use http::{HeaderValue, Request, header};

use super::world::World;
use crate::auth::browser::Cookie;

/// Where browsers find the gateway.
pub(super) const HOME: &str = "https://hoop.example.com";

/// All of them, as they are called without TLS.
const COOKIES: [(Cookie, &str); 3] = [
    (Cookie::Session, "hoop_session"),
    (Cookie::SignIn, "hoop_sign_in"),
    (Cookie::Bearer, "hoop_saml_answer"),
];

/// A gateway that browsers reach with TLS.
pub(super) async fn with_tls() -> World {
    World::with(&[("API_URL", HOME)]).await
}

/// Signs the first user in through the form.
async fn sign_in(world: &World) -> Response {
    let request = Request::post("/api/login/form")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from("email=root%40example.com&password=correct+horse"));
    let response = world.answer(request.unwrap()).await;
    assert_eq!(response.status(), 303);
    response
}

/// The cookie of a browser that is signed in as the first user, as it sends it.
pub(super) async fn browser(world: &World) -> String {
    let response = sign_in(world).await;
    let line = response.headers()[header::SET_COOKIE].to_str().unwrap();
    line.split(';').next().unwrap().to_owned()
}

/// What a line says: the name, and all but the value and how long it lasts.
fn told(line: &HeaderValue) -> (String, BTreeSet<String>) {
    let mut parts = line.to_str().unwrap().split(';').map(str::trim);
    let (name, _) = parts.next().unwrap().split_once('=').unwrap();
    let rest = parts.filter(|part| !part.starts_with("Max-Age=")).map(str::to_owned);
    (name.to_owned(), rest.collect())
}

fn words(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[tokio::test]
async fn every_cookie_over_tls_is_the_gateways_own_and_no_scripts() {
    let world = with_tls().await;
    // Without a domain, as browsers want it of such a name.
    let strict = words(&["Secure", "HttpOnly", "SameSite=Lax", "Path=/"]);
    for (cookie, name) in COOKIES {
        let name = format!("__Host-{name}");
        let (_, set) = cookie.set(&world.app, "x", TimeDelta::hours(1)).unwrap();
        let (_, cleared) = cookie.clear(&world.app).unwrap();
        for line in [set, cleared] {
            assert_eq!(told(&line), (name.clone(), strict.clone()), "{line:?}");
        }
    }
    let response = sign_in(&world).await;
    let line = &response.headers()[header::SET_COOKIE];
    assert_eq!(told(line), ("__Host-hoop_session".to_owned(), strict));
}

#[tokio::test]
async fn without_tls_a_cookie_does_not_promise_it() {
    let world = World::with(&[("API_URL", "http://hoop.example.com:8009")]).await;
    for (cookie, name) in COOKIES {
        let (_, line) = cookie.set(&world.app, "x", TimeDelta::hours(1)).unwrap();
        let expected = words(&["HttpOnly", "SameSite=Lax", "Path=/"]);
        assert_eq!(told(&line), (name.to_owned(), expected));
    }
}

#[tokio::test]
async fn over_tls_a_cookie_that_anybody_could_have_set_is_none() {
    let world = with_tls().await;
    let cookie = browser(&world).await;
    let asked = async |cookie: &str| {
        let request = Request::get("/api/userinfo").header(header::COOKIE, cookie);
        world.answer(request.body(Body::empty()).unwrap()).await.status().as_u16()
    };
    assert_eq!(asked(&cookie).await, 200);
    assert_eq!(asked(cookie.strip_prefix("__Host-").unwrap()).await, 401);
}
