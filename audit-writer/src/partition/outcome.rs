//! Handing steps to the committer, and what follows when they are stored.

use std::time::Duration;

use hoop_domain::SessionId;
use hoop_runtime::step;
use tokio::time::Instant;

use super::{Ended, Live, Worker};
use crate::{
    Error,
    commit::{Done, Job, causes},
    consumer::Consumer,
    session::Step,
};

/// All sessions of a partition keep no more than this in the stream although it is stored:
/// eight partitions have 60 MB of tickets then, and an eighth of the stream.
const KEPT_PACKETS: usize = 100_000;
const KEPT_BYTES: u64 = 256 * 1024 * 1024;
/// Less than this is nothing: whoever resumes needs some time to notice.
const SHORTEST: Duration = Duration::from_secs(1);

impl Worker {
    /// Has the worker look at its sessions when this one needs a step.
    pub(super) fn wake_for(&mut self, session: SessionId) {
        let Some(live) = self.live.get(&session) else { return };
        let at = live.session.wake_at(self.listening, &self.shared.limits);
        self.wake = self.wake.into_iter().chain(at).min();
    }

    /// Hands over every step that is due; in a hurry, whatever is spooled.
    pub(super) fn hand_over_due(&mut self, hurry: bool) {
        let now = Instant::now();
        if !hurry && self.wake.is_none_or(|at| now < at) {
            return;
        }
        let limits = &self.shared.limits;
        for (id, live) in &mut self.live {
            while let Some(due) = live.session.due(now, self.listening, limits, hurry) {
                let step = live.session.cut(due);
                report(&step);
                let spooled = step
                    .piece
                    .is_some()
                    .then(|| std::mem::replace(&mut live.spooled, self.shared.spool.piece(*id)));
                // The committer only ends before us when it has said why.
                if self.jobs.send(Job::new(step, spooled)).is_ok() {
                    self.in_flight += 1;
                }
            }
            self.released.extend(live.session.release(now, &limits.retention));
        }
        let sessions = self.live.values();
        self.wake = sessions.filter_map(|live| live.session.wake_at(self.listening, limits)).min();
    }

    /// Acknowledges what is stored. Returns the end, when there is nothing more to do.
    pub(super) async fn settle(
        &mut self,
        done: Option<Done>,
        consumer: &Consumer,
    ) -> Result<Option<Ended>, Error> {
        match done {
            Some(Done::Committed { session, packets, bytes, finished }) => {
                self.in_flight = self.in_flight.saturating_sub(1);
                let left = self.pending_packets.saturating_sub(packets);
                self.pending(left, self.pending_bytes.saturating_sub(bytes));
                let Some(live) = self.live.get_mut(&session) else { return Ok(None) };
                let retention = &self.shared.limits.retention;
                let tickets = live.session.committed(Instant::now(), retention);
                if finished {
                    let seqs = live.session.seqs();
                    self.finished.add(session, seqs);
                    self.live.remove(&session);
                    tracing::debug!(%session, "the recording is finished");
                }
                self.wake_for(session);
                step::at(step::Step::BeforeStreamAck);
                for ticket in tickets {
                    consumer.acknowledge(ticket).await?;
                }
                Ok(None)
            }
            Some(Done::Fenced) => Ok(Some(Ended::Fenced)),
            Some(Done::SpoolLost(error)) => Err(error),
            None => Err(Error::Store(hoop_store::recording::Error::Fenced {
                partition: self.lease.partition.number(),
            })),
        }
    }

    /// Acknowledges what need not stay in the stream any more.
    pub(super) async fn let_go(&mut self, consumer: &Consumer) -> Result<(), Error> {
        for ticket in self.released.drain(..) {
            consumer.acknowledge(ticket).await?;
        }
        Ok(())
    }

    /// When all sessions together keep more than there is room for, they keep it for a
    /// shorter time.
    pub(super) fn thin_out(&mut self) {
        let mut retention = self.shared.limits.retention;
        loop {
            let (packets, bytes) = self.kept();
            if packets <= KEPT_PACKETS && bytes <= KEPT_BYTES || retention.age.is_zero() {
                return;
            }
            retention.age =
                if retention.age < SHORTEST { Duration::ZERO } else { retention.age / 2 };
            let now = Instant::now();
            for live in self.live.values_mut() {
                self.released.extend(live.session.release(now, &retention));
            }
        }
    }

    fn kept(&self) -> (usize, u64) {
        let kept = self.live.values().map(|live| live.session.kept());
        kept.fold((0, 0), |(packets, bytes), (more, larger)| (packets + more, bytes + larger))
    }

    /// Learns from their rows which silent sessions are over.
    pub(super) async fn look_for_closed(&mut self) {
        let sessions = self.live.iter();
        let open: Vec<SessionId> = sessions
            .filter(|(_, live)| live.session.may_be_abandoned())
            .map(|(id, _)| *id)
            .collect();
        if open.is_empty() {
            return;
        }
        match self.shared.store.closed(&open).await {
            Ok(closed) => {
                for (id, end) in closed {
                    if let Some(Live { session, .. }) = self.live.get_mut(&id) {
                        session.close(end);
                        self.wake_for(id);
                    }
                }
            }
            Err(cause) => {
                tracing::warn!(cause = causes(&cause), "the store does not say what is over");
            }
        }
    }
}

/// Each flaw is logged once, when it is about to be stored.
fn report(step: &Step) {
    for flaw in &step.write.flaws {
        tracing::error!(
            session = %step.write.session,
            direction = flaw.direction.as_str(),
            seq = flaw.seq,
            kind = flaw.kind.as_str(),
            "a recording has a flaw"
        );
    }
}
