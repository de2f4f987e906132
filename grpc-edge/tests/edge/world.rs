//! A broker, edges, and an `api` that says what it is told to.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context;
use futures_util::StreamExt;
use hoop_bus::{Bus, ControlRequest, Question, Subject};
use hoop_domain::{AgentId, ConnectionId, OrgId, SessionId, TrustedProxies, UserId};
use hoop_grpc_edge::Config;
use hoop_proto as proto;
use hoop_runtime::Drain;
use hoop_testkit::Nats;

use crate::Result;

/// The agent's key, as it travels.
pub(crate) const KEY: &str = "the agent's key";

/// See the module.
pub(crate) struct World {
    pub(crate) bus: Bus,
    pub(crate) edges: Vec<SocketAddr>,
    pub(crate) reports: Arc<Mutex<Vec<proto::EdgeReport>>>,
    _nats: Nats,
}

/// How `api` is played.
#[derive(Clone)]
pub(crate) struct Api {
    /// The mode of the agent.
    pub(crate) mode: &'static str,
    /// When a session must be over, from its beginning; none when zero.
    pub(crate) lasts: Duration,
    pub(crate) idle_timeout_seconds: u32,
    /// What is said to `control.authorize` instead of a grant.
    pub(crate) authorize: Option<Vec<u8>>,
    /// What was approved, where only that may be run.
    pub(crate) approved: Option<proto::ExecInput>,
    /// Reports that are not answered.
    pub(crate) deaf_to: usize,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            mode: "standard",
            lasts: Duration::ZERO,
            idle_timeout_seconds: 0,
            authorize: None,
            approved: None,
            deaf_to: 0,
        }
    }
}

impl World {
    /// Two edges that give up an end soon that is away.
    pub(crate) async fn new(api: Api) -> Result<Self> {
        Self::waiting(api, Duration::from_millis(500)).await
    }

    /// Two edges that wait so long for an end that is away.
    pub(crate) async fn waiting(api: Api, resume_grace: Duration) -> Result<Self> {
        let nats = hoop_testkit::nats().await?;
        let bus = Bus::connect(&nats.url(), "api").await?;
        let agent = AgentId::generate();
        let reports = Arc::new(Mutex::new(Vec::new()));
        play(&bus, api, agent, reports.clone()).await?;
        let mut edges = Vec::new();
        for _ in 0..2 {
            let config = Config {
                grpc_listen: "127.0.0.1:0".parse()?,
                pg_listen: None,
                nats_url: nats.url(),
                native_tls: None,
                grpc_tls: None,
                drain_timeout: Duration::from_secs(1),
                resume_grace,
                stall_timeout: Duration::from_secs(15),
                keep_alive: Duration::from_secs(15),
                trusted_proxies: TrustedProxies::default(),
            };
            let edge = config.build().await?;
            let addresses = edge.addresses();
            let grpc = addresses.iter().find(|(name, _)| *name == "grpc").context("no gRPC")?;
            edges.push(grpc.1.parse()?);
            tokio::spawn(async move {
                let (_never, drain) = Drain::new();
                edge.run(drain).await
            });
        }
        Ok(Self { bus, edges, reports, _nats: nats })
    }

    /// The ends that edges have told of.
    pub(crate) fn ended(&self) -> Vec<proto::SessionEnded> {
        let reports = self.reports.lock().unwrap();
        reports.iter().flat_map(|report| report.ended.clone()).collect()
    }
}

async fn play(
    bus: &Bus,
    api: Api,
    agent: AgentId,
    reports: Arc<Mutex<Vec<proto::EdgeReport>>>,
) -> Result {
    let authorize = {
        let api = api.clone();
        move |_: Question| match &api.authorize {
            Some(bytes) => Raw(bytes.clone()),
            None => Raw::of(&proto::AuthorizeReply {
                outcome: Some(proto::authorize_reply::Outcome::Grant(grant(&api, agent))),
            }),
        }
    };
    answer(bus, ControlRequest::Authorize, move |question| Some(authorize(question))).await?;
    let mode = api.mode;
    answer(bus, ControlRequest::Agent, move |question| Some(identify(&question, agent, mode)))
        .await?;
    answer(bus, ControlRequest::Report, move |question| {
        let report = question.decode::<proto::EdgeReport>().unwrap();
        let mut reports = reports.lock().unwrap();
        let told = report.ended.len();
        reports.push(report);
        let heard = reports.iter().filter(|report| !report.ended.is_empty()).count();
        // An `api` that fails does not answer.
        let deaf = told != 0 && heard <= api.deaf_to;
        (!deaf).then(|| Raw::of(&proto::EdgeReportReply::default()))
    })
    .await
}

/// What the agent is to be handed.
pub(crate) fn telemetry() -> proto::Telemetry {
    proto::Telemetry {
        sentry_dsn: "https://key@sentry.example.com/1".into(),
        pyroscope_url: "https://pyroscope.example.com".into(),
        pyroscope_token: "token".into(),
    }
}

fn identify(question: &Question, agent: AgentId, mode: &str) -> Raw {
    use proto::agent_auth_reply::Outcome;
    let request = question.decode::<proto::AgentAuthRequest>().unwrap();
    let outcome = if request.token == KEY {
        Outcome::Identity(proto::AgentIdentity {
            agent: agent.as_bytes().to_vec().into(),
            org: OrgId::generate().as_bytes().to_vec().into(),
            name: request.name,
            mode: mode.into(),
            telemetry: Some(telemetry()),
        })
    } else {
        Outcome::Denial(proto::Denial::of(hoop_domain::DenialCode::AgentUnknown))
    };
    Raw::of(&proto::AgentAuthReply { outcome: Some(outcome) })
}

fn grant(api: &Api, agent: AgentId) -> proto::Grant {
    let not_after = chrono::Utc::now() + api.lasts;
    proto::Grant {
        session: SessionId::generate().as_bytes().to_vec().into(),
        org: OrgId::generate().as_bytes().to_vec().into(),
        user: UserId::generate().as_bytes().to_vec().into(),
        user_email: "ann@example.com".into(),
        connection: ConnectionId::generate().as_bytes().to_vec().into(),
        connection_name: "pg".into(),
        connection_type: "postgres".into(),
        agent: agent.as_bytes().to_vec().into(),
        agent_name: "dev".into(),
        sealed_secret: Vec::new().into(),
        not_after: if api.lasts.is_zero() { 0 } else { hoop_domain::time::to_micros(not_after) },
        command: Vec::new(),
        idle_timeout_seconds: api.idle_timeout_seconds,
        agent_mode: api.mode.into(),
        audit_level: proto::AuditLevel::Strict.into(),
        approved: api.approved.clone(),
        verb: String::new(),
    }
}

/// An answer as bytes, which may be no message at all.
struct Raw(Vec<u8>);

impl Raw {
    fn of<M: prost::Message>(message: &M) -> Self {
        Self(message.encode_to_vec())
    }
}

async fn answer(
    bus: &Bus,
    request: ControlRequest,
    say: impl Fn(Question) -> Option<Raw> + Send + 'static,
) -> Result {
    let client = bus.client().clone();
    let mut questions = client.subscribe(Subject::Control(request).to_string()).await?;
    tokio::spawn(async move {
        while let Some(message) = questions.next().await {
            let Some(reply) = message.reply.clone() else { continue };
            if let Some(Raw(bytes)) = say(Question::new(message, client.clone())) {
                let _ = client.publish(reply, bytes.into()).await;
            }
        }
    });
    Ok(())
}
