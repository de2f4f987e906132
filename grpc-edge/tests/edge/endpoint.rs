//! Clients and agents that do what they are told to.

use anyhow::{Context, bail, ensure};
use futures_util::stream;
use hoop_proto::{self as proto, down, payload, transport_client::TransportClient, up};
use tokio::sync::mpsc;
use tonic::{
    Request, Status, Streaming,
    metadata::MetadataValue,
    transport::{Channel, Endpoint},
};

use crate::{
    Result,
    world::{KEY, World, telemetry},
};

/// One end of a `Connect` stream.
pub(crate) struct Stream {
    up: mpsc::Sender<proto::Up>,
    down: Streaming<proto::Down>,
    /// A client's session, and what proves that it is its own.
    pub(crate) opened: proto::SessionOpened,
}

/// A stream that broke: nobody reads what comes, and nobody has hung up.
pub(crate) struct Broken(
    #[expect(dead_code, reason = "dropping it hangs up")] mpsc::Sender<proto::Up>,
);

fn signed<T>(message: T, bearer: &str) -> Result<Request<T>> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {bearer}").parse()?);
    request.metadata_mut().insert("agent-name", MetadataValue::from_static("dev"));
    Ok(request)
}

pub(crate) async fn channel(world: &World, edge: usize) -> Result<TransportClient<Channel>> {
    let address = format!("http://{}", world.edges[edge]);
    // Small, so that who does not read is noticed soon.
    let endpoint = Endpoint::from_shared(address)?.initial_stream_window_size(64 * 1024);
    Ok(TransportClient::new(endpoint.connect().await?))
}

impl Stream {
    async fn begin(world: &World, edge: usize, bearer: &str, hello: up::Frame) -> Result<Self> {
        let (up, frames) = mpsc::channel(16);
        up.send(proto::Up { frame: Some(hello) }).await?;
        let frames = stream::unfold(frames, async |mut frames| {
            frames.recv().await.map(|frame| (frame, frames))
        });
        let request = signed(Box::pin(frames), bearer)?;
        let down = channel(world, edge).await?.connect(request).await?.into_inner();
        Ok(Self { up, down, opened: proto::SessionOpened::default() })
    }

    /// A client that asks for a session; its stream begins when that is open.
    pub(crate) async fn client(world: &World, edge: usize) -> Result<Self> {
        let hello = proto::ClientHello {
            connection_name: "pg".into(),
            application: "a test".into(),
            ..proto::ClientHello::default()
        };
        let mut client = Self::begin(world, edge, "a token", up::Frame::ClientHello(hello)).await?;
        match client.next().await? {
            Some(down::Frame::SessionOpened(opened)) => {
                client.opened = opened;
                Ok(client)
            }
            other => bail!("instead of an open session: {other:?}"),
        }
    }

    /// The client of that session comes back, having received nothing yet. Returns how many
    /// of its payloads are recorded.
    pub(crate) async fn back(
        world: &World,
        edge: usize,
        opened: &proto::SessionOpened,
    ) -> Result<(Self, u64)> {
        let (session, token) = (opened.session.clone(), opened.token.clone());
        let hello = proto::ResumeHello { session, token, ..proto::ResumeHello::default() };
        let mut client = Self::begin(world, edge, "", up::Frame::ResumeHello(hello)).await?;
        match client.next().await? {
            Some(down::Frame::Resumed(resumed)) => Ok((client, resumed.payloads)),
            other => bail!("instead of a session that goes on: {other:?}"),
        }
    }

    /// Stops reading, as a connection that breaks does.
    pub(crate) fn break_off(self) -> Broken {
        Broken(self.up)
    }

    /// An agent's control stream.
    pub(crate) async fn agent(world: &World, edge: usize) -> Result<Self> {
        let hello = proto::AgentHello::default();
        let mut agent = Self::begin(world, edge, KEY, up::Frame::AgentHello(hello)).await?;
        match agent.next().await? {
            Some(down::Frame::AgentWelcome(welcome)) => {
                let handed = welcome.telemetry.context("the agent was handed nothing")?;
                ensure!(handed == telemetry(), "the agent was handed something else");
                Ok(agent)
            }
            other => bail!("instead of a welcome: {other:?}"),
        }
    }

    /// As an agent: joins the session that is offered next.
    pub(crate) async fn join(&mut self, world: &World, edge: usize) -> Result<Self> {
        let offer = self
            .until(|frame| match frame {
                down::Frame::SessionOpen(offer) => Some(offer),
                _ => None,
            })
            .await?;
        let hello = proto::AttachHello { session: offer.session, token: offer.token };
        Self::begin(world, edge, "", up::Frame::AttachHello(hello)).await
    }

    /// Sends; fails when the stream is over.
    pub(crate) async fn send(&self, channel: u32, body: payload::Body) -> Result {
        self.say(up::Frame::Payload(proto::Payload { channel, body: Some(body) })).await
    }

    /// Sends whatever frame.
    pub(crate) async fn say(&self, frame: up::Frame) -> Result {
        let frame = Some(frame);
        self.up.send(proto::Up { frame }).await.context("the stream is over")
    }

    /// Sends without end, until the stream is over.
    pub(crate) fn flood(&self, payload: proto::Payload) -> impl Future<Output = ()> + use<> {
        let up = self.up.clone();
        async move {
            let frame = Some(up::Frame::Payload(payload));
            while up.send(proto::Up { frame: frame.clone() }).await.is_ok() {}
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<down::Frame>, Status> {
        Ok(self.down.message().await?.and_then(|down| down.frame))
    }

    /// Reads until `wanted` finds its frame.
    pub(crate) async fn until<T>(
        &mut self,
        wanted: impl Fn(down::Frame) -> Option<T>,
    ) -> Result<T> {
        let waiting = async {
            loop {
                let frame = self.next().await?.context("the stream ended before")?;
                if let Some(found) = wanted(frame) {
                    return Ok(found);
                }
            }
        };
        tokio::time::timeout(hoop_testkit::patience(), waiting).await?
    }

    /// Why the edge says that the session is over.
    pub(crate) async fn closed(&mut self) -> Result<proto::SessionClosed> {
        self.until(|frame| match frame {
            down::Frame::SessionClosed(closed) => Some(closed),
            _ => None,
        })
        .await
    }

    pub(crate) async fn notice(&mut self) -> Result<String> {
        self.until(|frame| match frame {
            down::Frame::Notice(notice) => Some(notice.message),
            _ => None,
        })
        .await
    }
}

/// What an agent is advised to do.
pub(crate) async fn pre_connect(
    world: &World,
    edge: usize,
    bearer: &str,
) -> Result<proto::pre_connect_response::Advice> {
    let request = signed(proto::PreConnectRequest { version: "1".into() }, bearer)?;
    Ok(channel(world, edge).await?.pre_connect(request).await?.into_inner().advice())
}

/// A session that is open: the client, the agent's control stream, the agent's end.
pub(crate) async fn session(world: &World) -> Result<(Stream, Stream, Stream)> {
    session_over(world, 0, 0).await
}

/// The same with the agent's end on `agent_edge`.
pub(crate) async fn session_over(
    world: &World,
    client_edge: usize,
    agent_edge: usize,
) -> Result<(Stream, Stream, Stream)> {
    let mut control = Stream::agent(world, agent_edge).await?;
    let (client, agent) =
        tokio::try_join!(Stream::client(world, client_edge), control.join(world, agent_edge))?;
    Ok((client, control, agent))
}
