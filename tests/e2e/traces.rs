//! One trace from the client to the target, sent to a collector that reads it to the letter;
//! and nothing secret in it, or in any log.

mod collector;

use anyhow::{Context, ensure};
use collector::{Collector, Span};
use hoop_testkit::eventually;
use hoop_tests::{
    Gateway, Options, Psql, Target,
    cli::Person,
    gateway::{AGENT, CONNECTION},
    rest::text,
};

use crate::Result;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The SDK's own: spans are sent soon after they ended.
const DELAY: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "100");

/// A gateway whose every process, the agent included, sends traces and logs all that it can.
async fn traced(collector: &Collector) -> Result<Gateway> {
    let options = Options::default()
        .with("", ENDPOINT, collector.url())
        .with("", DELAY.0, DELAY.1)
        .with("", "RUST_LOG", "debug");
    let mut gateway = Gateway::start(options).await?;
    let agent = gateway.agent_mut()?;
    agent.stop()?;
    for (name, value) in [(ENDPOINT, collector.url().as_str()), DELAY, ("RUST_LOG", "debug")] {
        agent.set(name, value);
    }
    agent.start()?;
    gateway.agent_connected(AGENT).await?;
    Ok(gateway)
}

/// The span of this name in the session's trace; it has the session's id and this parent.
fn child<'a>(trace: &'a [Span], name: &str, service: &str, parent: &Span) -> Result<&'a Span> {
    let of = |span: &&Span| span.name == name && span.service == service;
    let mut candidates = trace.iter().filter(of);
    let found = candidates.find(|span| span.parent == parent.id);
    found.with_context(|| format!("{service} has no {name} under {}: {trace:#?}", parent.name))
}

/// Everything between the span that opens the session and the target, in one trace.
fn check(trace: &[Span], open: &Span, id: &str) -> Result {
    child(trace, "authorize", "hoop-api", open)?;
    let summon = child(trace, "summon agent", "hoop-grpc-edge", open)?;
    let agent = child(trace, "agent session", "hoop-agent", summon)?;
    child(trace, "attach agent", "hoop-grpc-edge", agent)?;
    child(trace, "reach target", "hoop-agent", agent)?;
    let held = child(trace, "session", "hoop-grpc-edge", open)?;
    ensure!(held.attribute("end") == Some("client"), "{held:?}");
    for span in trace {
        ensure!(span.attribute("session") == Some(id), "{id} is not in {span:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_command_is_one_trace_from_the_terminal_to_the_target() -> Result {
    let collector = Collector::start().await?;
    let gateway = traced(&collector).await?;
    let person = Person::signed_in(&gateway).await?;
    let output = person
        .hoop(&["exec", CONNECTION, "-i", "select 41 + 1"])?
        .env(ENDPOINT, collector.url())
        .output()
        .await?;
    Psql(output).success()?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    let id = text(&session, "id");
    eventually("the whole trace", async || {
        let root = collector.span("hoop exec", id)?;
        ensure!(root.service == "hoop" && root.parent.is_empty(), "{root:?}");
        let trace = collector.trace(&root.trace);
        let open = child(&trace, "open session", "hoop-grpc-edge", &root)?;
        check(&trace, open, id)
    })
    .await
}

#[tokio::test]
async fn a_native_session_is_one_trace_from_the_edge_to_the_target_and_nothing_has_a_secret()
-> Result {
    let collector = Collector::start().await?;
    let gateway = traced(&collector).await?;
    let access = gateway.access(1).await?;
    access.answer("select 'a-secret-of-the-user'").await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    let id = text(&session, "id");
    gateway.rest.session_done(id).await?;
    eventually("the whole trace", async || {
        let open = collector.span("open session", id)?;
        ensure!(open.parent.is_empty() && open.attribute("way") == Some("native"), "{open:?}");
        check(&collector.trace(&open.trace), &open, id)
    })
    .await?;
    let all = gateway.keys.clone();
    let token = gateway.rest.token().context("not logged in")?.to_owned();
    let uri = gateway.state.clone();
    let secrets = [
        ("the administrator's password", all.admin_password),
        ("SECRETS_KEY", all.secrets),
        ("AUDIT_SIGNING_KEY", all.signing),
        ("the target's password", Target::PASSWORD.to_owned()),
        ("the credential's password", access.password),
        ("a login", token),
        ("an agent's key", "xagt-".to_owned()),
        ("the state store's URI", uri),
        ("what was asked", "a-secret-of-the-user".to_owned()),
    ];
    let sent = collector.everything();
    for (what, secret) in &secrets {
        ensure!(!sent.contains(secret), "{what} is in a trace");
        for service in gateway.services() {
            let log = service.log();
            let line = log.lines().find(|line| line.contains(secret));
            ensure!(line.is_none(), "{what} is in the log of {}: {line:?}", service.name());
        }
    }
    Ok(())
}
