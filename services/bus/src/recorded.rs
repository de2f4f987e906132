//! Reading what the stream AUDIT holds of one session, beside the audit-writer that takes it
//! out. Whatever is in the stream the broker has accepted.
//!
//! Nothing is consumed here: messages are looked at where they are, by the stream's own
//! numbers. Receipts only say that it is worth looking again, so a receipt that got lost
//! costs time and no packet.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use hoop_domain::{Direction, SessionId};

use crate::{Bus, Error, Subject, stream::AUDIT, subject};

/// What one look brings at most; a packet has 256 KiB at most.
const BATCH_MESSAGES: usize = 256;
const BATCH_BYTES: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// A packet in the stream.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The stream's own number for it.
    pub stream_seq: u64,
    /// The packet as it is recorded.
    pub encoded: Bytes,
}

/// Tells that a session has new packets.
#[derive(Debug)]
pub struct Receipts(async_nats::Subscriber);

impl Receipts {
    /// Waits until there is something new since the last time. `false` when the connection is
    /// closed for good. Cancel safe.
    pub async fn changed(&mut self) -> bool {
        let there = self.0.next().await.is_some();
        // One look finds all that was accepted by now.
        while self.0.next().now_or_never().flatten().is_some() {}
        there
    }
}

impl Bus {
    /// What tells that `session` has new packets in the stream.
    ///
    /// # Errors
    /// When the connection is closed for good.
    pub async fn receipts(&self, session: SessionId) -> Result<Receipts, Error> {
        self.subscribe(subject::receipts(session)).await.map(Receipts)
    }

    /// Packets of `session` that are in the stream behind the stream's number `after`, in its
    /// order. Not necessarily all of them; none when there are none.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn recorded(&self, session: SessionId, after: u64) -> Result<Vec<Recorded>, Error> {
        self.look(behind(&subject::packets_of(session), after)).await
    }

    /// The same, of one direction.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn recorded_in(
        &self,
        session: SessionId,
        direction: Direction,
        after: u64,
    ) -> Result<Vec<Recorded>, Error> {
        self.look(behind(&Subject::Audit { session, direction }.to_string(), after)).await
    }

    /// The newest packet of a direction that is in the stream.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn newest(
        &self,
        session: SessionId,
        direction: Direction,
    ) -> Result<Option<Recorded>, Error> {
        let subject = Subject::Audit { session, direction };
        let found = self.look(format!(r#"{{"last_by_subj":"{subject}"}}"#)).await?;
        Ok(found.into_iter().next_back())
    }

    /// The oldest packet of a direction that is in the stream.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn oldest(
        &self,
        session: SessionId,
        direction: Direction,
    ) -> Result<Option<Recorded>, Error> {
        let subject = Subject::Audit { session, direction };
        let found = self.look(format!(r#"{{"seq":1,"next_by_subj":"{subject}"}}"#)).await?;
        Ok(found.into_iter().next())
    }

    async fn look(&self, request: String) -> Result<Vec<Recorded>, Error> {
        let inbox = self.client().new_inbox();
        let mut answers = self.subscribe(inbox.clone()).await?;
        let batch = request.contains("\"batch\"");
        self.client()
            .publish_with_reply(format!("$JS.API.DIRECT.GET.{AUDIT}"), inbox, request.into())
            .await
            .map_err(|cause| Error::Unreachable { cause: cause.to_string() })?;
        let mut found = Vec::new();
        let all = async {
            while let Some(message) = answers.next().await {
                if let Some(status) = message.status {
                    return match status.as_u16() {
                        // The end of the batch; no such message.
                        204 | 404 => Ok(()),
                        code => Err(refused(code, message.description.as_deref())),
                    };
                }
                let recorded = read(message).ok_or_else(|| refused(0, None))?;
                found.push(recorded);
                if !batch {
                    return Ok(());
                }
            }
            Err(Error::Unreachable { cause: "the connection is closed".into() })
        };
        match tokio::time::timeout(PATIENCE, all).await {
            Ok(done) => done.map(|()| found),
            Err(_) => Err(Error::Unreachable { cause: "no answer from the stream".into() }),
        }
    }
}

fn behind(subject: &str, after: u64) -> String {
    let first = after.saturating_add(1);
    format!(
        r#"{{"seq":{first},"next_by_subj":"{subject}","batch":{BATCH_MESSAGES},"max_bytes":{BATCH_BYTES}}}"#
    )
}

fn read(message: async_nats::Message) -> Option<Recorded> {
    let headers = message.headers.as_ref()?;
    let stream_seq = headers.get(async_nats::header::NATS_SEQUENCE)?.as_str().parse().ok()?;
    Some(Recorded { stream_seq, encoded: message.payload })
}

fn refused(code: u16, words: Option<&str>) -> Error {
    Error::Refused { cause: format!("reading the stream: {code} {}", words.unwrap_or_default()) }
}
