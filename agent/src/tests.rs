//! The whole agent against an edge that these tests play.

mod command;
mod edge;
mod embedded;
mod postgres;
mod providers;
mod tcp;

use hoop_domain::agent_key::AgentKey;
use hoop_proto::v1::{
    AgentHello, AgentWelcome, Payload, SessionClosed, Telemetry, down, payload::Body, up,
};
use hoop_runtime::{Env, shutdown::DrainHandle};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::Config;
use edge::{Edge, Stream};

/// A running agent with its control stream.
struct Rig {
    edge: Edge,
    control: Stream,
    key: AgentKey,
    drain: DrainHandle,
    agent: JoinHandle<()>,
    private_files: TempDir,
}

impl Rig {
    async fn start() -> Self {
        hoop_runtime::process::install_crypto();
        let (mut edge, key) = (Edge::start().await, AgentKey::generate().unwrap());
        let url = format!("grpc://dev:{}@{}?mode=standard", key.reveal(), edge.address);
        let private_files = tempfile::tempdir().unwrap();
        let mut config = Config::from_env(&Env::from_pairs([("HOOP_KEY", url)]).unwrap()).unwrap();
        config.private_files = Some(private_files.path().into());
        let (drain, begun) = hoop_runtime::Drain::new();
        let agent = tokio::spawn(config.build().unwrap().run(begun));
        let control = welcome(&mut edge, &key).await;
        Self { edge, control, key, drain, agent, private_files }
    }
}

async fn welcome(edge: &mut Edge, key: &AgentKey) -> Stream {
    let mut control = edge.stream().await;
    assert_eq!(control.header("authorization"), format!("Bearer {}", key.token()));
    assert_eq!(control.header("agent-name"), "dev");
    let Some(up::Frame::AgentHello(AgentHello { version, platform, .. })) = control.sent().await
    else {
        panic!("a control stream begins with an AgentHello")
    };
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    assert!(platform.contains('/'));
    control.frame(down::Frame::AgentWelcome(AgentWelcome {
        agent_name: "dev".into(),
        // What can't be used keeps nobody from working.
        telemetry: Some(Telemetry { sentry_dsn: "nonsense".into(), ..Telemetry::default() }),
    }));
    control
}

#[tokio::test]
async fn a_lost_control_stream_comes_back() {
    let mut rig = Rig::start().await;
    drop(rig.control);
    welcome(&mut rig.edge, &rig.key).await;
}

#[tokio::test]
async fn a_drain_ends_the_control_stream_and_the_agent() {
    let mut rig = Rig::start().await;
    rig.drain.begin();
    assert_eq!(rig.control.sent().await, None);
    drop(rig.control);
    rig.agent.await.unwrap();
}

#[tokio::test]
async fn an_offer_without_an_id_is_refused() {
    let mut rig = Rig::start().await;
    rig.control.frame(down::Frame::SessionOpen(hoop_proto::v1::SessionOpen::default()));
    assert!(matches!(rig.control.sent().await, Some(up::Frame::OpenRefused(_))));
}

#[tokio::test]
async fn a_revoked_key_ends_every_session_with_its_reason() {
    let mut rig = Rig::start().await;
    let (target, _listener) = tcp::target().await;
    let mut session = rig.tcp_session(&target).await;
    session.ready(1).await;

    let revoked = SessionClosed::of(hoop_domain::EndReason::AgentRevoked);
    rig.control.frame(down::Frame::SessionClosed(revoked));
    let Some(up::Frame::Payload(Payload { body: Some(Body::SessionEnd(end)), .. })) =
        session.sent().await
    else {
        panic!("a session that is cut says so")
    };
    assert_eq!(end.code, hoop_domain::EndReason::AgentRevoked.as_str());
    assert_eq!(session.sent().await, None);
}
