//! WebSockets through nginx, as programs and as browsers open them.

use anyhow::{Context, ensure};
use hoop_testkit::eventually;
use hoop_tests::{Proxied, gateway::ADMIN, proxied::Setup, rest::text};
use reqwest::{Certificate, Client, header, redirect::Policy};

use super::trusting;
use crate::{
    Result,
    live::{Talker, live},
    websocket::{Socket, bearer},
};

/// The cookie of a browser in which the administrator has signed in.
async fn cookie(proxied: &Proxied) -> Result<String> {
    let authority = Certificate::from_pem(&std::fs::read(&proxied.authority)?)?;
    let client = Client::builder().no_proxy().redirect(Policy::none());
    let client = client.tls_certs_only([authority]).build()?;
    let password = &proxied.gateway.keys.admin_password;
    let answer = client
        .post(format!("{}/api/login/form", proxied.api_url))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(format!("email={ADMIN}&password={password}"))
        .send()
        .await?;
    let cookie = answer.headers().get(header::SET_COOKIE).context("nobody is signed in")?;
    Ok(cookie.to_str()?.split(';').next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_session_is_followed_through_the_proxy_by_programs_and_by_our_own_pages() -> Result {
    let proxied = Proxied::start(Setup::SinglePort, trusting()).await?;
    let mut psql = Talker::start(&proxied.gateway.access(0).await?)?;
    psql.tell("select 'the first'").await?;
    let id = live(&proxied.gateway.rest).await?;
    let follow = async |headers: &[(&'static str, &str)]| {
        Socket::follow(&proxied.api_url, Some(&proxied.authority), &id, headers).await
    };
    let (bearer, cookie) = (bearer(&proxied.gateway)?, cookie(&proxied).await?);
    let mut program = follow(&[("authorization", bearer.as_str())]).await?;
    let mut page =
        follow(&[("cookie", cookie.as_str()), ("origin", proxied.api_url.as_str())]).await?;
    for foreign in ["https://evil.example.com", "https://localhost", "null"] {
        let refused = follow(&[("cookie", cookie.as_str()), ("origin", foreign)]).await;
        ensure!(refused.is_err_and(|error| error.to_string().contains("403")), "{foreign}");
    }
    // The session is open and quiet, so whatever is not there yet would not come.
    for socket in [&mut program, &mut page] {
        ensure!(socket.read(4).await?.events.iter().all(|event| text(event, "event") == "packet"));
    }
    psql.tell("select 'the second'").await?;
    psql.end().await?;
    for socket in [program, page] {
        assert_eq!(socket.until_the_end().await?.closed, (1000, "client_closed".to_owned()));
    }
    eventually("nginx to have passed on two WebSockets", async || {
        let requests = proxied.nginx.requests();
        let passed = requests.matches(&format!("GET /api/sessions/{id}/tail 101")).count();
        ensure!(passed == 2, "{requests}");
        Ok(())
    })
    .await
}
