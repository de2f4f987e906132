//! An edge whose every word the test decides.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use hoop_domain::{ConnectionType, SessionId, seal};
use hoop_proto::v1::{
    self, Attached, ChannelOpen, Delivery, Payload, SessionOpen, TcpOpen,
    channel_open::Kind,
    down,
    payload::Body,
    pre_connect_response::Advice,
    transport_server::{Transport, TransportServer},
    up,
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap, transport::Server};

use super::Rig;

type Downs = UnboundedReceiverStream<Result<v1::Down, Status>>;

/// The edge: hands each stream that the agent opens to the test.
pub(super) struct Edge {
    pub(super) address: SocketAddr,
    streams: mpsc::UnboundedReceiver<Stream>,
    /// What embedded agents are told, and how often they have asked.
    pub(super) wanted: Arc<AtomicBool>,
    pub(super) asked: Arc<AtomicUsize>,
    /// Whether their question does not get here.
    pub(super) narrow: Arc<AtomicBool>,
}

/// One stream of the agent.
pub(super) struct Stream {
    metadata: MetadataMap,
    ups: Streaming<v1::Up>,
    downs: mpsc::UnboundedSender<Result<v1::Down, Status>>,
    /// Credit beyond the window, on channel 1.
    pub(super) granted: u64,
}

struct Service {
    opened: mpsc::UnboundedSender<Stream>,
    wanted: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    narrow: Arc<AtomicBool>,
}

#[tonic::async_trait]
impl Transport for Service {
    type ConnectStream = Pin<Box<Downs>>;

    async fn pre_connect(
        &self,
        request: Request<v1::PreConnectRequest>,
    ) -> Result<Response<v1::PreConnectResponse>, Status> {
        assert_eq!(request.metadata().get("agent-name").unwrap(), "dev");
        assert!(request.metadata().contains_key("authorization"));
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.narrow.load(Ordering::Relaxed) {
            return Err(Status::unimplemented("no such path"));
        }
        let wanted = self.wanted.load(Ordering::Relaxed);
        let advice = if wanted { Advice::Connect } else { Advice::BackOff };
        Ok(Response::new(v1::PreConnectResponse { advice: advice.into() }))
    }

    async fn health_check(
        &self,
        _: Request<v1::HealthCheckRequest>,
    ) -> Result<Response<v1::HealthCheckResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn connect(
        &self,
        request: Request<Streaming<v1::Up>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (downs, frames) = mpsc::unbounded_channel();
        let metadata = request.metadata().clone();
        let _ = self.opened.send(Stream { metadata, ups: request.into_inner(), downs, granted: 0 });
        Ok(Response::new(Box::pin(Downs::new(frames))))
    }
}

impl Edge {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (opened, streams) = mpsc::unbounded_channel();
        let (wanted, asked, narrow) = (Arc::default(), Arc::default(), Arc::default());
        let service = Service {
            opened,
            wanted: Arc::clone(&wanted),
            asked: Arc::clone(&asked),
            narrow: Arc::clone(&narrow),
        };
        let service = TransportServer::new(service);
        let serve = Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serve);
        Self { address, streams, wanted, asked, narrow }
    }

    /// The next stream that the agent opens.
    pub(super) async fn stream(&mut self) -> Stream {
        self.streams.recv().await.unwrap()
    }
}

impl Stream {
    pub(super) fn header(&self, name: &str) -> &str {
        self.metadata.get(name).unwrap().to_str().unwrap()
    }

    pub(super) fn frame(&self, frame: down::Frame) {
        self.downs.send(Ok(v1::Down { frame: Some(frame) })).unwrap();
    }

    pub(super) fn deliver(&self, channel: u32, body: Body) {
        let payload = Some(Payload { channel, body: Some(body) });
        self.frame(down::Frame::Delivery(Delivery { seq: 1, payload, pieces: 1 }));
    }

    /// The agent's next frame; `None` when its stream is over.
    pub(super) async fn sent(&mut self) -> Option<up::Frame> {
        self.ups.message().await.ok().flatten().and_then(|up| up.frame)
    }

    pub(super) async fn payload(&mut self) -> (u32, Body) {
        match self.sent().await {
            Some(up::Frame::Payload(Payload { channel, body: Some(body) })) => (channel, body),
            other => panic!("{other:?} is no payload"),
        }
    }

    /// Everything that comes as data on a channel until there are `len` bytes.
    pub(super) async fn data(&mut self, len: usize) -> Vec<u8> {
        let mut got = Vec::new();
        while got.len() < len {
            let (_, Body::Data(data)) = self.payload().await else { panic!("data was expected") };
            got.extend_from_slice(&data);
        }
        got
    }

    /// Opens a TCP channel and waits until it is ready.
    pub(super) async fn ready(&mut self, channel: u32) {
        let kind = Some(Kind::Tcp(TcpOpen {}));
        self.deliver(channel, Body::ChannelOpen(ChannelOpen { kind }));
        let (got, body) = self.payload().await;
        assert!(got == channel && matches!(body, Body::ChannelReady(_)), "{got} {body:?}");
    }
}

impl Rig {
    /// Offers a session whose secrets are `json` and returns its stream, attached.
    pub(super) async fn session(&mut self, kind: ConnectionType, json: &str) -> Stream {
        let id = SessionId::generate();
        let sealed = seal::seal(&self.key.seal_public_key().unwrap(), id, json.as_bytes());
        self.offer(kind.as_str(), id, sealed.unwrap()).await
    }

    /// The same for a connection that has a command.
    pub(super) async fn command_session(&mut self, command: &[&str], json: &str) -> Stream {
        let id = SessionId::generate();
        let sealed = seal::seal(&self.key.seal_public_key().unwrap(), id, json.as_bytes());
        let command = command.iter().map(ToString::to_string).collect();
        self.offer_command("command-line", id, sealed.unwrap(), command).await
    }

    pub(super) async fn offer(&mut self, kind: &str, id: SessionId, sealed: Vec<u8>) -> Stream {
        self.offer_command(kind, id, sealed, Vec::new()).await
    }

    async fn offer_command(
        &mut self,
        kind: &str,
        id: SessionId,
        sealed: Vec<u8>,
        command: Vec<String>,
    ) -> Stream {
        self.control.frame(down::Frame::SessionOpen(SessionOpen {
            session: Bytes::copy_from_slice(id.as_bytes()),
            token: Bytes::from_static(b"token"),
            connection_name: "target".into(),
            connection_type: kind.into(),
            sealed_secret: sealed.into(),
            window: 0,
            command,
            verb: String::new(),
            traceparent: String::new(),
        }));
        let mut stream = self.edge.stream().await;
        let Some(up::Frame::AttachHello(hello)) = stream.sent().await else {
            panic!("a session's stream begins with an AttachHello")
        };
        assert_eq!(
            (hello.session.as_ref(), hello.token.as_ref()),
            (id.as_bytes().as_slice(), b"token".as_slice())
        );
        stream.frame(down::Frame::Attached(Attached { window: 0, resume_seconds: 0 }));
        stream
    }
}
