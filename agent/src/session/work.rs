//! What a session does beside relaying: reaching targets, cancelling statements, watching
//! over commands. Each in a task of its own, because a target that does not answer must not
//! stop the rest.

use std::{collections::HashSet, sync::Arc, time::Instant};

use hoop_domain::SessionId;
use hoop_proto::v1::channel_open::Kind;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::{
    connector::{CancelHandle, Connector, Exit, Failure, Opened, Running},
    metrics,
};

/// What came of it.
pub(super) enum Done {
    /// The target of a channel is there.
    Opened { channel: u32, opened: Opened },
    /// It is not.
    Failed { channel: u32, failure: Failure },
    /// The command of a channel is over.
    Exited { channel: u32, exit: Exit },
}

/// The tasks of one session; they end with it.
#[derive(Debug)]
pub(super) struct Work {
    session: SessionId,
    tasks: JoinSet<Outcome>,
    /// One cancellation per channel at a time: more of them would do no more.
    cancelling: HashSet<u32>,
}

enum Outcome {
    Done(Done),
    Cancelled { channel: u32 },
}

impl Work {
    pub(super) fn of(session: SessionId) -> Self {
        Self { session, tasks: JoinSet::new(), cancelling: HashSet::new() }
    }

    /// Reaches the target of a channel; how long that takes, `span` says.
    pub(super) fn reach(
        &mut self,
        channel: u32,
        connector: Arc<Connector>,
        kind: Kind,
        span: Span,
    ) {
        self.tasks.spawn(async move {
            let begun = Instant::now();
            let reached = connector.reach(kind).instrument(span.clone()).await;
            if let Err(failure) = &reached {
                span.record("reason", failure.reason.as_str());
            }
            drop(span);
            metrics::reached(begun.elapsed(), reached.as_ref().err().map(|cause| cause.reason));
            Outcome::Done(match reached {
                Ok(opened) => Done::Opened { channel, opened },
                Err(failure) => Done::Failed { channel, failure },
            })
        });
    }

    /// Watches over a command until it ends, or `stop` ends it.
    pub(super) fn supervise(&mut self, channel: u32, running: Running, stop: CancellationToken) {
        self.tasks.spawn(async move {
            let exit = running.supervise(stop).await;
            Outcome::Done(Done::Exited { channel, exit })
        });
    }

    /// Waits for everything that is under way.
    pub(super) async fn finish(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    pub(super) fn cancel(&mut self, channel: u32, handle: CancelHandle) {
        if !self.cancelling.insert(channel) {
            return;
        }
        let session = self.session;
        self.tasks.spawn(async move {
            if let Err(failure) = handle.cancel().await {
                let cause = failure.cause.as_ref().map(ToString::to_string);
                tracing::warn!(%session, channel, cause, "a statement could not be cancelled: {failure}");
            }
            Outcome::Cancelled { channel }
        });
    }

    /// The next target that was reached or not. Never, while nothing is under way.
    pub(super) async fn done(&mut self) -> Done {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(Outcome::Done(done))) => return done,
                Some(Ok(Outcome::Cancelled { channel })) => {
                    self.cancelling.remove(&channel);
                }
                // A task that panicked was logged by its panic.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }
}
