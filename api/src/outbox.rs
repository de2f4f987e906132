//! Publishes what happened: from the outbox to the stream EVENTS.
//!
//! Several processes may do this at once: each claims other rows. An event that was
//! published and not deleted is published again, with the same message id.

use std::time::Duration;

use hoop_domain::time::to_micros;
use hoop_proto::v1;
use hoop_runtime::Drain;

use crate::{App, error::chain, metrics};

const INTERVAL: Duration = Duration::from_secs(1);
const BATCH: i64 = 100;

pub(crate) async fn run(app: App, drain: Drain) {
    loop {
        match relay(&app).await {
            // There may be more.
            Ok(published) if published == BATCH.unsigned_abs() && !drain.has_begun() => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(cause = chain(&error), "events wait in the outbox"),
        }
        tokio::select! {
            () = drain.begun() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

async fn relay(app: &App) -> Result<u64, hoop_store::Error> {
    let claim = app.store.outbox_claim(BATCH).await?;
    let mut published = 0;
    for event in claim.events() {
        let message = v1::Event {
            id: event.id.as_bytes().to_vec().into(),
            at: to_micros(event.at),
            org: event.org.as_bytes().to_vec().into(),
            kind: event.kind.clone(),
            json: event.body.to_string(),
        };
        if let Err(error) = app.bus.publish_event(event.id, &event.kind, &message).await {
            tracing::warn!(cause = %error, "events wait in the outbox");
            break;
        }
        published += 1;
    }
    claim.published(published).await?;
    metrics::published(published);
    Ok(u64::try_from(published).unwrap_or_default())
}
