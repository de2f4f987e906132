//! Signing in at an identity provider from behind nginx, where the gateway is reached over TLS.

use anyhow::ensure;
use hoop_testkit::identity_provider;
use hoop_tests::{Browser, Proxied, proxied::Setup};

use super::trusting;
use crate::{
    Result,
    sign_in::{says, sign_in_at},
};

#[tokio::test]
async fn people_come_back_over_tls_and_their_cookie_stays_there() -> Result {
    let mut proxied = Proxied::without_agent(Setup::SinglePort, trusting(), |text| text).await?;
    let callback = format!("{}/api/callback", proxied.api_url);
    let provider = identity_provider(callback.clone()).await?;
    sign_in_at(&provider, &mut proxied.gateway.api)?;
    let mut browser = Browser::trusting(&std::fs::read(&proxied.authority)?)?;
    let begin = format!("{}/api/login?redirect=/api/userinfo", proxied.api_url);
    let page = browser.open(&begin).await?;
    says(&page, 200, "ann@example.com")?;
    assert_eq!(page.url.as_str(), format!("{}/api/userinfo", proxied.api_url));
    // The provider sends people to this URI and to no other.
    let back = page.way.iter().filter(|url| url.as_str().starts_with(&format!("{callback}?")));
    assert_eq!(back.count(), 1, "{page:?}");

    let ours: Vec<_> = page.set_cookies.iter().filter(|line| line.contains("hoop_")).collect();
    ensure!(!ours.is_empty(), "{page:?}");
    for line in ours {
        ensure!(line.starts_with("__Host-hoop_") && line.contains("; Path=/;"), "{line}");
        ensure!(line.ends_with("; Secure") && line.contains("; HttpOnly"), "{line}");
    }
    let kept = browser.cookies_of(&page.url);
    ensure!(kept.starts_with("__Host-hoop_session=hpb_") && !kept.contains(';'), "{kept}");
    Ok(())
}
