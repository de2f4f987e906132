//! Programs with tokens of the identity provider's own.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hoop_testkit::identity_provider::{CLIENT_ID, ROBOT, ROBOT_SECRET};
use hoop_tests::{Answer, Browser};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::{World, says};
use crate::Result;

/// Whom tokens of programs are for.
const AUDIENCE: &str = "https://hoop.example.com";

/// A gateway that takes tokens of the provider for `audience`.
async fn world(audience: &str) -> Result<World> {
    let mut world = World::new().await?;
    let api = &mut world.gateway.api;
    api.set("IDP_AUDIENCE", audience);
    api.stop()?;
    api.start()?;
    let account = json!({"subject": ROBOT, "name": "Robot", "groups": ["deployers"]});
    world.gateway.rest.post("/api/serviceaccounts", account).await?;
    Ok(world)
}

/// Who it is with this token.
async fn who(world: &World, token: &str) -> Result<Answer> {
    let rest = world.gateway.rest.with_token(Some(token));
    rest.send(Method::GET, "/api/userinfo", Value::Null).await
}

/// The token that the robot gets at the provider, for `resource`.
async fn robots(world: &World, resource: &str) -> Result<String> {
    let form = format!("grant_type=client_credentials&scope=api&resource={resource}");
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(format!("{}/token", world.provider.issuer()))
        // Both are sent as in a form (RFC 6749, 2.3.1).
        .basic_auth(ROBOT, Some(ROBOT_SECRET.replace(' ', "+")))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await?;
    let said: Value = serde_json::from_str(&answer.text().await?)?;
    let token = said.get("access_token").and_then(Value::as_str).map(str::to_owned);
    token.with_context(|| said.to_string())
}

#[tokio::test]
async fn a_service_account_acts_with_a_token_that_the_provider_gave_it() -> Result {
    let world = world(AUDIENCE).await?;
    let token = robots(&world, AUDIENCE).await?;
    let it = who(&world, &token).await?;
    ensure!(it.status == 200 && it.body["name"] == "Robot", "{it:?}");
    ensure!(it.body["groups"] == json!(["deployers"]) && it.body["role"] == "standard", "{it:?}");
    let rest = world.gateway.rest.with_token(Some(&token));
    let users = rest.send(Method::GET, "/api/users", Value::Null).await?;
    ensure!(users.status == 403, "{users:?}");

    // At an edge, too, which asks who it is.
    world.gateway.open_to("robots", &["deployers"]).await?;
    let script = json!({"connection": "robots", "script": "select 6 * 7;"});
    let ran = rest.send(Method::POST, "/api/sessions", script).await?;
    ensure!(ran.status == 200 && ran.body["output_status"] == "success", "{ran:?}");
    let id = ran.body["session_id"].as_str().context("no session")?;
    let session = world.gateway.rest.get(&format!("/api/sessions/{id}")).await?;
    ensure!(session["user_name"] == "Robot", "{session}");

    let elsewhere = robots(&world, "https://another.example.com").await?;
    let it = who(&world, &elsewhere).await?;
    ensure!(it.status == 401, "a token for somebody else: {it:?}");

    let inactive = json!({"name": "Robot", "status": "inactive", "groups": ["deployers"]});
    let path = format!("/api/serviceaccounts/{ROBOT}");
    let put = world.gateway.rest.send(Method::PUT, &path, inactive).await?;
    ensure!(put.status == 200, "{put:?}");
    let it = who(&world, &token).await?;
    ensure!(it.status == 401, "an account that is inactive: {it:?}");
    world.gateway.rest.delete(&path).await?;
    let it = who(&world, &token).await?;
    ensure!(it.status == 401, "an account that is gone: {it:?}");
    Ok(())
}

#[tokio::test]
async fn a_person_at_the_provider_acts_with_a_token_for_the_gateway() -> Result {
    let world = world(AUDIENCE).await?;
    let claims = json!({"claims": {"sub": "ann", "aud": AUDIENCE}}).to_string();
    let token = world.provider.sign(&claims).await?;
    let it = who(&world, &token).await?;
    ensure!(it.status == 401, "nobody has seen ann here: {it:?}");
    says(&world.sign_in(&mut Browser::new()?).await?, 200, "ann@example.com")?;
    let it = who(&world, &token).await?;
    ensure!(it.status == 200 && it.body["email"] == "ann@example.com", "{it:?}");
    Ok(())
}

#[tokio::test]
async fn a_token_that_proves_nothing_is_nobodys() -> Result {
    let world = world(AUDIENCE).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let good = json!({"sub": ROBOT, "aud": AUDIENCE});
    let signed = async |changes: Value, foreign: bool| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        world.provider.sign(&json!({"claims": claims, "foreign": foreign}).to_string()).await
    };
    let token = signed(json!({}), false).await?;
    ensure!(who(&world, &token).await?.status == 200, "the good one is refused");

    for lie in [
        json!({"aud": "https://another.example.com"}),
        // An identity token is for the gateway's own sign-in, and no program's.
        json!({"aud": CLIENT_ID}),
        json!({"aud": []}),
        json!({"iss": "https://evil.example.com"}),
        json!({"exp": now - 120, "iat": now - 300}),
        json!({"iat": now + 600}),
        json!({"sub": "nobody"}),
        json!({"sub": ""}),
    ] {
        let answer = who(&world, &signed(lie.clone(), false).await?).await?;
        ensure!(answer.status == 401, "{lie}: {answer:?}");
    }
    let foreign = who(&world, &signed(json!({}), true).await?).await?;
    ensure!(foreign.status == 401, "of another key: {foreign:?}");

    let (head, rest) = token.split_once('.').context("no token")?;
    let (body, signature) = rest.split_once('.').context("no token")?;
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let mut flipped = signature.to_owned();
    flipped.replace_range(..4, if signature.starts_with("AAAA") { "BBBB" } else { "AAAA" });
    let forged = [
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}.{flipped}"),
        "eyJ.eyJ.eyJ".to_owned(),
    ];
    for token in forged {
        let answer = who(&world, &token).await?;
        ensure!(answer.status == 401, "{token}: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn without_an_audience_no_token_of_the_provider_is_taken() -> Result {
    let world = world("").await?;
    for audience in [AUDIENCE, CLIENT_ID, ""] {
        let claims = json!({"claims": {"sub": ROBOT, "aud": audience}}).to_string();
        let answer = who(&world, &world.provider.sign(&claims).await?).await?;
        ensure!(answer.status == 401, "{audience:?}: {answer:?}");
    }
    Ok(())
}
