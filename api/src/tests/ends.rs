//! What ends with what: logins with the browser that they were had through, and everything
//! else of a user with their password.

use axum::body::Body;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::TokenId;
use hoop_store::token::{Kind, NewToken};
use http::{Request, header};
use serde_json::{Value, json};

use super::world::World;
use crate::auth::token;

const ANN: &str = "ann@example.com";

/// A token of Ann's of this kind, which lasts so long.
struct Kept {
    id: TokenId,
    text: String,
}

async fn keep(world: &World, kind: Kind, hours: i64, parent: Option<TokenId>) -> Kept {
    let made = match kind {
        Kind::Browser => token::Kind::Browser,
        Kind::Login => token::Kind::Login,
        Kind::Program => token::Kind::Person,
    };
    let text = token::generate(made).unwrap();
    let new = NewToken {
        user: world.app.org.user_fetch(ANN).await.unwrap().id,
        kind,
        name: "test",
        digest: token::digest(&text),
        expires_at: Some(world.app.now() + TimeDelta::hours(hours)),
        parent,
        password: None,
    };
    Kept { id: world.app.org.token_keep(&new).await.unwrap(), text }
}

/// Ann, who has a password.
async fn ann(world: &World) {
    let body = json!({ "email": ANN, "password": "battery staple" });
    assert_eq!(world.post(&world.root().await, "/api/users", body).await.status, 201);
}

/// Whether Ann's browser is signed in.
async fn browses(world: &World, browser: &Kept) -> bool {
    let request = Request::get("/api/userinfo")
        .header(header::COOKIE, format!("hoop_session={}", browser.text));
    world.answer(request.body(Body::empty()).unwrap()).await.status() == 200
}

async fn is_signed_in(world: &World, token: &Kept) -> bool {
    world.get(&token.text, "/api/userinfo").await.status == 200
}

fn change() -> Value {
    json!({ "old_password": "battery staple", "new_password": "correct horse" })
}

#[tokio::test]
async fn a_new_password_ends_browsers_logins_and_programs_but_not_who_changed_it() {
    let world = World::new().await;
    ann(&world).await;
    let browser = keep(&world, Kind::Browser, 12, None).await;
    let here = keep(&world, Kind::Login, 12, Some(browser.id)).await;
    let elsewhere = keep(&world, Kind::Browser, 12, None).await;
    let login = keep(&world, Kind::Login, 12, Some(elsewhere.id)).await;
    let program = keep(&world, Kind::Program, 12, None).await;
    assert!(browses(&world, &browser).await && browses(&world, &elsewhere).await);

    let path = "/api/users/ann@example.com/password";
    assert_eq!(world.put(&here.text, path, change()).await.status, 204);
    assert!(is_signed_in(&world, &here).await, "though its browser is signed out");
    assert!(!browses(&world, &browser).await && !browses(&world, &elsewhere).await);
    assert!(!is_signed_in(&world, &login).await && !is_signed_in(&world, &program).await);
}

#[tokio::test]
async fn a_browser_in_which_the_password_is_changed_stays_signed_in() {
    let world = World::new().await;
    ann(&world).await;
    let browser = keep(&world, Kind::Browser, 12, None).await;
    let elsewhere = keep(&world, Kind::Browser, 12, None).await;
    let request = Request::put("/api/users/ann@example.com/password")
        .header(header::COOKIE, format!("hoop_session={}", browser.text))
        .header(header::CONTENT_TYPE, "application/json")
        .header("sec-fetch-site", "same-origin");
    let request = request.body(Body::from(change().to_string())).unwrap();
    assert_eq!(world.answer(request).await.status(), 204);
    assert!(browses(&world, &browser).await);
    assert!(!browses(&world, &elsewhere).await);
}

#[tokio::test]
async fn a_password_that_an_administrator_sets_ends_everything() {
    let world = World::new().await;
    ann(&world).await;
    let browser = keep(&world, Kind::Browser, 12, None).await;
    let login = keep(&world, Kind::Login, 12, None).await;
    let body = json!({ "new_password": "correct horse" });
    let path = "/api/users/ann@example.com/password";
    assert_eq!(world.put(&world.root().await, path, body).await.status, 204);
    assert!(!browses(&world, &browser).await && !is_signed_in(&world, &login).await);
}

/// What a command line is told when Ann has agreed in `browser`.
async fn handed_over(world: &World, browser: &Kept) -> Value {
    let verifier = [7; 32];
    let challenge = URL_SAFE_NO_PAD.encode(token::digest_of(&verifier));
    let begun = world.post("", "/api/login/device/begin", json!({ "challenge": challenge })).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let code = begun.body["user_code"].as_str().unwrap();
    world.app.org.handover_answer(code, Some(browser.id), world.app.now()).await.unwrap();
    let take = json!({
        "device_code": begun.body["device_code"],
        "verifier": URL_SAFE_NO_PAD.encode(verifier),
    });
    let taken = world.post("", "/api/login/device/token", take).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    taken.body
}

#[tokio::test]
async fn a_login_says_that_it_ends_when_its_browser_does() {
    let world = World::new().await;
    ann(&world).await;
    for (hours, most) in [(1, 1), (48, 12)] {
        let browser = keep(&world, Kind::Browser, hours, None).await;
        let login = handed_over(&world, &browser).await;
        let ends_at: DateTime<Utc> = login["expires_at"].as_str().unwrap().parse().unwrap();
        assert!(ends_at <= world.app.now() + TimeDelta::hours(most), "{login}");
        let kept = format!(
            "select count(*) from api_tokens where parent_id = '{}'
               and expires_at <= now() + interval '{most} hours'",
            browser.id
        );
        assert_eq!(world.sql(&kept).await, "1");
    }
}
