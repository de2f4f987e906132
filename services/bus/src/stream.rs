//! The two JetStream streams, as constants and an idempotent [`Bus::ensure_streams`].

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use crate::{Bus, Error};

/// Packets on their way into recordings. An acknowledged packet is in its final store and
/// leaves the stream, so what is in here is exactly what a disk of ours could still lose.
pub const AUDIT: &str = "AUDIT";
/// What happened, for the notifier.
pub const EVENTS: &str = "EVENTS";

const GIB: i64 = 1024 * 1024 * 1024;
const DAY: Duration = Duration::from_secs(24 * 3600);

fn audit() -> Config {
    Config {
        name: AUDIT.into(),
        subjects: vec!["audit.*.*.in".into(), "audit.*.*.out".into()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        // A full broker refuses packets, which stalls sessions. It never drops one.
        discard: DiscardPolicy::New,
        max_bytes: 16 * GIB,
        // Receipts are told apart by sequence; a packet is published once per connection.
        duplicate_window: Duration::from_secs(2),
        // A live session is looked at where it is, beside the one consumer.
        allow_direct: true,
        ..Default::default()
    }
}

fn events() -> Config {
    Config {
        name: EVENTS.into(),
        subjects: vec!["events.>".into()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_bytes: GIB,
        max_age: 7 * DAY,
        duplicate_window: Duration::from_secs(120),
        ..Default::default()
    }
}

impl Bus {
    /// Makes the streams where they are missing. Any process may call it at any time.
    ///
    /// # Errors
    /// When the broker has no JetStream, or refuses.
    pub async fn ensure_streams(&self) -> Result<(), Error> {
        for config in [audit(), events()] {
            let direct = config.allow_direct;
            let stream = self
                .jetstream()
                .get_or_create_stream(config)
                .await
                .map_err(|cause| Error::Refused { cause: cause.to_string() })?;
            let there = &stream.cached_info().config;
            if direct && !there.allow_direct {
                self.allow_direct(there.clone()).await?;
            }
        }
        Ok(())
    }

    /// A stream that an earlier version made gets what is new, and keeps what its operator set.
    async fn allow_direct(&self, there: Config) -> Result<(), Error> {
        self.jetstream()
            .update_stream(Config { allow_direct: true, ..there })
            .await
            .map(|_| ())
            .map_err(|cause| Error::Refused { cause: cause.to_string() })
    }
}
