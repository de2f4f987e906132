//! What the writer is told by its environment.

use std::{path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_bus::Bus;
use hoop_domain::Secret;
use hoop_objects::Objects;
use hoop_runtime::{Env, config};
use hoop_store::{Store, recording::WriterId};
use tokio::sync::Semaphore;

use crate::{
    Error, Service,
    final_store::FinalStore,
    lease::Timing,
    meter::Meter,
    partition::Shared,
    segment::Packer,
    session::Limits,
    signing::{self, Seed},
    spool::{JournalFolder, Spool},
    watermark::{Mark, SpoolMarks, Watermarks},
};

/// Transactions with large segments that run at a time; each takes some 20 MB.
const LARGE_COMMITS: usize = 2;

/// Everything a writer needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The state store, which is the final store too when there is no bucket.
    pub postgres_uri: Secret<String>,
    /// Where segments are stored, when that is not the state store.
    pub objects: Option<hoop_objects::Settings>,
    /// The broker.
    pub nats_url: String,
    /// Where sessions in transit are spooled.
    pub spool: PathBuf,
    /// Where the key that signs manifests comes from.
    pub seed: Seed,
    /// When recordings are cut and finished.
    pub limits: Limits,
    /// How long leases last.
    pub timing: Timing,
    /// When the spool's disk is too full for new sessions.
    pub marks: SpoolMarks,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable is missing or malformed.
    pub fn from_env(env: &Env) -> Result<Self, config::Error> {
        let defaults = Limits::default();
        let limits = Limits {
            segment_bytes: env.parsed("AUDIT_SEGMENT_BYTES", defaults.segment_bytes)?,
            segment_age: env.duration("AUDIT_SEGMENT_AGE", defaults.segment_age)?,
            ..defaults
        };
        let spool = env.text("PLUGIN_AUDIT_PATH").unwrap_or_else(|| "/opt/hoop/sessions".into());
        Ok(Self {
            postgres_uri: Secret::new(env.postgres_uri()?),
            objects: hoop_objects::Settings::from_env(env)?,
            nats_url: env.required("NATS_URL")?,
            spool: spool.into(),
            seed: Seed::from_env(env)?,
            limits: checked(limits)?,
            timing: Timing::default(),
            marks: marks(env)?,
        })
    }

    /// Connects to everything.
    ///
    /// # Errors
    /// When the database, the broker or the spool's disk is not available.
    pub async fn build(self) -> Result<Service, Error> {
        let writer = WriterId::generate();
        let watermarks = Watermarks::new(self.spool.clone(), self.marks);
        let spool = Spool::open(&self.spool, writer)?;
        let journals = JournalFolder::open(&self.spool, writer)?;
        let key = signing::load(&self.seed, &self.spool)?;
        let store = Store::connect(self.postgres_uri.reveal()).await?;
        store.migrate().await?;
        store.manifest_key_add(key.public_key()).await?;
        let (id, public_key) = (key.public_key().id(), STANDARD.encode(key.public_key().0));
        tracing::info!(key = %id, public_key, "this key signs; keep it where verifying happens");
        let objects = match self.objects {
            Some(settings) => Some(Objects::connect(settings).await),
            None => None,
        };
        let bus = Bus::connect(&self.nats_url, "hoop-audit-writer").await?;
        bus.ensure_streams().await?;
        let shared = Shared {
            bus,
            store: FinalStore::new(store, objects),
            spool,
            journals: Arc::new(journals),
            packer: Packer::new()?,
            permits: Arc::new(Semaphore::new(LARGE_COMMITS)),
            key: Arc::new(key),
            limits: Arc::new(self.limits),
            meter: Arc::new(Meter::default()),
        };
        Ok(Service::new(shared, writer, self.timing, watermarks, self.spool))
    }
}

fn marks(env: &Env) -> Result<SpoolMarks, config::Error> {
    let mark = |name: &str, default: Mark| match env.text(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| config::Error::Malformed {
            name: name.into(),
            why: "expected a part of the disk that is used, as in 90%, or bytes that are free"
                .into(),
        }),
    };
    let defaults = SpoolMarks::default();
    let high = mark("AUDIT_SPOOL_HIGH_WATERMARK", defaults.high)?;
    // Whoever moves the high one moves the other one with it.
    let low = mark("AUDIT_SPOOL_LOW_WATERMARK", high.lower())?;
    SpoolMarks::new(high, low).ok_or_else(|| config::Error::Malformed {
        name: "AUDIT_SPOOL_LOW_WATERMARK".into(),
        why: "it must be reached before AUDIT_SPOOL_HIGH_WATERMARK: less used, or more free".into(),
    })
}

/// A segment is held in memory while it is stored, and must be worth a row.
fn checked(limits: Limits) -> Result<Limits, config::Error> {
    let malformed =
        |name: &str, why: &str| config::Error::Malformed { name: name.into(), why: why.into() };
    if !(64 * 1024..=16 * 1024 * 1024).contains(&limits.segment_bytes) {
        let why = "a segment has from 65536 to 16777216 bytes";
        return Err(malformed("AUDIT_SEGMENT_BYTES", why));
    }
    if !(Duration::from_millis(100)..=Duration::from_secs(600)).contains(&limits.segment_age) {
        return Err(malformed("AUDIT_SEGMENT_AGE", "a segment is from 100ms to 10m old"));
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &[(&str, &str)]) -> Result<Config, config::Error> {
        let needed = [("POSTGRES_DB_URI", "postgres://x/y"), ("NATS_URL", "nats://x")];
        Config::from_env(&Env::from_pairs(needed.iter().chain(more).copied()).unwrap())
    }

    #[test]
    fn a_writer_without_a_key_starts_in_development_only() {
        let error = config(&[]).unwrap_err().to_string();
        assert!(error.contains("AUDIT_SIGNING_KEY"), "{error}");
        assert!(matches!(config(&[("PROFILE", "dev")]).unwrap().seed, Seed::Kept));
        let seed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        assert!(matches!(config(&[("AUDIT_SIGNING_KEY", seed)]).unwrap().seed, Seed::Given(_)));
        assert!(config(&[("AUDIT_SIGNING_KEY", "c2hvcnQ="), ("PROFILE", "dev")]).is_err());
    }

    #[test]
    fn segments_that_would_fill_the_memory_are_refused() {
        let with = |bytes| config(&[("PROFILE", "dev"), ("AUDIT_SEGMENT_BYTES", bytes)]);
        assert!(with("65536").is_ok());
        assert!(with("1000000000").is_err());
        assert!(with("0").is_err());
    }
}
