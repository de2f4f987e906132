//! Segment: that something happened, and nothing of what it was.

use std::process::Command;

use anyhow::{Result, ensure};
use hoop_store::notification::ChannelKind::Segment;
use hoop_testkit::Process;
use serde_json::json;

use crate::{
    receiver::{Receiver, Trouble},
    scene::{KEY, Scene},
};

#[tokio::test(flavor = "multi_thread")]
async fn product_metrics_are_sent_again_until_they_are_taken_and_tell_of_nobody() -> Result<()> {
    let scene = Scene::new().await?;
    let receiver = Receiver::start(&[Trouble::Status(503), Trouble::Body("<html>")]).await?;
    scene.subscribe("metrics", Segment, receiver.known(Segment), "*", &[]).await?;
    let _notifier = scene.notifier().await?;
    let ids = scene.happen(1, "session.opened").await?;
    scene.expect_settled().await?;
    receiver.expect_no_complaints()?;
    ensure!(receiver.requests() == 3 && receiver.accepted() == [ids[0].to_string()]);
    // To the letter, so that whoever adds something has to say so here and in the guide.
    let expected = json!({ "batch": [{
        "type": "track",
        "event": "session.opened",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "anonymousId": scene.org().to_string(),
        "messageId": ids[0].to_string(),
        "context": { "app": { "name": "hoop", "version": env!("CARGO_PKG_VERSION") } },
    }]});
    ensure!(receiver.bodies() == [expected], "{:?}", receiver.bodies());
    let log = scene.deliveries(None).await?;
    ensure!(log.len() == 1 && log[0].attempts == 3 && log[0].state == "delivered", "{log:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_segment_can_not_read_is_a_dead_letter_at_once() -> Result<()> {
    let scene = Scene::new().await?;
    let receiver = Receiver::start(&[Trouble::Status(400)]).await?;
    scene.subscribe("metrics", Segment, receiver.known(Segment), "*", &[]).await?;
    let _notifier = scene.notifier().await?;
    scene.happen(1, "agent.lost").await?;
    scene.expect_settled().await?;
    let dead = scene.deliveries(Some("dead")).await?;
    ensure!(dead.len() == 1 && dead[0].attempts == 1, "{dead:?}");
    ensure!(dead[0].last_error == "Segment answered 400 Bad Request", "{dead:?}");
    Ok(())
}

/// What a notifier with this key has logged by the time that it is ready. Nothing happens in the
/// scene, so nothing is sent anywhere.
fn log_with(scene: &Scene, key: &str) -> Result<String> {
    let logs = tempfile::tempdir()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-notifier"));
    command
        .env("POSTGRES_DB_URI", &scene.database)
        .env("NATS_URL", scene.nats.url())
        .env("SECRETS_KEY", KEY)
        .env("SEGMENT_KEY", key)
        .env("RUST_LOG", "info")
        .env("METRICS_LISTEN", "off");
    let mut process = Process::spawn("notifier", command, logs.path())?;
    process.wait_until_ready(|printed| printed.contains("READY").then_some(()))?;
    Ok(std::fs::read_to_string(process.log())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn product_metrics_are_off_until_there_is_a_key_and_then_the_log_says_so() -> Result<()> {
    let scene = Scene::new().await?;
    let line = "SEGMENT_KEY is set: product metrics are sent to Segment";
    let log = log_with(&scene, "")?;
    ensure!(!log.contains("SEGMENT_KEY"), "{log}");
    ensure!(scene.org.channel_fetch("segment").await.is_err());
    let log = log_with(&scene, "a-write-key")?;
    ensure!(log.matches(line).count() == 1 && !log.contains("a-write-key"), "{log}");
    let channel = scene.org.channel_fetch("segment").await?;
    ensure!(channel.kind == Segment && channel.from_environment, "{channel:?}");
    let subscription = scene.org.subscription_fetch("segment").await?.spec;
    let events: Vec<String> = subscription.events.iter().map(ToString::to_string).collect();
    ensure!(events == ["*"] && subscription.recipients.is_empty(), "{subscription:?}");
    Ok(())
}
