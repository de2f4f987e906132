//! What happens is told, by the whole gateway, to a real mail server.

use anyhow::{Context, ensure};
use hoop_testkit::{
    eventually,
    smtp::{self, Smtp, Tls, smtp},
};
use hoop_tests::{
    Gateway, Options,
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

/// Tries the channel, and what arrives at its server.
async fn tried(gateway: &Gateway, channel: &str, server: &Smtp) -> Result<Value> {
    let path = format!("/api/notifications/channels/{channel}/test");
    let to = json!({ "recipient": "ann@example.com" });
    // The notifier makes the channel of its environment once the organisation is there.
    let trial = eventually("the channel", async || gateway.rest.post(&path, to.clone()).await);
    let trial = trial.await?;
    let mail = eventually("the test", async || server.mail()?.pop().context("nothing came"));
    let mail = mail.await?;
    let (data, subject) = (text(&mail, "data"), format!("Subject: Test of the channel {channel}"));
    ensure!(data.contains(&subject) && data.contains(ADMIN), "{data}");
    eventually("its line in the log", async || {
        let log = gateway.rest.get("/api/notifications/deliveries?status=delivered").await?;
        ensure!(log.to_string().contains(text(&trial, "delivery")), "{log}");
        Ok(())
    })
    .await?;
    Ok(mail)
}

#[tokio::test]
async fn a_channel_is_tried_without_anything_happening() -> Result {
    let (ours, of_environment) = (smtp(Tls::Implicit).await?, smtp(Tls::StartTls).await?);
    let folder = tempfile::tempdir()?;
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, of_environment.authority()?)?;
    // Four variables make a channel; the fifth is the machine's, and says whom it trusts.
    let options = [
        ("SMTP_HOST", "localhost".to_owned()),
        ("SMTP_PORT", of_environment.port().to_string()),
        ("SMTP_USER", smtp::USER.to_owned()),
        ("SMTP_PASS", smtp::PASSWORD.to_owned()),
        ("SSL_CERT_FILE", authority.display().to_string()),
    ]
    .into_iter()
    .fold(Options { edges: 1, ..Options::default() }, |options, (name, value)| {
        options.with("notifier", name, value)
    });
    let gateway = Gateway::start_without_agent(options).await?;
    gateway.rest.post("/api/notifications/channels", mail_channel(&ours)?).await?;
    for (channel, server) in [("mail", &ours), ("smtp", &of_environment)] {
        let mail = tried(&gateway, channel, server).await?;
        ensure!(mail["tls"] == true && mail["user"] == true, "{mail}");
    }
    Ok(())
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
