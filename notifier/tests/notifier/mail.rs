//! Mail, to a real server.

use anyhow::{Result, ensure};
use hoop_store::notification::{ChannelKind, Values};
use hoop_testkit::{
    eventually,
    smtp::{PASSWORD, Smtp, Tls, USER, smtp},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::scene::{Scene, values};

fn known(server: &Smtp, tls: &str, password: &str) -> Result<[Values; 2]> {
    let (port, authority) = (server.port().to_string(), server.authority()?);
    let mut settings = values(&[
        ("host", "localhost"),
        ("port", &port),
        ("tls", tls),
        ("from", "Hoop <hoop@example.com>"),
    ]);
    if tls == "off" {
        return Ok([settings, Values::new()]);
    }
    settings.extend(values(&[("user", USER), ("ca_certificate", &authority)]));
    Ok([settings, values(&[("password", password)])])
}

async fn arrives(tls: Tls, word: &str) -> Result<Vec<Value>> {
    let (scene, server) = (Scene::new().await?, smtp(tls).await?);
    let to = ["ann@example.com", "bob@example.com"];
    let known = known(&server, word, PASSWORD)?;
    scene.subscribe("mail", ChannelKind::Smtp, known, "session.*", &to).await?;
    let _notifier = scene.notifier().await?;
    scene.happen(1, "session.opened").await?;
    scene.expect_settled().await?;
    let log = scene.deliveries(Some("delivered")).await?;
    ensure!(log.len() == 2, "{:?}", scene.deliveries(None).await?);
    server.mail()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_arrives_after_starttls_and_a_login_in_two_forms() -> Result<()> {
    let mail = arrives(Tls::StartTls, "starttls").await?;
    ensure!(mail.len() == 2, "{mail:?}");
    ensure!(mail.iter().all(|mail| mail["tls"] == true && mail["user"] == true), "{mail:?}");
    let data: Vec<&str> = mail.iter().filter_map(|mail| mail["data"].as_str()).collect();
    for mail in &data {
        ensure!(mail.contains("multipart/alternative") && mail.contains("text/plain"), "{mail}");
        ensure!(mail.contains("text/html") && mail.contains("Auto-Submitted"), "{mail}");
        ensure!(mail.contains("Subject: Session opened: ann@example.com on pg"), "{mail}");
    }
    let mut ids: Vec<&str> = data
        .iter()
        .filter_map(|mail| mail.lines().find(|line| line.starts_with("Message-ID: <")))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() == 2, "each recipient has an id of their own: {ids:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_arrives_over_tls_from_the_first_byte() -> Result<()> {
    let mail = arrives(Tls::Implicit, "implicit").await?;
    ensure!(mail.len() == 2 && mail.iter().all(|mail| mail["user"] == true), "{mail:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_to_this_machine_may_go_in_plain_text() -> Result<()> {
    ensure!(arrives(Tls::Off, "off").await?.len() == 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_is_refused_is_a_dead_letter_and_a_wrong_password_is_tried_again()
-> Result<()> {
    let (scene, server) = (Scene::new().await?, smtp(Tls::StartTls).await?);
    let wrong = known(&server, "starttls", "wrong")?;
    scene.subscribe("wrong", ChannelKind::Smtp, wrong, "*", &["ann@example.com"]).await?;
    let right = known(&server, "starttls", PASSWORD)?;
    let to = ["nobody@example.com", "ann@example.com"];
    scene.subscribe("right", ChannelKind::Smtp, right, "*", &to).await?;
    let _notifier = scene.notifier().await?;
    scene.happen(1, "session.opened").await?;
    scene.expect_settled().await?;
    let log = scene.deliveries(None).await?;
    let of = |channel: &str, recipient: &str| {
        let found = log
            .iter()
            .find(|one| one.channel_name == channel && one.recipient == recipient)
            .map(|one| (one.state.clone(), one.attempts));
        found.unwrap_or_default()
    };
    ensure!(of("right", "ann@example.com") == ("delivered".into(), 1), "{log:?}");
    ensure!(of("right", "nobody@example.com") == ("dead".into(), 1), "{log:?}");
    ensure!(of("wrong", "ann@example.com") == ("dead".into(), 3), "{log:?}");
    let text = format!("{log:?}");
    ensure!(!text.contains(PASSWORD), "{text}");
    Ok(())
}

/// A mail server that stops talking: at once, or when it has all of a mail.
#[derive(Clone, Copy)]
enum Mute {
    AtOnce,
    AtTheEnd,
}

/// Its port.
async fn mute(when: Mute) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((client, _)) = listener.accept().await {
            match when {
                // Accepted, and open for as long as the test lasts.
                Mute::AtOnce => held.push(client),
                Mute::AtTheEnd => drop(tokio::spawn(polite_until_the_end(client))),
            }
        }
    });
    Ok(port.to_string())
}

async fn polite_until_the_end(client: TcpStream) -> Result<()> {
    let (read, mut write) = client.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 localhost\r\n").await?;
    let mut data = false;
    while let Some(line) = lines.next_line().await? {
        data |= line == "DATA";
        match line.as_str() {
            "DATA" => write.write_all(b"354 go on\r\n").await?,
            _ if data => {}
            _ => write.write_all(b"250 fine\r\n").await?,
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_accepts_and_hangs_is_given_up_and_delays_no_other() -> Result<()> {
    let (scene, server) = (Scene::new().await?, smtp(Tls::Off).await?);
    let to = ["ann@example.com"];
    for (name, when) in [("silent", Mute::AtOnce), ("endless", Mute::AtTheEnd)] {
        let port = mute(when).await?;
        let settings = values(&[
            ("host", "127.0.0.1"),
            ("port", &port),
            ("tls", "off"),
            ("from", "hoop@example.com"),
        ]);
        let known = [settings, Values::new()];
        scene.subscribe(name, ChannelKind::Smtp, known, "*", &to).await?;
    }
    scene.subscribe("fine", ChannelKind::Smtp, known(&server, "off", "")?, "*", &to).await?;
    let _notifier = scene.notifier().await?;
    scene.happen(1, "session.opened").await?;
    eventually("the mail of the healthy server", async || {
        let delivered = scene.deliveries(Some("delivered")).await?;
        ensure!(delivered.len() == 1 && delivered[0].channel_name == "fine", "{delivered:?}");
        Ok(())
    })
    .await?;
    ensure!(!server.mail()?.is_empty(), "it was not delivered");
    scene.expect_settled().await?;
    let dead = scene.deliveries(Some("dead")).await?;
    ensure!(dead.len() == 2 && dead.iter().all(|delivery| delivery.attempts == 3), "{dead:?}");
    for delivery in dead {
        let why = &delivery.last_error;
        ensure!(why.contains("no answer within") || why.contains("timed out"), "{why}");
    }
    Ok(())
}
