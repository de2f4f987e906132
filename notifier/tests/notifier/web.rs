//! Webhooks, Slack and MagicBell.

use anyhow::{Result, ensure};
use hoop_bus::Subject;
use hoop_domain::EventId;
use hoop_store::notification::ChannelKind::{self, MagicBell, Slack, Webhook};
use hoop_testkit::eventually;
use tokio::net::TcpListener;

use crate::{
    receiver::{Receiver, SECRET, Trouble},
    scene::{Scene, values},
};

/// A receiver with these troubles, and a subscription of all events to it.
async fn told(
    scene: &Scene,
    kind: ChannelKind,
    to: &[&str],
    troubles: &[Trouble],
) -> Result<Receiver> {
    let receiver = Receiver::start(troubles).await?;
    scene.subscribe("first", kind, receiver.known(kind), "*", to).await?;
    Ok(receiver)
}

fn texts(ids: &[EventId]) -> Vec<String> {
    ids.iter().map(EventId::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_published_twice_is_posted_once_and_signed() -> Result<()> {
    let scene = Scene::new().await?;
    let receiver = told(&scene, Webhook, &[], &[]).await?;
    let notifiers = [scene.notifier().await?, scene.notifier().await?];
    let ids = scene.happen(2, "session.opened").await?;
    scene.expect_settled().await?;
    scene.publish(ids[0], "session.opened").await?;
    scene.expect_settled().await?;
    let mut accepted = receiver.accepted();
    accepted.sort();
    ensure!(accepted == texts(&ids), "{accepted:?}");
    receiver.expect_no_complaints()?;
    for notifier in notifiers {
        notifier.stop().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_failed_gets_the_event_again() -> Result<()> {
    let scene = Scene::new().await?;
    let troubles = [Trouble::Status(500), Trouble::Status(307)];
    let receiver = told(&scene, Webhook, &[], &troubles).await?;
    let _notifier = scene.notifier().await?;
    let ids = scene.happen(1, "session.opened").await?;
    scene.expect_settled().await?;
    ensure!(receiver.requests() == 3);
    ensure!(receiver.accepted() == texts(&ids));
    let log = scene.deliveries(None).await?;
    ensure!(log.len() == 1 && log[0].attempts == 3 && log[0].state == "delivered", "{log:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_asked_for_is_kept_by_the_whole_channel() -> Result<()> {
    let scene = Scene::new().await?;
    let receiver = told(&scene, Webhook, &[], &[Trouble::RetryAfter(1)]).await?;
    let _notifier = scene.notifier().await?;
    let begun = std::time::Instant::now();
    scene.happen(1, "session.opened").await?;
    eventually("the pause", async || {
        let channel = scene.org.channel_fetch("first").await?;
        ensure!(channel.paused_until.is_some());
        Ok(())
    })
    .await?;
    scene.happen(1, "session.opened").await?;
    scene.expect_settled().await?;
    ensure!(1 <= begun.elapsed().as_secs(), "{:?}", begun.elapsed());
    ensure!(receiver.requests() == 3 && receiver.accepted().len() == 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_is_a_dead_letter_until_it_is_sent_again() -> Result<()> {
    let scene = Scene::new().await?;
    let troubles =
        [Trouble::Status(500), Trouble::Hang, Trouble::Status(503), Trouble::Status(410)];
    let receiver = told(&scene, Webhook, &[], &troubles).await?;
    let _notifier = scene.notifier().await?;
    let first = scene.happen(1, "session.opened").await?;
    scene.expect_settled().await?;
    ensure!(receiver.requests() == 3, "three attempts");
    let second = scene.happen(1, "session.opened").await?;
    scene.expect_settled().await?;
    ensure!(receiver.requests() == 4, "410 is final");
    let dead = scene.deliveries(Some("dead")).await?;
    ensure!(dead.len() == 2 && dead[0].last_error.contains("410"), "{dead:?}");
    let channel = scene.org.channel_fetch("first").await?;
    ensure!(scene.org.channel_redrive(channel.id, chrono::Utc::now()).await? == 2);
    scene.expect_settled().await?;
    let mut accepted = receiver.accepted();
    accepted.sort();
    ensure!(accepted == texts(&[first, second].concat()), "{accepted:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_is_no_event_and_blocks_none() -> Result<()> {
    let scene = Scene::new().await?;
    let receiver = told(&scene, Webhook, &[], &[]).await?;
    let _notifier = scene.notifier().await?;
    let noise = Subject::Event { kind: "noise".into() }.to_string();
    scene.bus.jetstream().publish(noise, "noise".into()).await?.await?;
    let ids = scene.happen(1, "session.opened").await?;
    scene.expect_settled().await?;
    ensure!(receiver.accepted() == texts(&ids));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_accepts_and_hangs_delays_no_other() -> Result<()> {
    let scene = Scene::new().await?;
    // Its connections are accepted by the system, and by nobody else.
    let dead = TcpListener::bind("127.0.0.1:0").await?;
    let known = [
        values(&[("url", &format!("http://{}/hook", dead.local_addr()?))]),
        values(&[("signing_secret", SECRET)]),
    ];
    scene.subscribe("dead", Webhook, known, "*", &[]).await?;
    let receiver = told(&scene, Webhook, &[], &[]).await?;
    let _notifier = scene.notifier().await?;
    let ids = scene.happen(30, "session.opened").await?;
    eventually("the healthy channel", async || {
        ensure!(receiver.accepted().len() == ids.len());
        Ok(())
    })
    .await?;
    let delivered = scene.deliveries(Some("delivered")).await?;
    ensure!(delivered.iter().all(|delivery| delivery.channel_name == "first"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_posts_to_each_slack_channel_and_takes_html_for_no_answer() -> Result<()> {
    let scene = Scene::new().await?;
    let to = ["#ops", "C024BE91L"];
    let troubles = [Trouble::Body("<html>a proxy</html>"), Trouble::RetryAfter(0)];
    let receiver = told(&scene, Slack, &to, &troubles).await?;
    let _notifier = scene.notifier().await?;
    scene.happen(1, "agent.lost").await?;
    scene.expect_settled().await?;
    receiver.expect_no_complaints()?;
    let mut channels: Vec<_> =
        receiver.bodies().iter().map(|body| body["channel"].to_string()).collect();
    channels.sort();
    ensure!(channels == ["\"#ops\"", "\"C024BE91L\""], "{channels:?}");
    ensure!(receiver.requests() == 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incoming_webhook_of_slack_says_ok_and_nothing_else() -> Result<()> {
    let scene = Scene::new().await?;
    let receiver = Receiver::start(&[Trouble::Body("<html>"), Trouble::Status(404)]).await?;
    scene.subscribe("hook", Slack, receiver.slack_webhook(), "session.*", &[]).await?;
    let _notifier = scene.notifier().await?;
    scene.happen(1, "session.killed").await?;
    scene.expect_settled().await?;
    let dead = scene.deliveries(Some("dead")).await?;
    ensure!(dead.len() == 1 && dead[0].attempts == 2, "404 is final: {dead:?}");
    scene.happen(1, "agent.lost").await?;
    scene.happen(1, "session.closed").await?;
    scene.expect_settled().await?;
    ensure!(receiver.accepted().len() == 1 && receiver.requests() == 3);
    receiver.expect_no_complaints()
}

#[tokio::test(flavor = "multi_thread")]
async fn magicbell_gets_one_request_for_many_recipients() -> Result<()> {
    let scene = Scene::new().await?;
    let to = ["ann@example.com", "bob@example.com", "u42"];
    let receiver = told(&scene, MagicBell, &to, &[Trouble::Status(500)]).await?;
    let _notifier = scene.notifier().await?;
    scene.happen(1, "credential.minted").await?;
    scene.expect_settled().await?;
    receiver.expect_no_complaints()?;
    ensure!(receiver.requests() == 2 && receiver.accepted().len() == 1);
    let bodies = receiver.bodies();
    let recipients = &bodies[0]["notification"]["recipients"];
    let expected = serde_json::json!([
        { "email": "ann@example.com" }, { "email": "bob@example.com" }, { "external_id": "u42" }
    ]);
    ensure!(*recipients == expected, "{recipients}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_told_is_told_by_the_next_notifier() -> Result<()> {
    let scene = Scene::new().await?;
    let receiver = told(&scene, Webhook, &[], &[]).await?;
    scene.notifier().await?.stop().await?;
    let ids = scene.happen(1, "session.opened").await?;
    let _next = scene.notifier().await?;
    scene.expect_settled().await?;
    ensure!(receiver.accepted() == texts(&ids));
    ensure!(receiver.bodies()[0]["org"] == scene.org().to_string());
    Ok(())
}
