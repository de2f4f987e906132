//! A gRPC client that sends what it is told to.

use anyhow::{Context, bail};
use hoop_proto::{self as proto, down, payload, transport_client::TransportClient, up};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Status, Streaming,
    metadata::AsciiMetadataKey,
    transport::{Channel, Endpoint},
};

use crate::Result;

/// One `Connect` stream.
pub(crate) struct Call {
    up: mpsc::Sender<proto::Up>,
    /// Comes with the answer's headers, which an edge sends after the hello.
    answer: tokio::task::JoinHandle<Result<tonic::Response<Streaming<proto::Down>>, Status>>,
    down: Option<Streaming<proto::Down>>,
}

pub(crate) fn hello(connection: &str) -> up::Frame {
    hello_for(connection, "")
}

/// The same for a verb.
pub(crate) fn hello_for(connection: &str, verb: &str) -> up::Frame {
    up::Frame::ClientHello(proto::ClientHello {
        connection_name: connection.to_owned(),
        application: "a test".to_owned(),
        verb: verb.to_owned(),
        ..proto::ClientHello::default()
    })
}

/// Begins a stream to the edge on `port`.
pub(crate) async fn call(port: u16, metadata: &[(&str, &str)]) -> Result<Call> {
    let mut client = TransportClient::new(channel(port).await?);
    let (up, frames) = mpsc::channel(16);
    let mut request = Request::new(ReceiverStream::new(frames));
    for (name, value) in metadata {
        let name = AsciiMetadataKey::from_bytes(name.as_bytes())?;
        request.metadata_mut().insert(name, value.parse()?);
    }
    let answer = tokio::spawn(async move { client.connect(request).await });
    Ok(Call { up, answer, down: None })
}

/// A connection to the edge on `port`.
pub(crate) async fn channel(port: u16) -> Result<Channel> {
    Ok(Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?.connect().await?)
}

impl Call {
    pub(crate) async fn send(&mut self, frame: up::Frame) -> Result {
        self.send_raw(proto::Up { frame: Some(frame) }).await
    }

    pub(crate) async fn send_raw(&mut self, up: proto::Up) -> Result {
        self.up.send(up).await.context("the stream is closed")
    }

    /// The next frame; the status when the edge refuses, `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<down::Frame>, Status> {
        if self.down.is_none() {
            let answer =
                (&mut self.answer).await.map_err(|error| Status::internal(error.to_string()))?;
            self.down = Some(answer?.into_inner());
        }
        match &mut self.down {
            Some(down) => Ok(down.message().await?.and_then(|down| down.frame)),
            None => Ok(None),
        }
    }

    /// Reads until `wanted` finds its frame.
    pub(crate) async fn until<T>(
        &mut self,
        wanted: impl Fn(down::Frame) -> Option<T>,
    ) -> Result<T> {
        loop {
            match self.next().await? {
                Some(frame) => {
                    if let Some(found) = wanted(frame) {
                        return Ok(found);
                    }
                }
                None => bail!("the stream ended before"),
            }
        }
    }

    /// The status with which the edge refuses the stream.
    pub(crate) async fn refusal(&mut self) -> Result<Status> {
        loop {
            match self.next().await {
                Err(status) => return Ok(status),
                Ok(Some(_)) => {}
                Ok(None) => bail!("the stream ended without a refusal"),
            }
        }
    }

    /// The first payload that `wanted` takes.
    pub(crate) async fn payload(
        &mut self,
        wanted: impl Fn(&payload::Body) -> bool,
    ) -> Result<payload::Body> {
        self.until(|frame| match frame {
            down::Frame::Delivery(delivery) => {
                delivery.payload.and_then(|payload| payload.body).filter(|body| wanted(body))
            }
            _ => None,
        })
        .await
    }

    /// Waits until the edge says that the session is over, in whatever way.
    pub(crate) async fn closed(&mut self) -> Result {
        while let Ok(Some(frame)) = self.next().await {
            if matches!(frame, down::Frame::SessionClosed(_)) {
                break;
            }
        }
        Ok(())
    }
}
