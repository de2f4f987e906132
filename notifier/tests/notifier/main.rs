//! The notifier between a real broker and a receiver that checks what it is sent.

mod receiver;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hoop_bus::{Bus, stream::EVENTS};
use hoop_domain::{EventId, OrgId};
use hoop_notifier::{Config, delivery::Pace};
use hoop_proto::v1;
use hoop_runtime::{Drain, shutdown::DrainHandle};
use hoop_testkit::{Nats, eventually};
use tokio::task::JoinHandle;

use receiver::Receiver;

struct Scene {
    nats: Nats,
    bus: Bus,
    receiver: Receiver,
}

struct Notifier {
    task: JoinHandle<()>,
    drain: DrainHandle,
}

impl Notifier {
    async fn stop(self) -> Result<()> {
        self.drain.begin();
        Ok(self.task.await?)
    }
}

impl Scene {
    /// The receiver answers with `statuses`, then with 204.
    async fn new(statuses: &[u16]) -> Result<Self> {
        let nats = hoop_testkit::nats().await?;
        let bus = Bus::connect(&nats.url(), "test").await?;
        bus.ensure_streams().await?;
        Ok(Self { nats, bus, receiver: Receiver::start(statuses).await? })
    }

    async fn notifier(&self) -> Result<Notifier> {
        let config = Config {
            nats_url: self.nats.url(),
            webhook: Some((self.receiver.url.parse()?, receiver::SECRET.parse()?)),
            pace: Pace {
                first_pause: Duration::from_millis(10),
                longest_pause: Duration::from_millis(20),
                attempts: 3,
            },
        };
        let service = config.build().await?;
        let (drain, begun) = Drain::new();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let tell = move || {
                let _ = ready.send(());
            };
            service.run(begun, tell).await;
        });
        is_ready.await.context("the notifier ended at once")?;
        Ok(Notifier { task, drain })
    }

    async fn publish(&self, id: EventId) -> Result<()> {
        let event = v1::Event {
            id: id.as_bytes().to_vec().into(),
            at: 1_700_000_000_000_000,
            org: OrgId::generate().as_bytes().to_vec().into(),
            kind: "session.opened".into(),
            json: r#"{"session":"x"}"#.into(),
        };
        // Without a message id, as after the broker's window for duplicates.
        let subject = hoop_bus::Subject::Event { kind: event.kind.clone() }.to_string();
        let payload = prost::Message::encode_to_vec(&event).into();
        self.bus.jetstream().publish(subject, payload).await?.await?;
        Ok(())
    }

    /// Waits until the notifier has answered for every event.
    async fn expect_settled(&self) -> Result<()> {
        eventually("every event to be settled", async || {
            let stream = self.bus.jetstream().get_stream(EVENTS).await?;
            let info = stream.consumer_info("notifier").await?;
            let left = info.num_pending + u64::try_from(info.num_ack_pending)?;
            ensure!(left == 0, "{left} events");
            Ok(())
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_posted_and_signed() -> Result<()> {
    let scene = Scene::new(&[]).await?;
    let notifier = scene.notifier().await?;
    let id = EventId::generate();
    scene.publish(id).await?;
    scene.expect_settled().await?;
    ensure!(scene.receiver.accepted() == [id.to_string()]);
    ensure!(scene.receiver.complaints().is_empty(), "{:?}", scene.receiver.complaints());
    notifier.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_failed_gets_the_event_again() -> Result<()> {
    let scene = Scene::new(&[500, 307]).await?;
    let _notifier = scene.notifier().await?;
    let id = EventId::generate();
    scene.publish(id).await?;
    scene.expect_settled().await?;
    ensure!(scene.receiver.requests() == 3);
    ensure!(scene.receiver.accepted() == [id.to_string()]);
    ensure!(scene.receiver.complaints().is_empty(), "{:?}", scene.receiver.complaints());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_published_twice_is_told_once() -> Result<()> {
    let scene = Scene::new(&[]).await?;
    let _notifier = scene.notifier().await?;
    let (id, other) = (EventId::generate(), EventId::generate());
    scene.publish(id).await?;
    scene.expect_settled().await?;
    scene.publish(id).await?;
    scene.publish(other).await?;
    scene.expect_settled().await?;
    let mut accepted = scene.receiver.accepted();
    accepted.sort();
    ensure!(accepted == [id.to_string(), other.to_string()], "{accepted:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_takes_is_given_up_and_blocks_no_other() -> Result<()> {
    let scene = Scene::new(&[500, 500, 500, 410]).await?;
    let _notifier = scene.notifier().await?;
    scene.publish(EventId::generate()).await?;
    scene.expect_settled().await?;
    ensure!(scene.receiver.requests() == 3, "three attempts");
    scene.publish(EventId::generate()).await?;
    scene.expect_settled().await?;
    ensure!(scene.receiver.requests() == 4, "410 is final");
    let noise = hoop_bus::Subject::Event { kind: "noise".into() }.to_string();
    scene.bus.jetstream().publish(noise, "noise".into()).await?.await?;
    let last = EventId::generate();
    scene.publish(last).await?;
    scene.expect_settled().await?;
    ensure!(scene.receiver.accepted() == [last.to_string()]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_told_is_told_by_the_next_notifier() -> Result<()> {
    let scene = Scene::new(&[]).await?;
    scene.notifier().await?.stop().await?;
    let id = EventId::generate();
    scene.publish(id).await?;
    let _next = scene.notifier().await?;
    scene.expect_settled().await?;
    ensure!(scene.receiver.accepted() == [id.to_string()]);
    Ok(())
}
