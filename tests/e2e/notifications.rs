//! What happens is told, by the whole gateway, to a real mail server.

use anyhow::ensure;
use hoop_testkit::{
    eventually,
    smtp::{self, Smtp, Tls, smtp},
};
use hoop_tests::{
    Gateway,
    gateway::{ADMIN, CONNECTION},
    rest::text,
};
use serde_json::{Value, json};

use crate::Result;

/// Of the mail in `inbox`, what has this in it.
fn of<'a>(inbox: &'a [Value], kind: &str) -> Vec<&'a str> {
    let all = inbox.iter().map(|mail| text(mail, "data"));
    all.filter(|data| data.contains(kind)).collect()
}

#[tokio::test]
async fn a_channel_is_tried_without_anything_happening() -> Result {
    let server = smtp(Tls::Implicit).await?;
    let gateway = Gateway::usual().await?;
    gateway.rest.post("/api/notifications/channels", mail_channel(&server)?).await?;
    let to = json!({ "recipient": "ann@example.com" });
    let trial = gateway.rest.post("/api/notifications/channels/mail/test", to).await?;
    let mail = eventually("the test", async || {
        server.mail()?.pop().ok_or_else(|| anyhow::anyhow!("nothing came"))
    })
    .await?;
    let data = text(&mail, "data");
    ensure!(data.contains("Subject: Test of the channel mail") && data.contains(ADMIN), "{data}");
    eventually("its line in the log", async || {
        let log = gateway.rest.get("/api/notifications/deliveries?status=delivered").await?;
        ensure!(log.to_string().contains(text(&trial, "delivery")), "{log}");
        Ok(())
    })
    .await
}

pub(crate) fn mail_channel(server: &Smtp) -> Result<Value> {
    Ok(json!({
        "name": "mail", "type": "smtp",
        "settings": {
            "host": "127.0.0.1", "port": server.port().to_string(), "tls": "implicit",
            "user": smtp::USER, "from": "hoop@example.com", "ca_certificate": server.authority()?,
        },
        "secrets": { "password": smtp::PASSWORD },
    }))
}

#[tokio::test]
async fn a_session_is_told_by_mail_over_tls_once_and_logged() -> Result {
    let server = smtp(Tls::Implicit).await?;
    let gateway = Gateway::usual().await?;
    let shown = gateway.rest.post("/api/notifications/channels", mail_channel(&server)?).await?;
    ensure!(!shown.to_string().contains(smtp::PASSWORD), "{shown}");
    let subscription = json!({
        "name": "on-call", "channel": "mail", "events": ["session.*"], "recipients": [ADMIN],
    });
    gateway.rest.post("/api/notifications/subscriptions", subscription).await?;

    gateway.access(1).await?.answer("select 1").await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    gateway.rest.session_done(text(&session, "id")).await?;
    let inbox = eventually("two mails", async || {
        let inbox = server.mail()?;
        ensure!(inbox.len() == 2, "{} came", inbox.len());
        Ok(inbox)
    })
    .await?;
    for kind in ["Subject: Session opened", "Subject: Session closed"] {
        let mails = of(&inbox, kind);
        ensure!(mails.len() == 1, "{} of {kind}", mails.len());
        ensure!(mails.iter().all(|mail| mail.contains("text/html") && mail.contains("text/plain")));
    }
    ensure!(inbox.iter().all(|mail| mail.get("tls") == Some(&Value::Bool(true))), "{inbox:?}");

    eventually("the log of both", async || {
        let log = gateway.rest.get("/api/notifications/deliveries?status=delivered").await?;
        let rows = log.get("data").and_then(Value::as_array).map_or(0, Vec::len);
        ensure!(rows == 2, "{log}");
        Ok(())
    })
    .await
}
