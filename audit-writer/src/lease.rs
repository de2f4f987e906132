//! Taking part in the partitions: a fair share of them, each with a worker.
//!
//! All writers do the same round every two seconds: say that they are alive, renew what
//! they have, see how many there are. Who has more than a fair share gives some back, who
//! has less takes what is free. A writer that died is counted until its leases run out.

use std::{collections::HashMap, sync::Arc, time::Duration};

use hoop_domain::Partition;
use hoop_runtime::Drain;
use hoop_store::{
    Store,
    recording::{Lease, Round, Trouble, WriterId},
};
use tokio::{
    sync::watch,
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    Error,
    commit::causes,
    meter::Meter,
    partition::{Ended, Shared, Worker},
    watermark::Watermarks,
};

/// How long leases last.
#[derive(Debug, Clone)]
pub struct Timing {
    /// The time between two rounds.
    pub renew: Duration,
    /// How long a lease lasts: what a takeover takes after a crash.
    pub lease: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { renew: Duration::from_secs(2), lease: Duration::from_secs(6) }
    }
}

/// Longer than a worker needs to see that the store is too slow.
const DRAIN: Duration = Duration::from_secs(20);

/// The counters are logged after so many rounds.
const ROUNDS_PER_LOG: u32 = 30;

struct Running {
    lease: Lease,
    stop: watch::Sender<bool>,
    task: AbortHandle,
    stopping: bool,
}

type Outcome = (Partition, Result<Ended, Error>);

/// Keeps this process's leases and their workers.
pub(crate) struct Keeper {
    shared: Shared,
    writer: WriterId,
    timing: Timing,
    watermarks: Watermarks,
    /// What `api` was told last.
    told: Option<Trouble>,
    running: HashMap<Partition, Running>,
    tasks: JoinSet<Outcome>,
    nudge: watch::Sender<()>,
    /// Whether the last round failed: an outage is logged once.
    failing: bool,
}

impl Keeper {
    pub(crate) fn new(
        shared: Shared,
        writer: WriterId,
        timing: Timing,
        watermarks: Watermarks,
    ) -> Self {
        Self {
            shared,
            writer,
            timing,
            watermarks,
            told: None,
            running: HashMap::new(),
            tasks: JoinSet::new(),
            nudge: watch::Sender::new(()),
            failing: false,
        }
    }

    fn store(&self) -> Store {
        self.shared.store.database().clone()
    }

    /// Goes round until the drain begins; `ready` is called after the first round.
    pub(crate) async fn run(mut self, drain: Drain, ready: impl FnOnce()) {
        let mut ready = Some(ready);
        let mut ticks = interval(self.timing.renew);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let meter: Arc<Meter> = self.shared.meter.clone();
        let (mut rounds, mut logged) = (0, 0);
        loop {
            tokio::select! {
                () = drain.begun() => break,
                _ = ticks.tick() => {
                    self.round().await;
                    if let Some(ready) = ready.take_if(|_| !self.failing) {
                        ready();
                    }
                    meter.holds(self.running.len());
                    rounds += 1;
                    if rounds % ROUNDS_PER_LOG == 0 {
                        logged = meter.log(logged);
                    }
                }
                Some(outcome) = self.tasks.join_next_with_id() => self.ended(outcome).await,
            }
        }
        self.leave().await;
        meter.log(logged);
    }

    async fn round(&mut self) {
        let _ = self.nudge.send(());
        match self.try_round().await {
            Ok(()) => self.failing = false,
            Err(cause) => {
                if !self.failing {
                    tracing::warn!(cause = causes(&cause), "leases can't be renewed");
                }
                self.failing = true;
            }
        }
    }

    async fn try_round(&mut self) -> Result<(), Error> {
        let round = self.store().leases_renew(self.writer, self.timing.lease).await?;
        let trouble = self.watermarks.look(&self.shared.bus).await;
        if trouble != self.told {
            self.store().writer_trouble(self.writer, trouble).await?;
            self.told = trouble;
        }
        self.running.retain(|partition, running| {
            let held = round.held.contains(&running.lease);
            if !held {
                tracing::warn!(partition = partition.number(), "another writer took a partition");
                running.task.abort();
            }
            held
        });
        let share = usize::from(Partition::COUNT).div_ceil(round.writers);
        let working = self.running.values().filter(|running| !running.stopping).count();
        self.give_back(working.saturating_sub(share));
        self.take(&round, share.saturating_sub(working)).await
    }

    fn give_back(&mut self, surplus: usize) {
        let mut stoppable: Vec<_> =
            self.running.values_mut().filter(|running| !running.stopping).collect();
        stoppable.sort_by_key(|running| running.lease.partition);
        for running in stoppable.into_iter().take(surplus) {
            running.stopping = true;
            let _ = running.stop.send(true);
        }
    }

    async fn take(&mut self, round: &Round, missing: usize) -> Result<(), Error> {
        // What we hold without a worker comes from a worker that failed.
        let held = round.held.iter().map(|lease| lease.partition);
        let wanted: Vec<Partition> = held
            .chain(round.free.iter().copied())
            .filter(|partition| !self.running.contains_key(partition))
            .take(missing)
            .collect();
        for partition in wanted {
            let taken =
                self.store().lease_acquire(self.writer, partition, self.timing.lease).await?;
            if let Some(lease) = taken {
                tracing::debug!(partition = partition.number(), epoch = lease.epoch, "took over");
                self.start(lease);
            }
        }
        Ok(())
    }

    fn start(&mut self, lease: Lease) {
        let (stop, stopped) = watch::channel(false);
        let worker = Worker::new(self.shared.clone(), lease);
        let nudge = self.nudge.subscribe();
        let task =
            self.tasks.spawn(async move { (lease.partition, worker.run(stopped, nudge).await) });
        self.running.insert(lease.partition, Running { lease, stop, task, stopping: false });
    }

    async fn ended(&mut self, outcome: Result<(Id, Outcome), JoinError>) {
        let id = match &outcome {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        // A worker that was aborted has been forgotten already.
        let partition =
            self.running.iter().find(|(_, running)| running.task.id() == id).map(|(key, _)| *key);
        let Some(running) = partition.and_then(|partition| self.running.remove(&partition)) else {
            return;
        };
        let partition = running.lease.partition.number();
        match outcome {
            Ok((_, (_, Ok(Ended::Drained)))) => self.release(running.lease).await,
            Ok((_, (_, Ok(Ended::Fenced)))) => {
                tracing::warn!(partition, "another writer took a partition");
            }
            Ok((_, (_, Err(cause)))) => {
                tracing::error!(cause = causes(&cause), partition, "a worker begins again");
            }
            Err(cause) => tracing::error!(%cause, partition, "a worker begins again"),
        }
    }

    async fn release(&self, lease: Lease) {
        if let Err(cause) = self.store().lease_release(lease).await {
            let partition = lease.partition.number();
            tracing::warn!(cause = causes(&cause), partition, "a lease is left to run out");
        }
    }

    /// Stops all workers and says good-bye.
    async fn leave(&mut self) {
        self.give_back(usize::MAX);
        let all = async {
            while let Some(outcome) = self.tasks.join_next_with_id().await {
                self.ended(outcome).await;
            }
        };
        if timeout(DRAIN, all).await.is_err() {
            tracing::warn!("some partitions could not be stored; the stream keeps the rest");
            self.tasks.shutdown().await;
        }
        if let Err(cause) = self.store().writer_leave(self.writer).await {
            tracing::warn!(cause = causes(&cause), "the other writers will notice our absence");
        }
    }
}
