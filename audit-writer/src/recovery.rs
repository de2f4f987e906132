//! Journals that a dead writer left: what the stream has lost since is published again.
//!
//! A broker that lost power may have lost its last second. A `synced` packet is on this disk,
//! too, and was let out because of that, so it has to come back before the recording goes on.
//! It is published only where it follows what the stream or the store has last, so whoever
//! writes the partition records it like any other packet.

use std::{collections::BTreeMap, path::Path, time::Duration};

use async_nats::{HeaderMap, jetstream::stream::LastRawMessageErrorKind};
use bytes::Bytes;
use hoop_bus::{Bus, Subject, stream::AUDIT};
use hoop_domain::{Direction, SessionId};
use hoop_proto::v1::Packet;
use hoop_store::Store;
use prost::Message;
use tokio::time::sleep;

use crate::{Error, commit::causes, spool::LeftJournals};

/// How long is waited before it is tried again.
const REST: Duration = Duration::from_secs(2);

/// Packets of one direction of a session, by number.
type Way = BTreeMap<u64, Bytes>;

/// Reads all journals under `root` that nobody holds. Tries until it worked.
pub(crate) async fn recover(root: &Path, bus: &Bus, store: &Store) {
    let left = LeftJournals::find(root).unwrap_or_else(|cause| {
        tracing::error!(%cause, "the spool does not say what an earlier writer left");
        Vec::new()
    });
    for journals in left {
        let packets = match journals.packets() {
            Ok(packets) => sort(packets),
            Err(cause) => {
                tracing::error!(%cause, "a journal can't be read; it stays");
                continue;
            }
        };
        for ((session, direction), way) in packets {
            while let Err(cause) = bring_back(bus, store, session, direction, &way).await {
                tracing::warn!(cause = causes(&cause), %session, "a journal waits");
                sleep(REST).await;
            }
        }
        if let Err(cause) = journals.remove() {
            tracing::warn!(%cause, "a journal can't be removed");
        }
    }
}

fn sort(packets: Vec<Bytes>) -> BTreeMap<(SessionId, Direction), Way> {
    let mut sorted = BTreeMap::<_, Way>::new();
    for encoded in packets {
        let Ok(packet) = Packet::decode(encoded.clone()) else { continue };
        if let (Some(session), Some(direction)) = (packet.session_id(), packet.travels()) {
            sorted.entry((session, direction)).or_default().insert(packet.seq, encoded);
        }
    }
    sorted
}

/// Publishes what follows the last packet that is known.
async fn bring_back(
    bus: &Bus,
    store: &Store,
    session: SessionId,
    direction: Direction,
    way: &Way,
) -> Result<(), Error> {
    let known = store.recordings_progress(&[session]).await?;
    if known.first().is_some_and(|progress| progress.finished) {
        return Ok(());
    }
    let stored = known.first().map(|progress| progress.heads.get(direction).clone());
    let subject = Subject::Audit { session, direction }.to_string();
    let stream = bus.jetstream().get_stream(AUDIT).await.map_err(Error::broker)?;
    let (mut last, mut message) = match stream.get_last_raw_message_by_subject(&subject).await {
        Ok(found) => {
            let packet = Packet::decode(found.payload).ok();
            (packet.map_or(0, |packet| packet.seq), found.sequence)
        }
        Err(cause) if cause.kind() == LastRawMessageErrorKind::NoMessageFound => (0, 0),
        Err(cause) => return Err(Error::broker(cause)),
    };
    last = last.max(stored.map_or(0, |head| head.seq));
    let mut lost = 0_u64;
    for (seq, encoded) in way.range(last.saturating_add(1)..) {
        if last.checked_add(1) != Some(*seq) {
            break;
        }
        let mut headers = HeaderMap::new();
        // Whoever published meanwhile has another packet in this place.
        headers.insert("Nats-Expected-Last-Subject-Sequence", message.to_string());
        let published =
            bus.jetstream().publish_with_headers(subject.clone(), headers, encoded.clone());
        let receipt = published.await.map_err(Error::broker)?.await.map_err(Error::broker)?;
        (last, message, lost) = (*seq, receipt.sequence, lost + 1);
    }
    if 0 < lost {
        let direction = direction.as_str();
        tracing::warn!(%session, direction, lost, "the stream had lost packets; they are back");
    }
    Ok(())
}
