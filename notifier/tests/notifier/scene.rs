//! A database, a broker, and notifiers between them and whoever the test plays.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use hoop_bus::{Bus, Subject, stream::EVENTS};
use hoop_domain::{EventId, OrgId, Secret};
use hoop_notifier::{Config, delivery::Pace};
use hoop_proto::v1;
use hoop_runtime::{Drain, shutdown::DrainHandle};
use hoop_store::{
    OrgStore, Store,
    notification::{
        ChannelKey, ChannelKind, Delivery, DeliveryFilter, Values, channel::ChannelSpec,
        subscription::SubscriptionSpec,
    },
};
use hoop_testkit::{Nats, eventually};
use tokio::task::JoinHandle;

/// 32 bytes in base64.
pub(crate) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

pub(crate) struct Scene {
    pub(crate) nats: Nats,
    pub(crate) bus: Bus,
    pub(crate) org: OrgStore,
    pub(crate) database: String,
}

pub(crate) struct Notifier {
    task: JoinHandle<()>,
    drain: DrainHandle,
}

impl Notifier {
    pub(crate) async fn stop(self) -> Result<()> {
        self.drain.begin();
        Ok(self.task.await?)
    }
}

pub(crate) fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Scene {
    pub(crate) async fn new() -> Result<Self> {
        hoop_runtime::process::install_crypto();
        let (postgres, nats) = (hoop_testkit::postgres().await?, hoop_testkit::nats().await?);
        let database = postgres.create_database().await?;
        let store = Store::connect(&database).await?;
        store.migrate().await?;
        let org = store.org(store.org_ensure("ours").await?);
        let bus = Bus::connect(&nats.url(), "test").await?;
        bus.ensure_streams().await?;
        Ok(Self { nats, bus, org, database })
    }

    /// A channel, and a subscription of `events` to it.
    pub(crate) async fn subscribe(
        &self,
        name: &str,
        kind: ChannelKind,
        known: [Values; 2],
        events: &str,
        recipients: &[&str],
    ) -> Result<()> {
        let [settings, secrets] = known;
        let key = ChannelKey::from_base64(KEY)?;
        let spec = ChannelSpec { name: name.into(), kind, settings, secrets, enabled: true };
        let channel = self.org.channel_create(&key, &spec, Utc::now()).await?;
        let spec = SubscriptionSpec {
            name: name.into(),
            channel,
            events: vec![events.parse()?],
            recipients: recipients.iter().map(|text| (*text).to_owned()).collect(),
            enabled: true,
        };
        self.org.subscription_create(&spec, Utc::now()).await?;
        Ok(())
    }

    pub(crate) async fn notifier(&self) -> Result<Notifier> {
        let config = Config {
            postgres_uri: Secret::new(self.database.clone()),
            nats_url: self.nats.url(),
            key: ChannelKey::from_base64(KEY)?,
            defaults: Vec::new(),
            pace: Pace {
                first_pause: Duration::from_millis(10),
                longest_pause: Duration::from_secs(1),
                attempts: 3,
                patience: Duration::from_secs(2),
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

    /// Publishes an event without a message id, as after the broker's window for duplicates.
    pub(crate) async fn publish(&self, id: EventId, kind: &str) -> Result<()> {
        let event = v1::Event {
            id: id.as_bytes().to_vec().into(),
            at: 1_700_000_000_000_000,
            org: self.org.id().as_bytes().to_vec().into(),
            kind: kind.into(),
            json: r#"{"session":"x","user_email":"ann@example.com","connection_name":"pg"}"#.into(),
        };
        let subject = Subject::Event { kind: kind.into() }.to_string();
        let payload = prost::Message::encode_to_vec(&event).into();
        self.bus.jetstream().publish(subject, payload).await?.await?;
        Ok(())
    }

    /// Publishes `count` events of this kind.
    pub(crate) async fn happen(&self, count: usize, kind: &str) -> Result<Vec<EventId>> {
        let ids: Vec<EventId> = (0..count).map(|_| EventId::generate()).collect();
        for id in &ids {
            self.publish(*id, kind).await?;
        }
        Ok(ids)
    }

    pub(crate) async fn deliveries(&self, state: Option<&str>) -> Result<Vec<Delivery>> {
        let filter = DeliveryFilter { state: state.map(Into::into), ..DeliveryFilter::default() };
        Ok(self.org.delivery_list(&filter, None, 100).await?.rows)
    }

    /// Waits until every event was taken in and no delivery is pending.
    pub(crate) async fn expect_settled(&self) -> Result<()> {
        self.expect_taken_in().await?;
        eventually("every delivery to be settled", async || {
            let pending = self.deliveries(Some("pending")).await?;
            ensure!(pending.is_empty(), "{} pending: {:?}", pending.len(), pending.first());
            Ok(())
        })
        .await
    }

    /// Waits until every event became deliveries.
    pub(crate) async fn expect_taken_in(&self) -> Result<()> {
        eventually("every event to be taken in", async || {
            let stream = self.bus.jetstream().get_stream(EVENTS).await?;
            let info = stream.consumer_info("notifier").await?;
            let left = info.num_pending + u64::try_from(info.num_ack_pending)?;
            ensure!(left == 0, "{left} events");
            Ok(())
        })
        .await
    }

    /// Whose events these are.
    pub(crate) fn org(&self) -> OrgId {
        self.org.id()
    }
}
