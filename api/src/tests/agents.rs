//! Agents: their keys over REST, and what edges are told about them.

use std::time::Duration;

use futures_util::StreamExt;
use hoop_bus::{Bus, ControlRequest, Subject};
use hoop_domain::agent_key::AgentKey;
use hoop_proto::v1::{self, agent_auth_reply::Outcome};
use serde_json::json;

use super::world::World;

/// The agent's key, out of the `HOOP_KEY`.
fn key(hoop_key: &str) -> AgentKey {
    let (_, rest) = hoop_key.split_once("://dev:").unwrap();
    AgentKey::parse(rest.split_once('@').unwrap().0).unwrap()
}

async fn authenticate(bus: &Bus, name: &str, token: &str) -> Outcome {
    let request =
        v1::AgentAuthRequest { name: name.into(), token: token.into(), address: "1.2.3.4".into() };
    let subject = Subject::Control(ControlRequest::Agent);
    let reply: v1::AgentAuthReply =
        bus.request(&subject, &request, Duration::from_secs(10)).await.unwrap();
    reply.outcome.unwrap()
}

fn refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Denial(denial) if denial.code == "agent_unknown")
}

#[tokio::test]
async fn a_key_identifies_its_agent_until_it_is_revoked() {
    let world = World::new().await;
    let root = world.root().await;
    let made = world.post(&root, "/api/agents", json!({ "name": "dev" })).await;
    let hoop_key = made.body["token"].as_str().unwrap();
    assert!(hoop_key.ends_with("@gateway.example.com:8443?mode=standard"), "{hoop_key}");
    let token = key(hoop_key).token();
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();

    let Outcome::Identity(identity) = authenticate(&edge, "dev", &token).await else {
        panic!("the key was refused");
    };
    assert_eq!((identity.name.as_str(), identity.mode.as_str()), ("dev", "standard"));
    assert!(identity.telemetry.is_none(), "this gateway was told of none");
    assert!(refused(&authenticate(&edge, "prod", &token).await), "a name that is not its own");
    assert!(refused(&authenticate(&edge, "dev", "made up").await));

    let mut revocations = edge.revocations().await.unwrap();
    edge.client().flush().await.unwrap();
    assert_eq!(world.delete(&root, "/api/agents/dev").await.status, 204);
    let notice = tokio::time::timeout(hoop_testkit::patience(), revocations.next()).await;
    let id = made.body["id"].as_str().unwrap();
    assert_eq!(notice.unwrap().unwrap().subject.as_str(), format!("agent.{id}.revoked"));
    assert!(refused(&authenticate(&edge, "dev", &token).await));
    assert_eq!(world.delete(&root, "/api/agents/dev").await.status, 404);
    assert_eq!(world.get(&root, "/api/agents").await.body, json!([]));
}

#[tokio::test]
async fn an_agent_is_shown_as_the_edge_reports_it() {
    let world = World::new().await;
    let agent = world.pg().await;
    let root = world.root().await;
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let report = async |gone| {
        let presence = v1::AgentPresence {
            agent: agent.as_bytes().to_vec().into(),
            version: "1.2.3".into(),
            hostname: "host".into(),
            platform: "linux/x86_64".into(),
            gone,
        };
        let report = v1::EdgeReport {
            edge: "edge-1".into(),
            agents: vec![presence],
            ..v1::EdgeReport::default()
        };
        let subject = Subject::Control(ControlRequest::Report);
        let reply: v1::EdgeReportReply =
            edge.request(&subject, &report, Duration::from_secs(10)).await.unwrap();
        assert!(reply.kills.is_empty());
        world.get(&root, "/api/agents/dev").await.body["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(report(false).await, "CONNECTED");
    assert_eq!(world.get(&root, "/api/connections/pg").await.body["status"], "online");
    assert_eq!(report(true).await, "DISCONNECTED");
}

#[tokio::test]
async fn an_agent_needs_a_name_that_is_one_and_free() {
    let world = World::new().await;
    let root = world.root().await;
    let post = async |body| world.post(&root, "/api/agents", body).await;
    assert_eq!(post(json!({ "name": "a/../b" })).await.body["field"], "name");
    assert_eq!(post(json!({ "name": "a", "mode": "fast" })).await.body["field"], "mode");
    assert_eq!(post(json!({ "name": "a", "mode": "embedded" })).await.status, 201);
    post(json!({ "name": "a" })).await.is_problem(409, "there is an agent of that name already");
}

#[tokio::test]
async fn an_agent_is_handed_where_agents_report_to_and_nothing_that_is_for_the_gateway() {
    let settings = [
        ("SENTRY_DSN", "https://gateway@sentry.example.com/1"),
        ("AGENT_SENTRY_DSN", "https://agent@sentry.example.com/2"),
        ("PYROSCOPE_INGEST_URL", "https://pyroscope.example.com"),
        ("PYROSCOPE_AUTH_TOKEN", "token"),
    ];
    let world = World::with(&settings).await;
    let root = world.root().await;
    let made = world.post(&root, "/api/agents", json!({ "name": "dev" })).await;
    let token = key(made.body["token"].as_str().unwrap()).token();
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let Outcome::Identity(identity) = authenticate(&edge, "dev", &token).await else {
        panic!("the key was refused");
    };
    let handed = v1::Telemetry {
        sentry_dsn: "https://agent@sentry.example.com/2".into(),
        pyroscope_url: "https://pyroscope.example.com".into(),
        pyroscope_token: "token".into(),
    };
    assert!(identity.telemetry == Some(handed));
}
