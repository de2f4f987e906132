//! Notifiers that are killed in the middle: nothing is lost, and what comes twice can be told.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use anyhow::{Result, ensure};
use hoop_store::notification::ChannelKind;
use hoop_testkit::{Process, eventually_after};

use crate::{
    receiver::Receiver,
    scene::{KEY, Scene},
};

/// What a notifier has under way to one channel at most.
const UNDER_WAY: usize = 8;

fn start(scene: &Scene, name: &str, logs: &std::path::Path) -> Result<Process> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoop-notifier"));
    command
        .env("POSTGRES_DB_URI", &scene.database)
        .env("NATS_URL", scene.nats.url())
        .env("SECRETS_KEY", KEY)
        // Whatever a killed one held is free after twice this and two seconds.
        .env("NOTIFY_TIMEOUT", "2s")
        .env("NOTIFY_FIRST_PAUSE", "100ms");
    let mut process = Process::spawn(name, command, logs)?;
    process.wait_until_ready(|printed| printed.contains("READY").then_some(()))?;
    Ok(process)
}

/// `E2E_EVENTS` is how many events; `E2E_EVENTS=10000` takes minutes.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_comes_once_after_deduplication_however_notifiers_are_killed() -> Result<()> {
    let scene = Scene::new().await?;
    let count = std::env::var_os("E2E_EVENTS");
    let count = count.and_then(|text| text.to_str()?.parse().ok());
    let count = count.unwrap_or(600);
    let receiver = Receiver::start(&[]).await?;
    let known = receiver.known(ChannelKind::Webhook);
    scene.subscribe("hook", ChannelKind::Webhook, known, "*", &[]).await?;
    let logs = tempfile::tempdir()?;
    let mut first = start(&scene, "first", logs.path())?;
    let mut second = start(&scene, "second", logs.path())?;
    let ids = scene.happen(count, "session.opened").await?;
    let mut kills = 0;
    for round in 1..=4 {
        // At a moment that nobody chose: when a share of the events has come.
        let share = count * round / 5;
        eventually_after(4, "some events", async || {
            ensure!(share <= receiver.accepted().len(), "{}", receiver.accepted().len());
            Ok(())
        })
        .await?;
        let victim = if round % 2 == 0 { &mut first } else { &mut second };
        victim.kill()?;
        kills += 1;
        *victim = start(&scene, &format!("after-{round}"), logs.path())?;
    }
    scene.expect_settled().await?;
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for id in receiver.accepted() {
        *times.entry(id).or_default() += 1;
    }
    let came: BTreeSet<String> = times.keys().cloned().collect();
    let happened: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    ensure!(came == happened, "{} of {} came", came.len(), happened.len());
    let twice = times.values().filter(|times| 1 < **times).count();
    ensure!(twice <= kills * UNDER_WAY, "{twice} came twice after {kills} kills");
    ensure!(times.values().all(|times| *times <= kills + 1), "more often than there were kills");
    receiver.expect_no_complaints()
}
