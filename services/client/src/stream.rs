//! Opens a stream to an edge: one `Connect` call, its first frame sent with it.

use std::{sync::Arc, time::Duration};

use hoop_proto::{
    packet::LARGEST_FRAME,
    v1::{PreConnectRequest, pre_connect_response::Advice, transport_client::TransportClient, up},
};
use hoop_runtime::trace;
use tonic::{Request, metadata::AsciiMetadataValue, transport::Channel};

use crate::{
    Error, Incoming, KeepAlive, keep_alive::SilenceTimer, outbox::Outbox, outgoing::Outgoing,
};

/// How long an edge may take to accept or refuse a stream; it asks `api` in between.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);

/// Who opens a stream.
#[derive(Debug, Clone)]
pub struct Credentials {
    bearer: AsciiMetadataValue,
    agent_name: Option<AsciiMetadataValue>,
}

impl Credentials {
    /// A user, by an API token.
    ///
    /// # Errors
    /// When the token has characters that no header can carry.
    pub fn user(token: &str) -> Result<Self, Error> {
        let mut bearer = AsciiMetadataValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Error::Unsendable { what: "token" })?;
        bearer.set_sensitive(true);
        Ok(Self { bearer, agent_name: None })
    }

    /// An agent, by its name and the token that its key gives.
    ///
    /// # Errors
    /// When one of them has characters that no header can carry.
    pub fn agent(name: &str, token: &str) -> Result<Self, Error> {
        let name = AsciiMetadataValue::try_from(name)
            .map_err(|_| Error::Unsendable { what: "agent name" })?;
        Ok(Self { agent_name: Some(name), ..Self::user(token)? })
    }

    fn sign<T>(&self, request: &mut Request<T>) {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.bearer.clone());
        if let Some(name) = &self.agent_name {
            metadata.insert("agent-name", name.clone());
        }
    }
}

/// Asks whether a client waits for this agent, which is embedded and has no stream.
///
/// # Errors
/// When the gateway refuses, or can't be reached.
pub async fn wanted(channel: Channel, credentials: &Credentials) -> Result<bool, Error> {
    let mut request = Request::new(PreConnectRequest { version: env!("CARGO_PKG_VERSION").into() });
    credentials.sign(&mut request);
    let mut client = TransportClient::new(channel);
    let asked = tokio::time::timeout(OPEN_TIMEOUT, client.pre_connect(request)).await;
    let answer = asked.map_err(|_| Error::TimedOut { seconds: OPEN_TIMEOUT.as_secs() })??;
    Ok(answer.into_inner().advice() == Advice::Connect)
}

/// The sending side of a stream. Dropping it ends that direction: tonic would otherwise
/// keep a stream alive that nobody owns.
#[derive(Debug)]
pub struct Sender(Arc<Outbox>);

impl Sender {
    /// Sends `frame`, after those that still wait.
    ///
    /// # Errors
    /// When the edge has taken nothing for so long that too many wait.
    pub fn send(&self, frame: up::Frame) -> Result<(), Error> {
        self.0.push(frame)
    }

    /// Ends this direction of the stream after the frames that wait.
    pub fn finish(&self) {
        self.0.finish();
    }

    #[cfg(test)]
    pub(crate) const fn of(outbox: Arc<Outbox>) -> Self {
        Self(outbox)
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0
    }

    pub(crate) fn share(&self) -> Arc<Outbox> {
        Arc::clone(&self.0)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Opens a stream that begins with `hello`.
///
/// # Errors
/// When the edge can't be reached or refuses.
pub async fn open(
    channel: Channel,
    credentials: &Credentials,
    hello: up::Frame,
    keep_alive: KeepAlive,
) -> Result<(Sender, Incoming), Error> {
    let outbox = Outbox::new(hello);
    let sender = Sender(Arc::clone(&outbox));
    let incoming = send(channel, credentials, outbox, 0, keep_alive).await?;
    Ok((sender, incoming))
}

/// Sends what `outbox` has for this stream of it.
pub(crate) async fn send(
    channel: Channel,
    credentials: &Credentials,
    outbox: Arc<Outbox>,
    stream: u64,
    keep_alive: KeepAlive,
) -> Result<Incoming, Error> {
    let silence = SilenceTimer::new(keep_alive.send_after);
    let mut request = Request::new(Outgoing::new(outbox, stream, silence));
    credentials.sign(&mut request);
    let traced = trace::current().and_then(|parent| AsciiMetadataValue::try_from(parent).ok());
    if let Some(parent) = traced {
        request.metadata_mut().insert("traceparent", parent);
    }
    let mut client = TransportClient::new(channel).max_decoding_message_size(LARGEST_FRAME);
    let response = tokio::time::timeout(OPEN_TIMEOUT, client.connect(request))
        .await
        .map_err(|_| Error::TimedOut { seconds: OPEN_TIMEOUT.as_secs() })??;
    Ok(Incoming::new(response.into_inner(), keep_alive))
}
