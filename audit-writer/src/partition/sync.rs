//! `synced` sessions: their packets into the journal, and the word that they are there.

use std::collections::HashSet;

use hoop_bus::Subject;
use hoop_domain::{Both, SessionId};
use hoop_proto::v1::{RelayFrame, Synced, relay_frame::Frame};
use prost::Message;
use tokio::task::JoinError;

use super::Worker;
use crate::{Error, consumer::Consumer};

impl Worker {
    /// Has the journal written for those of `touched` that wait for it.
    pub(super) fn sync(&mut self, touched: &HashSet<SessionId>, consumer: &mut Consumer) {
        for id in touched {
            if let Some(live) = self.live.get(id).filter(|live| live.session.synced()) {
                self.journal.tell(*id, live.session.seqs());
                // Somebody waits for each packet.
                consumer.hurry(true);
            }
        }
        self.journal.start();
    }

    /// Tells the edges what is on the disk, and goes on with what came meanwhile.
    pub(super) async fn tell_synced(
        &mut self,
        told: Result<Vec<(SessionId, Both<u64>)>, JoinError>,
    ) -> Result<(), Error> {
        let told = told.map_err(|cause| Error::broker(format!("the journal broke: {cause}")))?;
        for (session, seqs) in told {
            let synced = Synced { in_seq: seqs.inward, out_seq: seqs.outward };
            let frame = RelayFrame { frame: Some(Frame::Synced(synced)) };
            let subject = Subject::Synced { session }.to_string();
            let client = self.shared.bus.client();
            client.publish(subject, frame.encode_to_vec().into()).await.map_err(Error::broker)?;
        }
        self.journal.start();
        Ok(())
    }

    /// Removes what is stored, and says again what is on the disk: a word may get lost, and an
    /// edge that took a session over has not heard it.
    pub(super) fn look_after_journal(&mut self, consumer: &mut Consumer) {
        let live = &self.live;
        self.journal.forget(|id| live.get(&id).map(|live| live.session.committed_seqs()));
        let synced = live.iter().filter(|(_, live)| live.session.synced());
        let mut waits = false;
        for (id, live) in synced {
            self.journal.tell(*id, live.session.seqs());
            waits = true;
        }
        consumer.hurry(waits);
        self.journal.start();
    }
}
