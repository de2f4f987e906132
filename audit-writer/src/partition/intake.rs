//! What comes from the consumer: into the sessions and the spool.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use hoop_domain::{Both, SessionId, manifest::Flaw};
use hoop_runtime::{backoff::Backoff, step};
use hoop_store::recording::{Head, Progress, Write};
use tokio::time::{Instant, sleep};

use super::{Live, Worker};
use crate::{
    Error,
    commit::causes,
    consumer::{Consumer, Delivery, Ticket},
    session::{Fed, Known, Session},
};

/// Deliveries that are taken in before anything else gets its turn.
const BATCH: usize = 256;

/// No more than this is added to what is spooled before it is looked at again: a segment is
/// larger than its limit by no more.
const BATCH_BYTES: usize = 256 * 1024;

/// Sessions that were finished lately, with their last packets: acknowledgements that were
/// lost bring them back.
#[derive(Debug, Default)]
pub(super) struct Finished {
    seqs: HashMap<SessionId, Both<u64>>,
    order: VecDeque<SessionId>,
}

impl Finished {
    const REMEMBERED: usize = 4096;

    pub(super) fn add(&mut self, session: SessionId, seqs: Both<u64>) {
        if self.seqs.insert(session, seqs).is_none() {
            self.order.push_back(session);
        }
        if Self::REMEMBERED < self.order.len()
            && let Some(oldest) = self.order.pop_front()
        {
            self.seqs.remove(&oldest);
        }
    }
}

impl Worker {
    /// Takes in `first` and what else is here already. An error means that the consumer has
    /// to be made anew; then everything that was not taken in is delivered again.
    pub(super) async fn take_in(
        &mut self,
        first: Delivery,
        consumer: &mut Consumer,
    ) -> Result<(), Error> {
        let mut batch = vec![first];
        let mut ready = Ok(None);
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            ready = consumer.ready().await;
            match &mut ready {
                Ok(delivery) => match delivery.take() {
                    Some(delivery) => {
                        bytes += delivery.encoded.len();
                        batch.push(delivery);
                    }
                    None => break,
                },
                Err(_) => break,
            }
        }
        self.get_to_know(&batch, consumer).await?;
        let now = Instant::now();
        if batch.last().is_some_and(|delivery| delivery.more) {
            self.listening = now;
        }
        let touched: HashSet<SessionId> = batch.iter().map(|delivery| delivery.session).collect();
        for delivery in batch {
            self.take(delivery, now, consumer).await?;
        }
        let retention = self.shared.limits.retention;
        self.sync(&touched, consumer);
        for session in touched {
            if let Some(live) = self.live.get_mut(&session) {
                self.released.extend(live.session.release(now, &retention));
            }
            self.wake_for(session);
        }
        ready.map(|_| ())
    }

    /// Asks the store about the sessions that are new here.
    async fn get_to_know(&mut self, batch: &[Delivery], consumer: &Consumer) -> Result<(), Error> {
        let strangers: HashSet<SessionId> = batch
            .iter()
            .map(|delivery| delivery.session)
            .filter(|id| !self.live.contains_key(id) && !self.finished.seqs.contains_key(id))
            .collect();
        if strangers.is_empty() {
            return Ok(());
        }
        let strangers: Vec<SessionId> = strangers.into_iter().collect();
        let known = self.progress_of(&strangers, consumer).await?;
        let now = Instant::now();
        for id in strangers {
            let session = match known.iter().find(|progress| progress.session == id) {
                Some(progress) if progress.finished => {
                    self.finished.add(id, progress.heads.map(|head| head.seq));
                    continue;
                }
                Some(progress) => Session::resumed(progress, now),
                None => Session::new(id, now),
            };
            let spooled = self.shared.spool.piece(id);
            self.live.insert(id, Live { session, spooled });
        }
        Ok(())
    }

    /// The store's answer, however long it takes.
    async fn progress_of(
        &self,
        sessions: &[SessionId],
        consumer: &Consumer,
    ) -> Result<Vec<Progress>, Error> {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(3));
        loop {
            match self.shared.store.progress(sessions).await {
                Ok(progress) => return Ok(progress),
                // The stop signal and the lease get their turn between two consumers.
                Err(cause) if consumer.disturbed() => return Err(cause.into()),
                Err(cause) => {
                    let delay = backoff.next_delay();
                    tracing::warn!(cause = causes(&cause), "the store does not say what it has");
                    sleep(delay).await;
                }
            }
        }
    }

    async fn take(
        &mut self,
        delivery: Delivery,
        now: Instant,
        consumer: &Consumer,
    ) -> Result<(), Error> {
        let Delivery { session: id, direction, encoded, ticket, .. } = delivery;
        let Some(live) = self.live.get_mut(&id) else {
            let last = self.finished.seqs.get(&id).map_or(0, |seqs| *seqs.get(direction));
            return match Known::judge(direction, last, &encoded) {
                Known::Recorded | Known::Farewell => consumer.acknowledge(ticket).await,
                Known::Late(flaw) => self.note_late(id, flaw, ticket, consumer).await,
            };
        };
        match live.session.feed(direction, &encoded, ticket, now) {
            Fed::Record => {
                if live.session.synced() {
                    self.journal.append(&encoded);
                }
                live.spooled.append(&encoded).await;
                step::at(step::Step::MidSegment);
                // As the segment counts it, so that the two add up to nothing.
                let record = hoop_store::recording::format::record_header(0).len() + encoded.len();
                let record = u64::try_from(record).unwrap_or(u64::MAX);
                self.pending(self.pending_packets + 1, self.pending_bytes.saturating_add(record));
                self.shared.meter.recorded();
                Ok(())
            }
            Fed::Skip { ack } => {
                self.shared.meter.skipped();
                match ack {
                    Some(ticket) => consumer.acknowledge(ticket).await,
                    None => Ok(()),
                }
            }
            Fed::Late { flaw, ticket } => self.note_late(id, flaw, ticket, consumer).await,
        }
    }

    /// A packet came after its recording was finished. It can't be added, only be named.
    async fn note_late(
        &self,
        session: SessionId,
        flaw: Flaw,
        ticket: Ticket,
        consumer: &Consumer,
    ) -> Result<(), Error> {
        let now = hoop_domain::time::from_micros(0);
        let write = Write {
            session,
            org: None,
            begun_at: now,
            ended_at: now,
            heads: Both::from_fn(|direction| Head::start(session, direction)),
            segment: None,
            flaws: vec![flaw],
            exit_code: None,
            finish: None,
        };
        let (direction, seq) = (flaw.direction.as_str(), flaw.seq);
        match self.shared.store.add_flaws(&self.lease, &write).await {
            Ok(()) => {
                self.shared.meter.flawed(&write);
                tracing::error!(%session, direction, seq, "a packet came after the recording's end");
                consumer.acknowledge(ticket).await
            }
            // It is delivered again and tried again.
            Err(cause) => {
                tracing::warn!(cause = causes(&cause), %session, "a late packet can't be noted");
                Ok(())
            }
        }
    }
}
