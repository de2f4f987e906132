//! Signing a browser in with a password, where there is no identity provider.

use anyhow::ensure;
use hoop_tests::{Browser, Gateway, gateway::ADMIN};

use super::says;
use crate::Result;

#[tokio::test]
async fn a_browser_signs_in_with_a_password_and_out_again() -> Result {
    let gateway = Gateway::usual().await?;
    let url = |path: &str| format!("{}{path}", gateway.api_url);
    let mut browser = Browser::new()?;
    let form = browser.open(&url("/api/login?redirect=/api/userinfo")).await?;
    says(&form, 200, "value=\"/api/userinfo\"")?;
    let password = gateway.keys.admin_password.clone();
    let fields =
        |password| [("email", ADMIN), ("password", password), ("redirect", "/api/userinfo")];

    let wrong = browser.submit(&form.url, "/api/login/form", &fields("not the password")).await?;
    says(&wrong, 401, "the e-mail address or the password is wrong")?;
    says(&browser.open(&url("/api/userinfo")).await?, 401, "sign in first")?;

    let foreign = "https://evil.example.com/".parse()?;
    let forged = browser.forge(&foreign, &form.url, "/api/login/form", &fields(&password)).await?;
    says(&forged, 403, "another site")?;

    let right = browser.submit(&form.url, "/api/login/form", &fields(&password)).await?;
    ensure!(right.url.path() == "/api/userinfo", "{right:?}");
    says(&right, 200, ADMIN)?;

    // What changes something needs a page of ours, too.
    let forged = browser.forge(&foreign, &right.url, "/api/logout", &[]).await?;
    says(&forged, 403, "another site")?;
    says(&browser.open(&url("/api/userinfo")).await?, 200, ADMIN)?;
    browser.submit(&right.url, "/api/logout", &[]).await?;
    says(&browser.open(&url("/api/userinfo")).await?, 401, "sign in first")
}
