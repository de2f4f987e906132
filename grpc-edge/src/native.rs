//! The native listeners' way into sessions: an in-process client of this edge.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use hoop_domain::{DenialCode, Direction, EndReason, SessionId};
use hoop_native::{
    Denied, Ended, FromTarget, Gateway, OpenRequest, SessionRx, SessionTx, ToTarget,
};
use hoop_proto::{self as proto, edge_refusal::Asked, packet, payload};
use hoop_runtime::{span, trace};
use hoop_wire::postgres::scram::Verifier;
use tokio::sync::mpsc;
use tracing::{Instrument, field::Empty};

use crate::{
    control,
    edge::Shared,
    open::Caller,
    session::{Event, Events, Inlet, LocalCredit, Session, outlet},
};

/// A native session is one channel.
const CHANNEL: u32 = 1;

/// What the listeners are given.
#[derive(Debug, Clone)]
pub(crate) struct NativeGateway(Arc<Shared>);

impl NativeGateway {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

fn denied(denial: proto::Denial) -> Denied {
    Denied { code: denial.reason(), message: denial.message }
}

impl Gateway for NativeGateway {
    type Tx = Tx;
    type Rx = Rx;

    async fn verifier(&self, username: &str) -> Result<Verifier, Denied> {
        let request = proto::VerifierRequest { username: username.into() };
        let verifier = control::verifier(&self.0.bus, &request).await.map_err(denied)?;
        read_verifier(&verifier)
    }

    async fn refused(&self, username: &str, database: &str, address: SocketAddr) {
        let asked = proto::RefusedConnection {
            credential_username: username.into(),
            connection_name: database.into(),
            verb: "connect".into(),
        };
        control::refused(&self.0.bus, address.to_string(), Asked::Connection(asked)).await;
    }

    async fn open(&self, request: OpenRequest) -> Result<(Tx, Rx), Denied> {
        let span = span!("open session", session = Empty, way = "native");
        self.open_traced(request).instrument(span).await
    }

    async fn cancel(&self, key: Vec<u8>) {
        self.0.cancel(key).await;
    }
}

impl NativeGateway {
    async fn open_traced(&self, request: OpenRequest) -> Result<(Tx, Rx), Denied> {
        let caller = Caller {
            address: request.client_address.to_string(),
            application: request.application.clone(),
        };
        let question = proto::AuthorizeRequest {
            proof: Some(proto::authorize_request::Proof::CredentialUsername(
                request.username().into(),
            )),
            connection_name: request.database,
            protocol: "postgres".into(),
            client_address: caller.address.clone(),
            client_application: caller.application.clone(),
            verb: "connect".into(),
            exec: None,
            access_seconds: 0,
            runbook: Bytes::new(),
            session: Bytes::copy_from_slice(SessionId::generate().as_bytes()),
            traceparent: trace::carried(""),
        };
        let permit = control::authorize(&self.0.bus, &question).await.map_err(denied)?;
        let credit = Arc::new(LocalCredit::new(CHANNEL));
        let (outlet, events) = outlet();
        let outlet = outlet.with_credit(credit.clone());
        let end = self.0.open(permit, caller, outlet).await.map_err(denied)?;
        let (cancel, cancels) = mpsc::channel(1);
        self.0.cancel_keys.remember(end.session.id(), request.cancel_key, cancel);
        let tx = Tx::spawn(end.inlet, credit, cancels);
        let granted = packet::WINDOW.into();
        let rx = Rx { events, session: end.session, consumed: 0, granted, last: 0 };
        Ok((tx, rx))
    }
}

fn read_verifier(verifier: &proto::ScramVerifier) -> Result<Verifier, Denied> {
    Verifier::new(&verifier.salt, verifier.iterations, &verifier.stored_key, &verifier.server_key)
        .map_err(|cause| {
            tracing::error!(%cause, "api holds a verifier that makes no sense");
            Denied::new(DenialCode::DeciderUnavailable)
        })
}

/// Towards the target. The inlet is shared with cancel requests, which come from elsewhere.
pub(crate) struct Tx {
    inlet: Arc<tokio::sync::Mutex<Option<Inlet>>>,
    credit: Arc<LocalCredit>,
    session: Arc<Session>,
}

impl Tx {
    fn spawn(inlet: Inlet, credit: Arc<LocalCredit>, mut cancels: mpsc::Receiver<()>) -> Self {
        let session = inlet.session().clone();
        let inlet = Arc::new(tokio::sync::Mutex::new(Some(inlet)));
        let tx = Self { inlet: inlet.clone(), credit, session: session.clone() };
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = session.ended() => return,
                    cancel = cancels.recv() => if cancel.is_none() { return },
                }
                let body = payload::Body::ChannelCancel(proto::ChannelCancel {});
                let payload = proto::Payload { channel: CHANNEL, body: Some(body) };
                if let Some(inlet) = inlet.lock().await.as_mut() {
                    let _ = inlet.send(payload).await;
                }
            }
        });
        tx
    }

    async fn pass(&self, payload: proto::Payload) -> Result<(), Ended> {
        match self.inlet.lock().await.as_mut() {
            Some(inlet) => inlet.send(payload).await.map_err(|_| Ended),
            None => Err(Ended),
        }
    }
}

impl SessionTx for Tx {
    async fn send(&mut self, item: ToTarget) -> Result<(), Ended> {
        match item {
            ToTarget::Open { parameters } => {
                let parameters = parameters
                    .into_iter()
                    .map(|(name, value)| proto::Parameter { name, value })
                    .collect();
                let kind = proto::channel_open::Kind::Postgres(proto::PostgresOpen { parameters });
                let body = payload::Body::ChannelOpen(proto::ChannelOpen { kind: Some(kind) });
                self.pass(proto::Payload { channel: CHANNEL, body: Some(body) }).await
            }
            ToTarget::Data(mut data) => {
                while !data.is_empty() {
                    let piece = data.split_to(data.len().min(packet::LARGEST_DATA));
                    self.send_piece(piece).await?;
                }
                Ok(())
            }
            ToTarget::Close => {
                if let Some(inlet) = self.inlet.lock().await.take() {
                    inlet.finish(EndReason::ClientClosed).await;
                }
                Ok(())
            }
        }
    }

    async fn ended(&mut self) {
        self.session.ended().await;
    }
}

impl Tx {
    async fn send_piece(&self, piece: Bytes) -> Result<(), Ended> {
        let payload = proto::Payload::data(CHANNEL, piece);
        self.credit.spend(payload.cost()).await.map_err(|_| Ended)?;
        self.pass(payload).await
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let inlet = self.inlet.clone();
        tokio::spawn(async move {
            if let Some(inlet) = inlet.lock().await.take() {
                inlet.finish(EndReason::ClientClosed).await;
            }
        });
    }
}

/// From the target.
pub(crate) struct Rx {
    events: Events,
    session: Arc<Session>,
    /// What was taken and not granted again.
    consumed: usize,
    /// What was granted in all.
    granted: u64,
    /// What the item costs that the listener is busy with.
    last: usize,
}

impl Rx {
    async fn grant(&mut self) {
        self.consumed += std::mem::take(&mut self.last);
        if self.consumed < packet::WINDOW as usize / 2 {
            return;
        }
        let consumed = std::mem::take(&mut self.consumed);
        self.granted = self.granted.saturating_add(u64::try_from(consumed).unwrap_or(u64::MAX));
        let credit = proto::Credit { channel: CHANNEL, total: self.granted };
        self.session.pass_credit(Direction::In, credit).await;
    }

    fn translate(&mut self, event: Event) -> Option<FromTarget> {
        match event {
            Event::Closed(closed) => Some(ended(closed)),
            // The outlet has handed it to the sending half.
            Event::Credit(_) | Event::Received(_) => None,
            Event::Moved => Some(ended(proto::SessionClosed::of(EndReason::EdgeLost))),
            Event::Notice(sentence) => Some(FromTarget::Notice(sentence)),
            Event::Delivery(delivery) => self.deliver(delivery.payload?, delivery.pieces),
        }
    }

    fn deliver(&mut self, payload: proto::Payload, pieces: u32) -> Option<FromTarget> {
        self.last += payload.cost_of(pieces);
        match payload.body? {
            payload::Body::Data(data) => Some(FromTarget::Data(data)),
            payload::Body::ChannelReady(ready) => Some(FromTarget::Ready {
                parameters: ready.parameters.into_iter().map(|p| (p.name, p.value)).collect(),
            }),
            payload::Body::ChannelFailed(failed) => {
                let reason = failed.code.parse().unwrap_or(EndReason::TargetUnreachable);
                // A native session is one channel, and this is why it ends: the client that
                // hangs up when it hears of it is not.
                self.session.close(proto::SessionClosed::with(reason, failed.message.clone()));
                Some(FromTarget::Failed { reason, message: failed.message })
            }
            payload::Body::SessionEnd(end) => {
                Some(ended(proto::SessionClosed { code: end.code, message: end.message }))
            }
            // The target hung up: the session's end follows.
            payload::Body::ChannelClose(_) => None,
            payload::Body::ChannelOpen(_)
            | payload::Body::ChannelCancel(_)
            | payload::Body::Stderr(_)
            | payload::Body::TerminalResize(_)
            | payload::Body::ChannelExit(_) => {
                self.session.end(EndReason::ProtocolViolation);
                None
            }
        }
    }
}

fn ended(closed: proto::SessionClosed) -> FromTarget {
    FromTarget::Ended { reason: closed.reason(), message: closed.message }
}

impl SessionRx for Rx {
    async fn recv(&mut self) -> FromTarget {
        self.grant().await;
        loop {
            let Some(event) = self.events.recv().await else {
                let lost = || proto::SessionClosed::of(EndReason::AgentLost);
                return ended(self.session.ended_with().unwrap_or_else(lost));
            };
            if let Some(item) = self.translate(event) {
                return item;
            }
        }
    }
}
