//! Signs, now and then, where each audit log ends. Any number of writers may do so at once.

use std::{collections::BTreeMap, time::Duration};

use chrono::Utc;
use hoop_domain::manifest::SigningKey;
use hoop_store::{Store, audit_log::Signing};

/// How long what was done may be unsigned: unless there is very much of it.
const INTERVAL: Duration = Duration::from_secs(15);

/// Signs for ever.
pub(crate) async fn sign(store: &Store, key: &SigningKey) {
    // Where a log was found broken, so that it is said once.
    let mut broken = BTreeMap::new();
    loop {
        if let Err(error) = step(store, key, &mut broken).await {
            tracing::warn!(%error, "the audit log's end could not be signed");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn step(
    store: &Store,
    key: &SigningKey,
    broken: &mut BTreeMap<hoop_domain::OrgId, u64>,
) -> hoop_store::Result<()> {
    for log in store.audit_logs().await? {
        loop {
            match log.audit_head_sign(key, Utc::now()).await? {
                Signing::Unchanged => break,
                Signing::Signed(_) => {}
                Signing::Broken(line) => {
                    if broken.insert(log.id(), line) != Some(line) {
                        tracing::error!(org = %log.id(), line, "the audit log was changed");
                    }
                    break;
                }
            }
        }
    }
    Ok(())
}
