//! Storing steps: several in one transaction, in order, again until it works.
//!
//! One committer per partition. While one transaction runs, the steps of other sessions
//! gather and go together in the next: a group commit without a timer.

mod backlog;

use std::{
    collections::HashSet,
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
use backlog::Backlog;

/// From here on a transaction counts as large.
const LARGE_BYTES: u64 = 512 * 1024;

/// A step on its way into the store.
#[derive(Debug)]
pub(crate) struct Job {
    write: Write,
    /// What becomes the step's segment; `None` when there is none, or when it is packed.
    piece: Option<(PieceInfo, SpooledPiece)>,
    /// It was taken before, and may be stored: an answer can be lost.
    again: bool,
}

impl Job {
    /// A step and the spooled packets that belong to it.
    pub(crate) fn new(step: Step, spooled: Option<SpooledPiece>) -> Self {
        Self { write: step.write, piece: step.piece.zip(spooled), again: false }
    }

    fn again(write: Write) -> Self {
        Self { write, piece: None, again: true }
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

/// What was tried and is not stored.
#[derive(Default)]
struct Tried {
    /// The store as a whole is away: nothing else would go either.
    outage: Vec<Write>,
    /// The store does not take these, or what they follow.
    refused: Vec<Write>,
}

impl Tried {
    fn is_empty(&self) -> bool {
        self.outage.is_empty() && self.refused.is_empty()
    }
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
        let mut backlog = Backlog::default();
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(3));
        while self.wait_for(&mut backlog).await {
            let (steps, bytes) = backlog.group_size();
            let large = LARGE_BYTES <= bytes;
            let permit = if large { self.permits.acquire().await.ok() } else { None };
            let tried = self.store_group(backlog.take(steps)).await?;
            drop(permit);
            if tried.is_empty() && !backlog.has_refused() {
                backoff.reset();
            }
            if !tried.refused.is_empty() {
                backlog.put_aside(tried.refused, Instant::now() + backoff.next_delay());
            }
            if !tried.outage.is_empty() {
                backlog.put_back(tried.outage);
                tokio::time::sleep(backoff.next_delay()).await;
            }
        }
        Ok(())
    }

    /// Waits until there is something to store; `false` when there never will be again.
    async fn wait_for(&mut self, backlog: &mut Backlog) -> bool {
        loop {
            while let Ok(job) = self.jobs.try_recv() {
                backlog.push(job);
            }
            backlog.bring_back(Instant::now());
            if !backlog.is_idle() {
                return true;
            }
            let due = backlog.due();
            tokio::select! {
                job = self.jobs.recv() => match (job, due) {
                    (Some(job), _) => backlog.push(job),
                    (None, None) => return false,
                    (None, Some(due)) => tokio::time::sleep_until(due.into()).await,
                },
                () = backlog::at(due) => {}
            }
        }
    }

    /// Stores a group; step by step what does not go together.
    async fn store_group(&self, jobs: Vec<Job>) -> Result<Tried, Over> {
        let again = jobs.iter().any(|job| job.again);
        let mut group = Vec::with_capacity(jobs.len());
        for job in jobs {
            group.push(self.pack(job).await?);
        }
        if again {
            match self.store.stored(&group).await {
                Ok(stored) => group = self.told(group, &stored)?,
                Err(cause) => {
                    self.complain(&cause, group.len());
                    return Ok(Tried { outage: group, refused: Vec::new() });
                }
            }
        }
        let (group, late) = self.store.place(group).await;
        let mut tried = match self.commit(&group).await? {
            Ok(()) => Tried::default(),
            Err(cause) => {
                self.complain(&cause, group.len());
                if cause.outage() {
                    Tried { outage: group, refused: Vec::new() }
                } else {
                    Tried { outage: Vec::new(), refused: self.store_singly(group).await? }
                }
            }
        };
        // What follows a late step is late, too; so nothing is put in a wrong order here.
        let left = if tried.outage.is_empty() { &mut tried.refused } else { &mut tried.outage };
        left.extend(late);
        Ok(tried)
    }

    /// Takes out what is stored already, of which an earlier answer was lost.
    fn told(&self, group: Vec<Write>, stored: &[bool]) -> Result<Vec<Write>, Over> {
        let mut left = Vec::new();
        for (write, stored) in group.into_iter().zip(stored) {
            if *stored {
                let session = write.session;
                tracing::info!(%session, "a step was stored, and its answer lost");
                self.is_stored(&write)?;
            } else {
                left.push(write);
            }
        }
        Ok(left)
    }

    fn complain(&self, cause: &recording::Error, steps: usize) {
        let (cause, partition) = (causes(cause), self.lease.partition.number());
        tracing::warn!(cause, partition, steps, "recordings can't be stored; trying again");
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
        let Job { mut write, piece, .. } = job;
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
            self.is_stored(write)?;
        }
        Ok(Ok(()))
    }

    fn is_stored(&self, write: &Write) -> Result<(), Over> {
        self.meter.committed(write);
        let segment = write.segment.as_ref();
        let (packets, bytes) =
            segment.map_or((0, 0), |segment| (segment.packets, segment.raw_bytes));
        let (session, finished) = (write.session, write.finish.is_some());
        let done = Done::Committed { session, packets, bytes, finished };
        self.done.send(done).map_err(|_| Over::Unheard)
    }
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
