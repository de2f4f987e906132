//! Copies of signed manifests beside the segments they sign, so that a bucket alone is
//! enough to check a recording.
//!
//! A manifest's place in its organisation's chain is known only when it is committed, so the
//! copy follows the commit. The database keeps what is still to be copied; any writer does it.

use std::{future, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_objects::Objects;
use hoop_store::{Store, recording::ManifestCopy};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use super::{FinalStore, place::folder};
use crate::{Error, commit::causes};

/// How often is looked for new manifests.
const LOOK: Duration = Duration::from_secs(2);
/// As many are held in memory.
const BATCH: i64 = 32;

impl FinalStore {
    /// Copies manifests for ever, where there is a bucket. Says at the start, and with each
    /// change, whether the bucket takes what it is given.
    pub(crate) async fn copy_manifests(self) {
        let Some(objects) = self.objects else { return future::pending().await };
        let mut trouble = match objects.check().await {
            Ok(()) => {
                tracing::info!(bucket = objects.bucket(), "recordings are stored in the bucket");
                None
            }
            Err(cause) => Some(complain(&objects, &cause)),
        };
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match copy_all(&self.database, &objects).await {
                Ok(copied) => {
                    // Only a copy that was made proves that the bucket is fine again.
                    if copied && trouble.take().is_some() {
                        tracing::info!(bucket = objects.bucket(), "the bucket is written to again");
                    }
                }
                Err(cause) => {
                    let words = causes(&cause);
                    if trouble.as_ref() != Some(&words) {
                        trouble = Some(complain(&objects, &cause));
                    }
                }
            }
        }
    }
}

fn complain(objects: &Objects, cause: &dyn std::error::Error) -> String {
    let (cause, bucket) = (causes(cause), objects.bucket());
    tracing::error!(cause, bucket, "the bucket can't be used; recordings wait in the broker");
    cause
}

async fn copy_all(database: &Store, objects: &Objects) -> Result<bool, Error> {
    let mut copied = false;
    loop {
        let due = database.manifests_to_copy(BATCH).await?;
        for copy in &due {
            let name = format!("{}/{}/manifest.json", folder(Some(copy.org)), copy.session);
            objects.put(&objects.key(&name), encode(copy).into()).await?;
            database.manifest_copied(copy.session).await?;
            copied = true;
        }
        if due.is_empty() {
            return Ok(copied);
        }
    }
}

fn encode(copy: &ManifestCopy) -> Vec<u8> {
    let manifest = &copy.manifest;
    let json = json!({
        "manifest": manifest.encoded,
        "signature": STANDARD.encode(&manifest.signature),
        "public_key": STANDARD.encode(manifest.public_key.0),
    });
    json.to_string().into_bytes()
}
