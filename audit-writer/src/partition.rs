//! The worker of one partition: from the consumer into the spool, from there to the
//! committer, and back to the broker with the acknowledgements.

mod intake;
mod outcome;
mod sync;

use std::{collections::HashMap, sync::Arc, time::Duration};

use hoop_bus::Bus;
use hoop_domain::{SessionId, manifest::SigningKey};
use hoop_runtime::backoff::Backoff;
use hoop_store::recording::Lease;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    Error,
    commit::{Committer, Done, Job},
    consumer::{Consumer, Ticket},
    final_store::FinalStore,
    journal::Journal,
    meter::Meter,
    segment::Packer,
    session::{Limits, Session},
    spool::{JournalFolder, Spool, SpooledPiece},
};
use intake::Finished;

/// What all workers of a process share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) bus: Bus,
    pub(crate) store: FinalStore,
    pub(crate) spool: Spool,
    pub(crate) journals: Arc<JournalFolder>,
    pub(crate) packer: Packer,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) meter: Arc<Meter>,
}

/// How a worker ended when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Everything that was spooled is stored; the lease may be given back.
    Drained,
    /// Another writer has the partition.
    Fenced,
}

/// Spooled and not committed, a partition has at most this much; then it takes in nothing
/// more until some is committed. The packets bound the memory for their tickets.
pub(crate) const ROOM_BYTES: u64 = 64 * 1024 * 1024;
pub(crate) const ROOM_PACKETS: u64 = 40_000;

/// How often the rows of silent sessions are looked at.
const LOOK_FOR_CLOSED: Duration = Duration::from_secs(5);

/// How long a worker that is to stop waits for the store. What is left is in the stream.
const DRAIN: Duration = Duration::from_secs(15);

/// A recording and where its next segment grows.
struct Live {
    session: Session<Ticket>,
    spooled: SpooledPiece,
}

pub(crate) struct Worker {
    shared: Shared,
    lease: Lease,
    live: HashMap<SessionId, Live>,
    finished: Finished,
    jobs: mpsc::UnboundedSender<Job>,
    done: mpsc::UnboundedReceiver<Done>,
    /// Steps at the committer.
    in_flight: usize,
    pending_packets: u64,
    pending_bytes: u64,
    /// Packets of `synced` sessions.
    journal: Journal,
    /// What need not stay in the stream any more.
    released: Vec<Ticket>,
    /// Since when everything in the stream has been delivered.
    listening: Instant,
    /// When a session needs a step, at the earliest.
    wake: Option<Instant>,
    _committer: JoinSet<()>,
}

/// Why the worker stopped following its consumer.
enum Stopped {
    Asked,
    Disturbed,
    Fenced,
}

impl Worker {
    pub(crate) fn new(shared: Shared, lease: Lease) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let (done_sender, done) = mpsc::unbounded_channel();
        let committer = Committer {
            store: shared.store.clone(),
            lease,
            key: shared.key.clone(),
            packer: shared.packer.clone(),
            meter: shared.meter.clone(),
            permits: shared.permits.clone(),
            jobs: queue,
            done: done_sender,
        };
        // Dropped with the worker, so that a worker that is gone commits nothing.
        let mut task = JoinSet::new();
        task.spawn(committer.run());
        let journal = Journal::new(
            shared.journals.clone(),
            format!("{}-{}", lease.partition.number(), lease.epoch),
        );
        Self {
            shared,
            lease,
            journal,
            live: HashMap::new(),
            finished: Finished::default(),
            jobs,
            done,
            in_flight: 0,
            pending_packets: 0,
            pending_bytes: 0,
            released: Vec::new(),
            listening: Instant::now(),
            wake: None,
            _committer: task,
        }
    }

    /// Works until `stop` says so, or another writer takes the partition. `nudge` changes
    /// now and then; the worker then looks whether its connection is still the same.
    pub(crate) async fn run(
        mut self,
        mut stop: watch::Receiver<bool>,
        mut nudge: watch::Receiver<()>,
    ) -> Result<Ended, Error> {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        loop {
            if *stop.borrow_and_update() {
                return Ok(Ended::Drained);
            }
            let partition = self.lease.partition;
            let mut consumer = match Consumer::open(&self.shared.bus, partition).await {
                Ok(consumer) => consumer,
                Err(cause) => {
                    let (cause, partition) = (crate::commit::causes(&cause), partition.number());
                    tracing::warn!(cause, partition, "the partition can't be consumed");
                    tokio::select! {
                        () = sleep(backoff.next_delay()) => {}
                        _ = stop.changed() => {}
                    }
                    continue;
                }
            };
            self.listening = Instant::now();
            match self.follow(&mut consumer, &mut stop, &mut nudge).await? {
                Stopped::Asked => return self.drain(&mut consumer).await,
                Stopped::Fenced => return Ok(Ended::Fenced),
                Stopped::Disturbed => sleep(backoff.next_delay()).await,
            }
            if Duration::from_secs(30) < self.listening.elapsed() {
                backoff.reset();
            }
        }
    }

    async fn follow(
        &mut self,
        consumer: &mut Consumer,
        stop: &mut watch::Receiver<bool>,
        nudge: &mut watch::Receiver<()>,
    ) -> Result<Stopped, Error> {
        let mut look = tokio::time::interval(LOOK_FOR_CLOSED);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let room = self.pending_bytes < ROOM_BYTES && self.pending_packets < ROOM_PACKETS;
            if !room {
                self.listening = Instant::now();
            }
            self.hand_over_due(!room);
            self.let_go(consumer).await?;
            let wake = self.wake;
            tokio::select! {
                biased;
                _ = stop.changed() => return Ok(Stopped::Asked),
                done = self.done.recv() => {
                    if self.settle(done, consumer).await?.is_some() {
                        return Ok(Stopped::Fenced);
                    }
                }
                told = self.journal.synced() => self.tell_synced(told).await?,
                delivery = consumer.next(), if room => {
                    let taken = match delivery {
                        Ok(first) => self.take_in(first, consumer).await,
                        Err(cause) => Err(cause),
                    };
                    if let Err(cause) = taken {
                        self.disturbed(&cause);
                        return Ok(Stopped::Disturbed);
                    }
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
                _ = nudge.changed() => {
                    if consumer.disturbed() {
                        return Ok(Stopped::Disturbed);
                    }
                }
                _ = look.tick() => {
                    self.thin_out();
                    self.look_after_journal(consumer);
                    self.look_for_closed().await;
                }
            }
        }
    }

    /// Takes note of what was spooled, or is not any more.
    fn pending(&mut self, packets: u64, bytes: u64) {
        let change = |now: u64, before: u64| now.cast_signed() - before.cast_signed();
        let (more, larger) =
            (change(packets, self.pending_packets), change(bytes, self.pending_bytes));
        self.shared.meter.spooled(more, larger);
        (self.pending_packets, self.pending_bytes) = (packets, bytes);
    }

    fn disturbed(&self, cause: &Error) {
        let (cause, partition) = (crate::commit::causes(cause), self.lease.partition.number());
        tracing::warn!(cause, partition, "the consumer is made anew");
    }

    /// Stores what is spooled, then ends.
    async fn drain(mut self, consumer: &mut Consumer) -> Result<Ended, Error> {
        self.wake = Some(Instant::now());
        self.hand_over_due(true);
        let deadline = Instant::now() + DRAIN;
        while 0 < self.in_flight {
            tokio::select! {
                done = self.done.recv() => {
                    if let Some(ended) = self.settle(done, consumer).await? {
                        return Ok(ended);
                    }
                }
                () = sleep_until(deadline) => {
                    let steps = self.in_flight;
                    tracing::warn!(steps, "the store is too slow; the stream keeps the rest");
                    break;
                }
            }
        }
        while self.journal.is_syncing() {
            let told = self.journal.synced().await;
            self.tell_synced(told).await?;
        }
        self.look_after_journal(consumer);
        consumer.flush().await?;
        Ok(Ended::Drained)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // What it had spooled is gone with it, and still in the stream.
        self.pending(0, 0);
    }
}
