//! A broker, a database, and writers that can be killed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hoop_audit_writer::{
    Config, lease::Timing, session::Limits, signing::Seed, watermark::SpoolMarks,
};
use hoop_bus::{Bus, stream::AUDIT};
use hoop_domain::{
    Both, Chain, Direction, OrgId, Secret, SessionId,
    manifest::{Manifest, PublicKey, SegmentSummary, SigningKey},
};
use hoop_objects::{Objects, Settings};
use hoop_proto::v1::Packet;
use hoop_recording::{Checked, Verification};
use hoop_runtime::{Drain, shutdown::DrainHandle};
use hoop_store::{
    Store,
    recording::{Contents, SegmentInfo, StoredManifest, format::Records},
};
use hoop_testkit::{Nats, Postgres, eventually};
use prost::Message;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::edge::Edge;

const SEED: [u8; 32] = [7; 32];

/// What a test plays in.
pub(crate) struct Scene {
    pub(crate) nats: Nats,
    pub(crate) postgres: Postgres,
    pub(crate) bus: Bus,
    pub(crate) store: Store,
    pub(crate) limits: Limits,
    pub(crate) marks: SpoolMarks,
    /// What the next writer signs with.
    pub(crate) seed: [u8; 32],
    /// Where segments go; the database when `None`.
    pub(crate) bucket: Option<Settings>,
    uri: String,
    spool: TempDir,
}

/// A writer that runs.
pub(crate) struct Writer {
    task: JoinHandle<()>,
    drain: DrainHandle,
}

impl Writer {
    /// Ends it as a crash does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Ends it as SIGTERM does.
    pub(crate) async fn stop(self) -> Result<()> {
        self.drain.begin();
        Ok(self.task.await?)
    }
}

impl Scene {
    /// With the run's database server.
    pub(crate) async fn new() -> Result<Self> {
        let postgres = hoop_testkit::postgres().await?;
        postgres
            .template("migrated_for_the_writer", async |uri| {
                let store = Store::connect(&uri).await?;
                store.migrate().await?;
                store.close().await;
                Ok(())
            })
            .await?;
        let uri = postgres.create_database_from("migrated_for_the_writer").await?;
        Self::with(postgres, uri).await
    }

    /// With a database server of its own, to be stopped.
    pub(crate) async fn alone() -> Result<Self> {
        let postgres = Postgres::alone().await?;
        let uri = postgres.create_database().await?;
        Self::with(postgres, uri).await
    }

    async fn with(postgres: Postgres, uri: String) -> Result<Self> {
        let nats = hoop_testkit::nats().await?;
        let bus = Bus::connect(&nats.url(), "test").await?;
        bus.ensure_streams().await?;
        let store = Store::connect(&uri).await?;
        store.migrate().await?;
        let limits = Limits { segment_age: Duration::from_millis(300), ..Limits::default() };
        let spool = tempfile::tempdir()?;
        let marks = SpoolMarks::default();
        Ok(Self { nats, postgres, bus, store, limits, marks, seed: SEED, bucket: None, uri, spool })
    }

    /// Starts a writer and waits for its first leases.
    pub(crate) async fn writer(&self) -> Result<Writer> {
        let config = Config {
            postgres_uri: Secret::new(self.uri.clone()),
            objects: self.bucket.clone(),
            nats_url: self.nats.url(),
            spool: self.spool.path().into(),
            seed: Seed::Given(Secret::new(self.seed)),
            limits: self.limits.clone(),
            marks: self.marks,
            timing: Timing { renew: Duration::from_millis(200), lease: Duration::from_millis(900) },
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
        is_ready.await.context("the writer ended at once")?;
        Ok(Writer { task, drain })
    }

    /// Has the next writers reach the database at another port of this machine.
    pub(crate) fn reach_database_through(&mut self, port: u16) {
        let direct = format!(":{}/", self.postgres.port());
        self.uri = self.uri.replace(&direct, &format!(":{port}/"));
    }

    /// A session with a row, as `api` makes it.
    pub(crate) async fn session(&self) -> Result<Edge> {
        let edge = Edge::new(self.org().await?);
        self.authorize(&edge).await?;
        Ok(edge)
    }

    /// A new organisation.
    pub(crate) async fn org(&self) -> Result<OrgId> {
        let org = OrgId::generate();
        self.sql(&format!("insert into orgs (id, name) values ('{org}', '{org}')")).await?;
        Ok(org)
    }

    /// The row of a session.
    pub(crate) async fn authorize(&self, edge: &Edge) -> Result<()> {
        self.authorize_all(std::slice::from_ref(edge)).await
    }

    /// The rows of sessions.
    pub(crate) async fn authorize_all(&self, edges: &[Edge]) -> Result<()> {
        let rows = edges.iter().map(|edge| {
            let (session, org) = (edge.session, edge.org);
            format!(
                "('{session}', '{org}', '{org}', 'a@b', 'a', '{org}', 'pg', 'postgres', '{org}',
                  'agent', '127.0.0.1:1', 'test', 'opening', now(), now())"
            )
        });
        let sql = format!(
            "insert into sessions (id, org_id, user_id, user_email, user_name, connection_id,
               connection_name, connection_type, agent_id, agent_name, client_address,
               client_application, state, authorized_at, seen_at) values {}",
            rows.collect::<Vec<_>>().join(", ")
        );
        self.sql(&sql).await?;
        Ok(())
    }

    pub(crate) async fn sql(&self, sql: &str) -> Result<String> {
        let (_, database) = self.uri.rsplit_once('/').context("a URI has a path")?;
        let database = database.split('?').next().unwrap_or_default();
        self.postgres.run(database, sql).await
    }

    /// State and reason in the session's row.
    pub(crate) async fn row(&self, session: SessionId) -> Result<String> {
        self.sql(&format!(
            "select state || ' ' || coalesce(end_reason, '') from sessions where id = '{session}'"
        ))
        .await
    }

    /// Where the database is.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// The folder of the spool.
    pub(crate) fn spool(&self) -> &std::path::Path {
        self.spool.path()
    }

    /// How many messages the stream still holds.
    pub(crate) async fn in_stream(&self) -> Result<u64> {
        let mut stream = self.bus.jetstream().get_stream(AUDIT).await?;
        Ok(stream.info().await?.state.messages)
    }

    /// Waits until the recording is finished.
    pub(crate) async fn manifest(&self, session: SessionId) -> Result<(Manifest, StoredManifest)> {
        let stored = eventually("the manifest", async || {
            self.store.manifest_of(session).await?.context("not finished")
        })
        .await?;
        let key = SigningKey::from_seed(&self.seed)?.public_key();
        ensure!(stored.public_key == key, "another key");
        key.verify(&stored.encoded, &stored.signature)?;
        Ok((Manifest::parse(&stored.encoded)?, stored))
    }

    /// The recorded packets by direction, with the segments checked against the manifest.
    pub(crate) async fn recorded(
        &self,
        session: SessionId,
        manifest: &Manifest,
    ) -> Result<Both<Vec<Bytes>>> {
        let infos = self.store.segments_of(session).await?;
        ensure!(infos.len() == manifest.segments.len(), "the manifest misses segments");
        let mut recorded = Both::<Vec<Bytes>>::default();
        for (info, summary) in infos.iter().zip(&manifest.segments) {
            ensure!(info.digest == summary.digest, "segment {} is not the signed one", info.number);
            let mut records = Records::new(self.segment(session, info.number).await?);
            for encoded in records.by_ref() {
                let packet = Packet::decode(encoded.clone())?;
                let direction = packet.travels().context("no direction")?;
                recorded.get_mut(direction).push(encoded);
            }
            ensure!(records.remaining() == 0, "segment {} is cut off", info.number);
        }
        Ok(recorded)
    }

    /// The records of a segment, from wherever it is.
    async fn segment(&self, session: SessionId, number: u32) -> Result<Bytes> {
        let found = self.store.segment_fetch(session, number).await?.context("no segment")?;
        let stored = match (&found.contents, &self.bucket) {
            (Contents::Row(stored), None) => stored.clone(),
            (Contents::Object(key), Some(bucket)) => {
                Objects::connect(bucket.clone()).await.get(key).await?
            }
            (contents, _) => anyhow::bail!("a segment is in the wrong place: {contents:?}"),
        };
        Ok(found.unpack(stored).await?)
    }

    /// Waits until `edge`'s recording is finished, and compares it with what was published:
    /// every byte, the chains, the counts, no flaw.
    pub(crate) async fn expect_whole(&self, edge: &Edge) -> Result<Manifest> {
        let (manifest, _) = self.manifest(edge.session).await?;
        ensure!(manifest.flaws.is_empty(), "{:?}", manifest.flaws);
        let recorded = self.recorded(edge.session, &manifest).await?;
        for direction in Direction::BOTH {
            let (recorded, published) = (recorded.get(direction), edge.published.get(direction));
            ensure!(
                recorded == published,
                "{direction:?}: {} recorded, {} published",
                recorded.len(),
                published.len()
            );
            let mut head = Chain::start(edge.session, direction);
            for encoded in recorded {
                (_, head) = hoop_proto::packet::verify(encoded, head)?;
            }
            let way = manifest.ways.get(direction);
            ensure!(way.chain == head && way.packets == u64::try_from(recorded.len())?);
        }
        Ok(manifest)
    }

    /// What `hoop audit verify` finds in what is stored of a session, with these keys.
    pub(crate) async fn verify(&self, session: SessionId, keys: &[PublicKey]) -> Result<Checked> {
        let manifest = self.store.manifest_of(session).await?;
        let checkpoint = self.store.checkpoint_of(session).await?;
        let infos = self.store.segments_of(session).await?;
        let listed = infos.iter().map(|info| {
            let SegmentInfo { packets, raw_bytes, stored_bytes, digest, .. } = *info;
            (info.number, SegmentSummary { packets, raw_bytes, stored_bytes, digest })
        });
        let begun = match (&manifest, &checkpoint) {
            (Some(manifest), _) => Verification::begin(manifest, checkpoint.as_ref(), keys),
            (None, Some(checkpoint)) => {
                Verification::begin_open(checkpoint, listed.collect(), keys)
            }
            (None, None) => anyhow::bail!("nothing is signed yet"),
        };
        let mut verification = begun.map_err(|wrong| anyhow::anyhow!("{wrong:?}"))?;
        for info in &infos {
            let found = self.store.segment_fetch(session, info.number).await?;
            if let Some(Contents::Row(stored)) = found.map(|found| found.contents) {
                verification.segment(info.number, &stored);
            }
        }
        Ok(verification.finish())
    }

    /// Waits until the stream is empty.
    pub(crate) async fn expect_drained(&self) -> Result<()> {
        eventually("an empty stream", async || {
            let left = self.in_stream().await?;
            ensure!(left == 0, "{left} messages");
            Ok(())
        })
        .await
    }
}
