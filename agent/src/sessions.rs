//! The sessions of an agent, each a task of its own.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::agreement::PrivateKey;
use hoop_client::stream::Credentials;
use hoop_domain::SessionId;
use hoop_proto::v1::SessionOpen;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::{
    Providers,
    connector::{Shared, Tls},
    session,
    surroundings::Surroundings,
};

/// How long a session may take to say good-bye, and its command to end after SIGTERM.
const GOOD_BYE: Duration = Duration::from_secs(7);

/// What every session needs and none changes.
pub(crate) struct Context {
    pub(crate) credentials: Credentials,
    pub(crate) seal_key: PrivateKey,
    pub(crate) shared: Shared,
    pub(crate) providers: Providers,
}

/// The live sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    context: Arc<Context>,
    tasks: JoinSet<()>,
    stop: Stop,
}

/// Why sessions are ended from within the agent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    /// The agent shuts down.
    pub(crate) shutdown: CancellationToken,
    /// Its key was revoked.
    pub(crate) revoked: CancellationToken,
}

impl Context {
    pub(crate) fn new(
        credentials: Credentials,
        seal_key: PrivateKey,
        surroundings: Surroundings,
        providers: Providers,
    ) -> Self {
        let shared = Shared { tls: Tls::default(), surroundings: Arc::new(surroundings) };
        Self { credentials, seal_key, shared, providers }
    }
}

impl Sessions {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, tasks: JoinSet::new(), stop: Stop::default() }
    }

    /// Takes up a session that an edge offers; `false` when the offer has no session id.
    #[must_use]
    pub(crate) fn begin(&mut self, channel: Channel, open: SessionOpen) -> bool {
        let Ok(id) = SessionId::try_from(open.session.as_ref()) else { return false };
        while self.tasks.try_join_next().is_some() {}
        let (context, stop) = (Arc::clone(&self.context), self.stop.clone());
        self.tasks.spawn(session::run(context, channel, id, open, stop));
        true
    }

    /// Ends every session now, with what it runs on its target: the right to have them is gone.
    pub(crate) fn cut(&mut self) {
        std::mem::take(&mut self.stop.revoked).cancel();
    }

    /// Lets sessions go on for `grace`, then ends those that still live.
    pub(crate) async fn finish(mut self, grace: Duration) {
        while self.tasks.try_join_next().is_some() {}
        if !self.tasks.is_empty() {
            tracing::info!(sessions = self.tasks.len(), "waiting for live sessions");
        }
        if timeout(grace, self.all_ended()).await.is_err() {
            self.stop.shutdown.cancel();
            let _ = timeout(GOOD_BYE, self.all_ended()).await;
        }
    }

    /// Waits until no session lives. Cancel safe.
    pub(crate) async fn all_ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}
