//! Storing steps: several in one transaction, in order, again until it works.
//!
//! One committer per partition. While one transaction runs, the steps of other sessions
//! gather and go together in the next: a group commit without a timer.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use hoop_domain::{SessionId, manifest::SigningKey};
use hoop_runtime::{backoff::Backoff, span, step};
use hoop_store::recording::{self, Lease, Write};
use tokio::sync::{Semaphore, mpsc};
use tracing::Instrument;

use crate::{
    Error,
    final_store::FinalStore,
    meter::Meter,
    segment::Packer,
    session::{PieceInfo, Step},
    spool::SpooledPiece,
};

/// As many steps go into one transaction, so that the first does not wait for the last,
const GROUP_STEPS: usize = 64;
/// and as many bytes, so that memory stays bounded.
const GROUP_BYTES: u64 = 4 * 1024 * 1024;
/// From here on a transaction counts as large.
const LARGE_BYTES: u64 = 512 * 1024;

/// A step on its way into the store.
#[derive(Debug)]
pub(crate) struct Job {
    write: Write,
    /// What becomes the step's segment; `None` when there is none, or when it is packed.
    piece: Option<(PieceInfo, SpooledPiece)>,
}

impl Job {
    /// A step and the spooled packets that belong to it.
    pub(crate) fn new(step: Step, spooled: Option<SpooledPiece>) -> Self {
        Self { write: step.write, piece: step.piece.zip(spooled) }
    }

    fn bytes(&self) -> u64 {
        match (&self.piece, &self.write.segment) {
            (Some((info, _)), _) => info.raw_bytes,
            (None, Some(segment)) => segment.raw_bytes,
            (None, None) => 0,
        }
    }
}

/// What became of a step.
#[derive(Debug)]
pub(crate) enum Done {
    /// It is stored.
    Committed {
        session: SessionId,
        /// What it took of the worker's room.
        packets: u64,
        bytes: u64,
        finished: bool,
    },
    /// Another writer has the partition; nothing of this one will be stored any more.
    Fenced,
    /// The spool has lost packets that the stream still has.
    SpoolLost(Error),
}

/// Stores what it is sent. Ends when nobody sends any more.
pub(crate) struct Committer {
    pub(crate) store: FinalStore,
    pub(crate) lease: Lease,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) packer: Packer,
    pub(crate) meter: Arc<Meter>,
    /// Bounds the large transactions of all partitions together.
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) jobs: mpsc::UnboundedReceiver<Job>,
    pub(crate) done: mpsc::UnboundedSender<Done>,
}

/// Why the committer has nothing more to do.
enum Over {
    /// Nobody listens any more.
    Unheard,
    /// This was its last word.
    Last(Done),
}

impl Committer {
    pub(crate) async fn run(mut self) {
        if let Err(Over::Last(word)) = self.store_all().await {
            let _ = self.done.send(word);
        }
    }

    async fn store_all(&mut self) -> Result<(), Over> {
        let mut queue = VecDeque::new();
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(3));
        while let Some(job) = self.jobs.recv().await {
            queue.push_back(job);
            while !queue.is_empty() {
                while let Ok(job) = self.jobs.try_recv() {
                    queue.push_back(job);
                }
                let failed = self.store_group(&mut queue).await?;
                if failed.is_empty() {
                    backoff.reset();
                    continue;
                }
                for write in failed.into_iter().rev() {
                    queue.push_front(Job { write, piece: None });
                }
                tokio::time::sleep(backoff.next_delay()).await;
            }
        }
        Ok(())
    }

    /// Stores a group from the front of the queue; step by step what does not go together.
    /// Returns what could not be stored.
    async fn store_group(&self, queue: &mut VecDeque<Job>) -> Result<Vec<Write>, Over> {
        let (steps, bytes) = group_size(queue);
        let large = LARGE_BYTES <= bytes;
        let _permit = if large { self.permits.acquire().await.ok() } else { None };
        let mut group = Vec::with_capacity(steps);
        for job in queue.drain(..steps) {
            group.push(self.pack(job).await?);
        }
        let (group, late) = self.store.place(group).await;
        let mut failed = match self.commit(&group).await? {
            Ok(()) => Vec::new(),
            Err(cause) => {
                let words = causes(&cause);
                tracing::warn!(cause = words, steps, "recordings can't be stored; trying again");
                if cause.outage() { group } else { self.store_singly(group).await? }
            }
        };
        // No session is in both out of order: what follows a late step is late, too.
        failed.extend(late);
        Ok(failed)
    }

    /// Finds the steps that are the trouble; returns them, and those that follow them.
    async fn store_singly(&self, group: Vec<Write>) -> Result<Vec<Write>, Over> {
        let mut failed = Vec::new();
        let mut blocked = HashSet::new();
        for write in group {
            let session = write.session;
            if !blocked.contains(&session) {
                let Err(cause) = self.commit(std::slice::from_ref(&write)).await? else { continue };
                tracing::error!(cause = causes(&cause), %session, "a recording can't be stored");
                blocked.insert(session);
            }
            failed.push(write);
        }
        Ok(failed)
    }

    async fn pack(&self, job: Job) -> Result<Write, Over> {
        let Job { mut write, piece } = job;
        if let Some((info, piece)) = piece {
            let packed = self.packer.pack(info, piece).await;
            write.segment = Some(packed.map_err(|error| Over::Last(Done::SpoolLost(error)))?);
        }
        Ok(write)
    }

    async fn commit(&self, group: &[Write]) -> Result<Result<(), recording::Error>, Over> {
        let closes = group.iter().any(|write| write.finish.is_some());
        step::at(if closes { step::Step::AtManifest } else { step::Step::BeforeCommit });
        let begun = Instant::now();
        let partition = self.lease.partition.number();
        let span = span!("store segments", partition, steps = group.len());
        let commit = self.store.commit(&self.lease, group, &self.key);
        let committed = commit.instrument(span).await;
        step::at(step::Step::AfterCommit);
        if !group.is_empty() {
            self.meter.tried(begun.elapsed(), committed.is_ok());
        }
        match committed {
            Ok(()) => {}
            Err(recording::Error::Fenced { .. }) => return Err(Over::Last(Done::Fenced)),
            Err(cause) => return Ok(Err(cause)),
        }
        for write in group {
            self.meter.committed(write);
            let (packets, bytes) = write
                .segment
                .as_ref()
                .map_or((0, 0), |segment| (segment.packets, segment.raw_bytes));
            let (session, finished) = (write.session, write.finish.is_some());
            let done = Done::Committed { session, packets, bytes, finished };
            self.done.send(done).map_err(|_| Over::Unheard)?;
        }
        Ok(Ok(()))
    }
}

/// How many jobs from the front go into one transaction, and how large they are together.
fn group_size(queue: &VecDeque<Job>) -> (usize, u64) {
    let (mut steps, mut bytes) = (0, 0);
    for job in queue {
        if steps == GROUP_STEPS || (0 < steps && GROUP_BYTES < bytes + job.bytes()) {
            break;
        }
        steps += 1;
        bytes += job.bytes();
    }
    (steps, bytes)
}

/// An error with everything that led to it, for the log.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        // A transparent error says what its source says.
        if !words.ends_with(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        next = cause.source();
    }
    words
}
