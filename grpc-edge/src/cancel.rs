//! PostgreSQL's CancelRequest: it comes on a connection of its own, perhaps to another edge.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::constant_time;
use futures_util::StreamExt;
use hoop_bus::Subject;
use hoop_domain::SessionId;
use hoop_proto as proto;
use prost::Message;
use tokio::sync::mpsc;

use crate::edge::Shared;

/// The keys of the sessions whose clients are here, and how to cancel what they run.
#[derive(Debug, Default)]
pub(crate) struct CancelKeys(Mutex<HashMap<SessionId, Cancelable>>);

#[derive(Debug)]
struct Cancelable {
    key: Vec<u8>,
    cancel: mpsc::Sender<()>,
}

impl CancelKeys {
    pub(crate) fn remember(&self, session: SessionId, key: Vec<u8>, cancel: mpsc::Sender<()>) {
        self.keys().insert(session, Cancelable { key, cancel });
    }

    pub(crate) fn forget(&self, session: SessionId) {
        self.keys().remove(&session);
    }

    /// Cancels what the session with this key runs. The key is compared with every one in
    /// the time that a comparison takes, so nothing can be learnt of another's.
    fn cancel(&self, key: &[u8]) -> bool {
        let keys = self.keys();
        let mut found = false;
        for session in keys.values() {
            if constant_time::verify_slices_are_equal(&session.key, key).is_ok() {
                // One that is under way already is enough.
                let _ = session.cancel.try_send(());
                found = true;
            }
        }
        found
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<SessionId, Cancelable>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Cancels here, or asks the other edges. Nobody is told whether there was anything.
    pub(crate) async fn cancel(&self, key: Vec<u8>) {
        if self.cancel_keys.cancel(&key) {
            return;
        }
        let request = proto::CancelRequest { key: key.into() };
        if let Err(cause) = self.bus.publish(&Subject::EdgesCancel, &request).await {
            tracing::warn!(%cause, "a cancel request was lost");
        }
    }

    /// Answers the cancel requests that reached other edges.
    pub(crate) async fn serve_cancels(self: Arc<Self>) {
        let Ok(mut requests) = self.bus.listen(&Subject::EdgesCancel).await else { return };
        while let Some(message) = requests.next().await {
            if let Ok(request) = proto::CancelRequest::decode(message.payload) {
                self.cancel_keys.cancel(&request.key);
            }
        }
    }
}
