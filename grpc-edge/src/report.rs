//! Tells `api` what is here, every 10 s and on each change, and ends what it says to end.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hoop_domain::SessionId;
use hoop_proto as proto;

use crate::{control, edge::Shared};

const INTERVAL: Duration = Duration::from_secs(10);

/// Changes come in bursts; one report tells of all of them.
const SETTLE: Duration = Duration::from_millis(200);

/// A process that is about to end does not wait for a broker that is gone.
const LAST_REPORT: Duration = Duration::from_secs(2);

impl Shared {
    /// Reports until the process ends.
    pub(crate) async fn report(self: Arc<Self>) {
        loop {
            self.report_once(Vec::new()).await;
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = self.changed.notified() => tokio::time::sleep(SETTLE).await,
            }
        }
    }

    /// Reports once, with agents that have just gone.
    pub(crate) async fn report_once(&self, gone: Vec<proto::AgentPresence>) {
        let sessions = self
            .held()
            .iter()
            .filter(|held| held.client_of().is_some())
            .map(|held| Bytes::copy_from_slice(held.session.id().as_bytes()))
            .collect();
        let mut agents = self.agents.present();
        agents.extend(gone);
        let ended = self.ended.next();
        // What is over is told at once, elsewhere.
        let (edge, over) = (self.id.clone(), Vec::new());
        let report = proto::EdgeReport { edge, sessions, agents, ended, over };
        // What went wrong has been logged; the next report is soon, and says it all again.
        let Ok(kills) = control::report(&self.bus, &report).await else { return };
        if self.ended.told(&report.ended) {
            self.changed.notify_one();
        }
        for kill in kills {
            let id = SessionId::try_from(kill.session.as_ref()).ok();
            if let Some(session) = id.and_then(|id| self.session(id)) {
                session.close(proto::SessionClosed { code: kill.code, message: kill.message });
            }
        }
    }

    /// Before the process ends: how sessions ended that nobody else can tell of.
    pub(crate) async fn report_the_rest(&self) {
        if !self.ended.next().is_empty() {
            let _ = tokio::time::timeout(LAST_REPORT, self.report_once(Vec::new())).await;
        }
    }
}
