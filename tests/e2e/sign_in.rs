//! People sign in: at a real identity provider, with a form, and for their command line.

pub(crate) mod command_line;
mod forms;
mod programs;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use hoop_testkit::{
    IdentityProvider, eventually,
    identity_provider::{self, CLIENT_ID, CLIENT_SECRET},
};
use hoop_tests::{Answer, Browser, Gateway, Service, browser::Page, gateway::ADMIN};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Result;

/// A gateway whose people sign in at a provider.
pub(super) struct World {
    pub(super) gateway: Gateway,
    pub(super) provider: IdentityProvider,
}

impl World {
    pub(super) async fn new() -> Result<Self> {
        let mut gateway = Gateway::usual().await?;
        let callback = format!("{}/api/callback", gateway.api_url);
        let provider = identity_provider::identity_provider(callback).await?;
        sign_in_at(&provider, &mut gateway.api)?;
        Ok(Self { gateway, provider })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.api_url)
    }

    /// Signs a browser in, which then looks at who it is.
    async fn sign_in(&self, browser: &mut Browser) -> Result<Page> {
        browser.open(&self.url("/api/login?redirect=/api/userinfo")).await
    }

    /// What an administrator says of a user.
    async fn change(&self, user: &str, to: Value) -> Result<Answer> {
        self.gateway.rest.send(Method::PUT, &format!("/api/users/{user}"), to).await
    }

    /// Who the browser's person is.
    async fn who(&self, browser: &mut Browser) -> Result<(StatusCode, Value)> {
        let page = browser.open(&self.url("/api/userinfo")).await?;
        Ok((page.status, serde_json::from_str(&page.text)?))
    }
}

/// Starts the `api` again, whose people sign in at the provider from now on.
pub(crate) fn sign_in_at(provider: &IdentityProvider, api: &mut Service) -> Result {
    api.set("IDP_ISSUER", provider.issuer());
    api.set("IDP_CLIENT_ID", CLIENT_ID);
    api.set("IDP_CLIENT_SECRET", CLIENT_SECRET);
    api.stop()?;
    api.start()
}

pub(crate) fn says(page: &Page, status: u16, words: &str) -> Result {
    ensure!(page.status == status && page.text.contains(words), "{words:?} is not in {page:?}");
    Ok(())
}

#[tokio::test]
async fn a_person_signs_in_at_the_provider_and_comes_back_to_where_they_were() -> Result {
    let world = World::new().await?;
    let mut browser = Browser::new()?;
    let page = world.sign_in(&mut browser).await?;
    let who: Value = serde_json::from_str(&page.text)?;
    ensure!(page.url.path() == "/api/userinfo" && page.url.query().is_none(), "{page:?}");
    ensure!(who["email"] == "ann@example.com" && who["role"] == "standard", "{who}");
    ensure!(who["groups"] == json!(["dba"]), "{who}");

    let ours = page.set_cookies.iter().filter(|line| line.starts_with("hoop_"));
    for line in ours {
        ensure!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
    }
    let session = browser.cookies_of(&page.url);
    let token = session.split("hoop_session=").nth(1).context("no session")?.to_owned();
    ensure!(token.starts_with("hpb_") && !session.contains("hoop_sign_in"), "{session}");
    ensure!(page.way.iter().all(|url| !url.as_str().contains(&token)), "{page:?}");
    let logs = world.gateway.rest.get("/api/audit/logs?actor=ann@example.com").await?;
    let line = &logs["data"][0];
    ensure!(line["http_path"] == "/api/callback" && line["outcome"] == true, "{logs}");
    ensure!(line["actor_email"] == "ann@example.com" && line["actor_id"] == who["id"], "{logs}");
    // What a script can't read, it can't send either.
    let rest = world.gateway.rest.with_token(Some(&token));
    let bearer = rest.send(Method::GET, "/api/userinfo", Value::Null).await?;
    ensure!(bearer.status == 401, "{bearer:?}");
    Ok(())
}

#[tokio::test]
async fn what_a_provider_must_not_say_signs_nobody_in() -> Result {
    let world = World::new().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let lies = [
        json!({"nonce": "another"}),
        json!({"aud": "somebody else"}),
        json!({"iss": "https://evil.example.com"}),
        json!({"exp": now - 120, "iat": now - 300}),
        json!({"iat": now + 600}),
    ];
    for claims in lies {
        world.provider.control(&json!({ "claims": claims }).to_string()).await?;
        let mut browser = Browser::new()?;
        let page = world.sign_in(&mut browser).await?;
        says(&page, 403, "can&#39;t be trusted").with_context(|| claims.to_string())?;
        ensure!(world.who(&mut browser).await?.0 == 401, "signed in with {claims}");
    }
    // Clocks differ by some seconds everywhere.
    let skewed = json!({"claims": {"iat": now + 30, "exp": now - 20}});
    world.provider.control(&skewed.to_string()).await?;
    let page = world.sign_in(&mut Browser::new()?).await?;
    says(&page, 200, "ann@example.com")
}

#[tokio::test]
async fn what_comes_back_counts_once_and_in_the_browser_that_was_sent() -> Result {
    let world = World::new().await?;
    let mut browser = Browser::new()?;
    let page = world.sign_in(&mut browser).await?;
    let callback = page.way.iter().find(|url| url.path() == "/api/callback");
    let again = browser.open(callback.context("no callback")?.as_str()).await?;
    says(&again, 403, "begin again")?;
    says(&browser.open(&world.url("/api/callback?state=x&code=y")).await?, 403, "begin again")?;

    let begun: Value = world.gateway.rest.get("/api/login").await?;
    let elsewhere = begun["login_url"].as_str().context("no URL")?;
    let other = Browser::new()?.open(elsewhere).await?;
    says(&other, 403, "in another browser")?;

    for evil in ["https://evil.example.com", "//evil.example.com", "/%5Cevil.example.com"] {
        let page = browser.open(&world.url(&format!("/api/login?redirect={evil}"))).await?;
        says(&page, 422, "must be a path of this gateway")?;
    }
    Ok(())
}

#[tokio::test]
async fn who_changes_their_mind_or_is_not_wanted_is_told_so() -> Result {
    let world = World::new().await?;
    world.provider.control(r#"{"account": null}"#).await?;
    let page = world.sign_in(&mut Browser::new()?).await?;
    says(&page, 403, "you changed your &lt;mind&gt;")?;

    world.provider.control(r#"{"account": "ann"}"#).await?;
    let mut browser = Browser::new()?;
    says(&world.sign_in(&mut browser).await?, 200, "ann@example.com")?;
    let inactive = json!({"name": "Ann", "status": "inactive", "groups": []});
    let put = world.change("ann@example.com", inactive).await?;
    ensure!(put.status == 200, "{put:?}");
    ensure!(world.who(&mut browser).await?.0 == 401, "inactive and signed in");
    says(&world.sign_in(&mut Browser::new()?).await?, 403, "you are not active here")?;

    // Somebody else at the provider with the address of a user, or one nobody has checked.
    let thief = json!({"account": "eve", "person": {
        "sub": "eve", "email": ADMIN, "email_verified": false, "name": "Eve"}});
    world.provider.control(&thief.to_string()).await?;
    says(&world.sign_in(&mut Browser::new()?).await?, 403, "is another user here")
}

#[tokio::test]
async fn keys_of_the_provider_may_change_and_it_may_be_down() -> Result {
    let mut world = World::new().await?;
    let mut browser = Browser::new()?;
    says(&world.sign_in(&mut browser).await?, 200, "ann@example.com")?;
    world.provider.control(r#"{"rotate": true}"#).await?;
    eventually("a sign-in with new keys", async || {
        says(&world.sign_in(&mut Browser::new()?).await?, 200, "ann@example.com")
    })
    .await?;

    world.provider.kill()?;
    let (status, who) = world.who(&mut browser).await?;
    ensure!(status == 200 && who["email"] == "ann@example.com", "{who}");
    world.gateway.api.stop()?;
    world.gateway.api.start()?;
    ensure!(world.who(&mut browser).await?.0 == 200, "signed out by a restart");
    let page = Browser::new()?.open(&world.url("/api/login")).await?;
    says(&page, 503, "the identity provider can't be reached")?;
    world.provider.start()?;
    eventually("a sign-in after the provider came back", async || {
        says(&world.sign_in(&mut Browser::new()?).await?, 200, "ann@example.com")
    })
    .await
}

#[tokio::test]
async fn groups_come_from_the_claim_that_the_operator_names() -> Result {
    let mut world = World::new().await?;
    let api = &mut world.gateway.api;
    api.set("IDP_GROUPS_CLAIM", "roles");
    api.stop()?;
    api.start()?;
    // What is in `groups` says nothing any more: ann is in `dba` there.
    for (roles, groups, role) in [
        (json!(["chiefs", "ops"]), json!(["chiefs", "ops"]), "standard"),
        (json!("auditor"), json!(["auditor"]), "auditor"),
    ] {
        world.provider.control(&json!({"claims": {"roles": roles}}).to_string()).await?;
        let page = world.sign_in(&mut Browser::new()?).await?;
        says(&page, 200, "ann@example.com")?;
        let who: Value = serde_json::from_str(&page.text)?;
        ensure!(who["groups"] == groups && who["role"] == role, "{who}");
    }
    Ok(())
}

#[tokio::test]
async fn whom_the_provider_changes_or_forgets_changes_or_is_signed_out() -> Result {
    let world = World::new().await?;
    world.provider.control(r#"{"ttl": 2}"#).await?;
    let mut browser = Browser::new()?;
    says(&world.sign_in(&mut browser).await?, 200, "dba")?;
    let groups = json!(["dba", "here"]);
    let here = json!({"name": "Ann", "status": "active", "groups": groups});
    let put = world.change("ann@example.com", here).await?;
    ensure!(put.status == 200, "{put:?}");

    let promoted = json!({"person": {"sub": "ann", "email": "ann@example.com",
        "email_verified": true, "name": "Ann", "groups": ["auditor"]}});
    world.provider.control(&promoted.to_string()).await?;
    // What an administrator said stays; what the provider said goes.
    eventually("the groups of the provider", async || {
        let (_, who) = world.who(&mut browser).await?;
        let groups = who["groups"] == json!(["auditor", "here"]);
        ensure!(groups && who["role"] == "auditor", "{who}");
        Ok(())
    })
    .await?;

    world.provider.control(r#"{"gone": true}"#).await?;
    eventually("the end of the session", async || {
        ensure!(world.who(&mut browser).await?.0 == 401, "still signed in");
        Ok(())
    })
    .await
}
