//! People sign in at a real SAML identity provider, and nobody does with an answer that is
//! forged, used, or another's.

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_testkit::{IdentityProvider, eventually, saml_provider};
use hoop_tests::{
    Browser, Gateway, Psql,
    browser::Page,
    cli::Person,
    gateway::{ADMIN, CONNECTION},
};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use crate::{
    Result,
    sign_in::{command_line::Waiting, says},
};

/// A gateway whose people sign in at a SAML provider.
struct World {
    gateway: Gateway,
    provider: IdentityProvider,
}

/// The provider's answer, as its page has it before it is posted.
struct Answer {
    page: Page,
    to: Url,
    response: String,
    relay_state: String,
}

impl Answer {
    fn of(page: Page) -> Result<Self> {
        let value = |mark: &str, end: char| {
            let rest = page.text.split_once(mark).map(|(_, rest)| rest);
            let value = rest.and_then(|rest| rest.split_once("value=\"")?.1.split(end).next());
            value.map(str::to_owned).with_context(|| format!("no {mark} in {page:?}"))
        };
        let (response, relay_state) =
            (value("name=\"SAMLResponse\"", '"')?, value("name=\"RelayState\"", '"')?);
        let action = page.text.split_once("action=\"").and_then(|(_, rest)| rest.split('"').next());
        let to = action.context("no action")?.parse()?;
        Ok(Self { page, to, response, relay_state })
    }

    /// Posts it from the provider's page.
    async fn post(&self, browser: &mut Browser) -> Result<Page> {
        self.post_instead(browser, &self.response).await
    }

    async fn post_instead(&self, browser: &mut Browser, response: &str) -> Result<Page> {
        let fields = [("SAMLResponse", response), ("RelayState", &self.relay_state)];
        browser.carry(&self.page.url, &self.to, &fields).await
    }

    /// The same with something changed in the XML.
    fn changed(&self, change: impl FnOnce(String) -> String) -> Result<String> {
        let xml = String::from_utf8(STANDARD.decode(&self.response)?)?;
        let changed = change(xml.clone());
        ensure!(changed != xml, "nothing is changed in {xml}");
        Ok(STANDARD.encode(changed))
    }
}

impl World {
    async fn new() -> Result<Self> {
        let mut gateway = Gateway::usual().await?;
        let provider = saml_provider(format!("{}/api/saml/callback", gateway.api_url)).await?;
        let api = &mut gateway.api;
        api.set("AUTH_METHOD", "saml");
        api.set("IDP_METADATA_URL", provider.metadata_url());
        api.stop()?;
        api.start()?;
        Ok(Self { gateway, provider })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.api_url)
    }

    /// Goes to the provider, which has an answer at once.
    async fn answer(&self, browser: &mut Browser) -> Result<Answer> {
        Answer::of(browser.open(&self.url("/api/login?redirect=/api/userinfo")).await?)
    }

    /// Signs a browser in, which then looks at who it is.
    async fn sign_in(&self, browser: &mut Browser) -> Result<Page> {
        let answer = self.answer(browser).await?;
        answer.post(browser).await
    }

    /// Who the browser's person is.
    async fn who(&self, browser: &mut Browser) -> Result<(StatusCode, Value)> {
        let page = browser.open(&self.url("/api/userinfo")).await?;
        Ok((page.status, serde_json::from_str(&page.text)?))
    }

    async fn is_nobody(&self, browser: &mut Browser) -> Result {
        let (status, who) = self.who(browser).await?;
        ensure!(status == 401, "signed in: {who}");
        Ok(())
    }
}

#[tokio::test]
async fn a_person_signs_in_with_saml_and_comes_back_to_where_they_were() -> Result {
    let world = World::new().await?;
    let mut browser = Browser::new()?;
    let page = world.sign_in(&mut browser).await?;
    ensure!(page.url.path() == "/api/userinfo" && page.url.query().is_none(), "{page:?}");
    let who: Value = serde_json::from_str(&page.text)?;
    ensure!(who["email"] == "ann@example.com" && who["role"] == "standard", "{who}");
    ensure!(who["groups"] == json!(["dba"]), "{who}");

    let ours: Vec<_> = page.set_cookies.iter().filter(|line| line.starts_with("hoop_")).collect();
    ensure!(!ours.is_empty(), "{page:?}");
    for line in ours {
        ensure!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
    }
    let left = browser.cookies_of(&page.url);
    ensure!(left.starts_with("hoop_session=") && !left.contains(';'), "{left}");
    let way: Vec<_> = page.way.iter().map(Url::as_str).collect();
    let callback = "/api/saml/callback";
    ensure!(way == [callback, callback, "/api/userinfo"].map(|path| world.url(path)), "{way:?}");

    let info: Value = world.gateway.rest.get("/api/publicserverinfo").await?;
    ensure!(info["auth_method"] == "saml", "{info}");
    let ours = browser.open(&world.url("/api/saml/metadata")).await?;
    says(&ours, 200, &format!("entityID=\"{}\"", world.url("/api/saml/metadata")))?;
    says(&ours, 200, "WantAssertionsSigned=\"true\"")?;

    let form = browser.open(&world.url("/api/userinfo")).await?;
    browser.submit(&form.url, "/api/logout", &[]).await?;
    world.is_nobody(&mut browser).await
}

#[tokio::test]
async fn groups_of_the_provider_are_roles_and_connections() -> Result {
    let world = World::new().await?;
    let rest = &world.gateway.rest;
    let wish = |groups: Value| {
        json!({"person": {"sub": "ann", "email": "ann@example.com", "name": "Ann",
            "groups": groups}})
        .to_string()
    };
    world.provider.control(&wish(json!(["auditor", "ops"]))).await?;
    let mut browser = Browser::new()?;
    let page = world.sign_in(&mut browser).await?;
    let who: Value = serde_json::from_str(&page.text)?;
    ensure!(who["role"] == "auditor" && who["name"] == "Ann", "{who}");

    let here = json!({"name": "Ann", "status": "active", "groups": ["auditor", "here", "ops"]});
    let put = rest.send(Method::PUT, "/api/users/ann@example.com", here).await?;
    ensure!(put.status == 200, "{put:?}");
    // In no group any more: then the provider does not even mention groups.
    world.provider.control(&wish(json!([]))).await?;
    let page = world.sign_in(&mut Browser::new()?).await?;
    let who: Value = serde_json::from_str(&page.text)?;
    ensure!(who["role"] == "standard" && who["groups"] == json!(["here"]), "{who}");

    let inactive = json!({"name": "Ann", "status": "inactive", "groups": []});
    let put = rest.send(Method::PUT, "/api/users/ann@example.com", inactive).await?;
    ensure!(put.status == 200, "{put:?}");
    world.is_nobody(&mut browser).await?;
    says(&world.sign_in(&mut Browser::new()?).await?, 403, "you are not active here")
}

#[tokio::test]
async fn an_answer_counts_once_and_in_the_browser_that_began_and_brought_it() -> Result {
    let world = World::new().await?;
    let mut ann = Browser::new()?;
    let answer = world.answer(&mut ann).await?;
    says(&answer.post(&mut ann).await?, 200, "ann@example.com")?;
    says(&answer.post(&mut ann).await?, 403, "begin at the gateway")?;
    says(&answer.post(&mut Browser::new()?).await?, 403, "begin at the gateway")?;
    says(&ann.open(&world.url("/api/saml/callback")).await?, 403, "begin again")?;

    // Brought twice at the same time, it is brought once.
    let answer = world.answer(&mut ann).await?;
    let (mut one, mut other) = (Browser::new()?, Browser::new()?);
    let pages = tokio::try_join!(answer.post(&mut one), answer.post(&mut other))?;
    let brought = [&pages.0, &pages.1].map(|page| page.text.contains("in another browser"));
    ensure!(brought[0] != brought[1], "{pages:?}");

    // Eve has Ann's browser post what Eve has got: Ann would work in Eve's name.
    let (mut eve, mut victim) = (Browser::new()?, Browser::new()?);
    world.provider.control(r#"{"account": "eve"}"#).await?;
    let eves = world.answer(&mut eve).await?;
    world.answer(&mut victim).await?;
    says(&eves.post(&mut victim).await?, 403, "in another browser")?;
    world.is_nobody(&mut victim).await?;

    // Eve begins, and has Ann go on: Eve would get what Ann's browser has brought.
    world.provider.control(r#"{"account": "ann"}"#).await?;
    let begun = eve.open(&world.url("/api/login")).await?;
    let to_the_provider = begun.way.iter().find(|url| url.path() == "/sso").context("no way")?;
    let mut victim = Browser::new()?;
    let anns = Answer::of(victim.open(to_the_provider.as_str()).await?)?;
    says(&anns.post(&mut victim).await?, 403, "in another browser")?;
    says(&eve.open(&world.url("/api/saml/callback")).await?, 403, "begin again")?;
    world.is_nobody(&mut victim).await?;
    world.is_nobody(&mut eve).await?;

    for evil in ["https://evil.example.com", "//evil.example.com", "/%5Cevil.example.com"] {
        let path = format!("/api/saml/login?redirect={evil}");
        says(&ann.open(&world.url(&path)).await?, 422, "must be a path of this gateway")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_forged_answer_signs_nobody_in_and_is_no_use_to_keep_others_out() -> Result {
    let world = World::new().await?;
    let mut browser = Browser::new()?;
    let answer = world.answer(&mut browser).await?;
    let unsigned = |xml: String| {
        let (start, rest) = xml.split_once("<Signature ").unwrap_or_default();
        let (_, end) = rest.split_once("</Signature>").unwrap_or_default();
        format!("{start}{end}")
    };
    let twice = |xml: String| {
        let start = xml.find("<saml:Assertion").unwrap_or_default();
        let (before, rest) = xml.split_at(start);
        let evil = rest.replace("</samlp:Response>", "").replace(">ann<", ">eve<");
        format!("{before}{}{rest}", evil.replace("ID=\"_", "ID=\"_evil"))
    };
    let forged = [
        (answer.changed(|xml| xml.replace(">ann<", ">eve<"))?, "not accepted"),
        (answer.changed(|xml| xml.replace(">ann<", ">ann<!-- --><"))?, "hide a forgery"),
        (answer.changed(|xml| format!("<!DOCTYPE x>{xml}"))?, "hide a forgery"),
        (answer.changed(unsigned)?, "switch on signed assertions"),
        (answer.changed(twice)?, "hide a forgery"),
        ("nonsense".into(), "can&#39;t be read"),
    ];
    for (response, words) in forged {
        let page = answer.post_instead(&mut browser, &response).await?;
        says(&page, 403, words)?;
        world.is_nobody(&mut browser).await?;
    }
    // The honest answer is still waited for.
    says(&answer.post(&mut browser).await?, 200, "ann@example.com")
}

#[tokio::test]
async fn what_a_provider_is_set_up_wrongly_for_is_told() -> Result {
    let world = World::new().await?;
    let wrong = [
        (json!({"signatureAlgorithm": "rsa-sha1", "digestAlgorithm": "sha1"}), "SHA-256 or better"),
        (json!({"digestAlgorithm": "sha1"}), "SHA-256 or better"),
        (json!({"signAssertion": false}), "switch on signed assertions"),
        (json!({"signAssertion": false, "signResponse": true}), "switch on signed assertions"),
        (json!({"recipient": "https://other.example.com"}), "assertion consumer URL"),
        (json!({"destination": "https://other.example.com"}), "assertion consumer URL"),
        (json!({"issuer": "https://other.example.com"}), "another provider"),
        (json!({"audience": "https://other.example.com"}), "the entity ID (audience)"),
        (json!({"inResponseTo": "_another"}), "begin at the gateway"),
        (json!({"lifetimeInSeconds": -3600}), "compare the clocks"),
    ];
    for (options, words) in wrong {
        world.provider.control(&json!({ "options": options }).to_string()).await?;
        let mut browser = Browser::new()?;
        let page = world.sign_in(&mut browser).await?;
        says(&page, 403, words).with_context(|| options.to_string())?;
        world.is_nobody(&mut browser).await?;
    }
    let both = json!({"options": {"signResponse": true}}).to_string();
    world.provider.control(&both).await?;
    says(&world.sign_in(&mut Browser::new()?).await?, 200, "ann@example.com")?;

    world.provider.control(r#"{"account": null, "options": {}}"#).await?;
    says(&world.sign_in(&mut Browser::new()?).await?, 403, "did not sign you in (AuthnFailed)")?;
    let thief = json!({"account": "eve", "person": {
        "sub": "eve", "email": "ann@example.com", "name": "Eve", "groups": []}});
    world.provider.control(&thief.to_string()).await?;
    says(&world.sign_in(&mut Browser::new()?).await?, 403, "is another user here")
}

#[tokio::test]
async fn a_key_that_is_not_in_the_metadata_never_counts() -> Result {
    let mut world = World::new().await?;
    // Where the provider itself says which keys it has, it may change them.
    says(&world.sign_in(&mut Browser::new()?).await?, 200, "ann@example.com")?;
    world.provider.control(r#"{"rotate": true}"#).await?;
    eventually("a sign-in with the new key", async || {
        says(&world.sign_in(&mut Browser::new()?).await?, 200, "ann@example.com")
    })
    .await?;

    // Where the operator says it, the operator has to say it again.
    let metadata = world.provider.metadata().await?;
    let api = &mut world.gateway.api;
    api.set("IDP_METADATA_URL", "");
    api.set("IDP_METADATA", metadata);
    api.stop()?;
    api.start()?;
    says(&world.sign_in(&mut Browser::new()?).await?, 200, "ann@example.com")?;
    world.provider.control(r#"{"rotate": true}"#).await?;
    let page = world.sign_in(&mut Browser::new()?).await?;
    says(&page, 403, "give the gateway the current metadata")
}

#[tokio::test]
async fn who_is_signed_in_goes_on_without_the_provider() -> Result {
    let mut world = World::new().await?;
    let mut browser = Browser::new()?;
    says(&world.sign_in(&mut browser).await?, 200, "ann@example.com")?;
    world.provider.kill()?;
    world.gateway.api.stop()?;
    world.gateway.api.start()?;
    ensure!(world.who(&mut browser).await?.0 == 200, "signed out by a restart");
    let page = Browser::new()?.open(&world.url("/api/saml/login")).await?;
    says(&page, 503, "the identity provider can't be reached")?;
    // Passwords of the gateway are none where there is a provider.
    let login = json!({"email": ADMIN, "password": world.gateway.keys.admin_password});
    let refused = world.gateway.rest.send(Method::POST, "/api/login", login).await?;
    ensure!(refused.status == 403, "{refused:?}");
    world.provider.start()?;
    // That it was away is remembered for some seconds.
    eventually("people to sign in again", async || {
        says(&world.sign_in(&mut Browser::new()?).await?, 200, "ann@example.com")
    })
    .await
}

#[tokio::test]
async fn psql_works_for_who_signed_the_command_line_in_with_saml() -> Result {
    let world = World::new().await?;
    let groups = json!({"person": {"sub": "ann", "email": "ann@example.com", "name": "Ann",
        "groups": ["admin"]}});
    world.provider.control(&groups.to_string()).await?;
    let person = Person::new()?;
    let waiting = Waiting::begin(&world.gateway.api_url, &person, &["--no-browser"]).await?;
    let mut browser = Browser::new()?;
    // By way of the identity provider, and back to the question.
    let answer = Answer::of(browser.open(&waiting.url).await?)?;
    let page = answer.post(&mut browser).await?;
    says(&page, 200, &waiting.code)?;
    says(&page, 200, "ann@example.com")?;
    let allow = [("user_code", waiting.code.as_str()), ("answer", "allow")];
    let done = browser.submit(&page.url, "/api/login/device", &allow).await?;
    says(&done, 200, "Your terminal goes on")?;
    Psql(waiting.end().await?).success()?;

    let token = person.run(&["config", "view", "token", "--raw"]).await?;
    let rest = world.gateway.rest.with_token(Some(token.trim()));
    let access = rest.credential_create(CONNECTION, 600).await?;
    ensure!(access.answer("select 6 * 7").await?.contains("42"), "psql has no answer");

    let logs = world.gateway.rest.get("/api/audit/logs").await?.to_string();
    ensure!(logs.contains("/api/saml/callback") && logs.contains("ann@example.com"), "{logs}");
    // The browser's session is what the login was had with.
    browser.submit(&page.url, "/api/logout", &[]).await?;
    let refused = person.hoop(&["list"])?.output().await?;
    ensure!(!refused.status.success(), "the login outlived its browser's session");
    Ok(())
}
