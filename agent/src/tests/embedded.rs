//! An embedded agent: only there while it is wanted, and part of its application.

use std::{sync::atomic::Ordering, time::Duration};

use anyhow::ensure;
use hoop_testkit::eventually;

use super::*;
use crate::control::Pace;

impl Rig {
    /// An embedded agent that is wanted, with its control stream.
    async fn embedded(idle: Duration) -> Self {
        hoop_runtime::process::install_crypto();
        let (mut edge, key) = (Edge::start().await, AgentKey::generate().unwrap());
        let url = format!("grpc://dev:{}@{}?mode=embedded", key.reveal(), edge.address);
        let private_files = tempfile::tempdir().unwrap();
        let mut config = Config::from_env(&Env::from_pairs([("HOOP_KEY", url)]).unwrap()).unwrap();
        config.private_files = Some(private_files.path().into());
        let (drain, begun) = hoop_runtime::Drain::new();
        let mut agent = config.build().unwrap();
        agent.pace = Pace { ask: (Duration::from_millis(5), Duration::from_millis(20)), idle };
        let agent = tokio::spawn(agent.run(begun));
        asks_often(&edge).await;
        edge.wanted.store(true, Ordering::Relaxed);
        let control = welcome(&mut edge, &key).await;
        edge.wanted.store(false, Ordering::Relaxed);
        Self { edge, control, key, drain, agent, private_files }
    }
}

/// The agent asks, and does nothing but ask.
async fn asks_often(edge: &Edge) {
    let before = edge.asked.load(Ordering::Relaxed);
    let asks = async || {
        ensure!(before + 3 < edge.asked.load(Ordering::Relaxed), "the agent does not ask");
        Ok(())
    };
    eventually("the agent to ask several times", asks).await.unwrap();
}

#[tokio::test]
async fn it_comes_when_it_is_wanted_and_leaves_when_it_is_idle() {
    let mut rig = Rig::embedded(Duration::from_millis(50)).await;
    assert_eq!(rig.control.sent().await, None, "it leaves");
    drop(rig.control);
    asks_often(&rig.edge).await;
    rig.edge.wanted.store(true, Ordering::Relaxed);
    welcome(&mut rig.edge, &rig.key).await;
}

#[tokio::test]
async fn it_stays_while_it_has_a_session() {
    let mut rig = Rig::embedded(Duration::from_millis(50)).await;
    let mut session = rig.command_session(&["sh", "-c"], "{}").await;
    session.run(&["read x; echo $x"]).await;
    session.deliver(1, Body::Data(bytes::Bytes::from_static(b"still there\n")));
    assert_eq!(session.outcome().await.stdout(), "still there\n");
    assert_eq!(rig.control.sent().await, None, "and leaves afterwards");
}

#[tokio::test]
async fn its_commands_run_where_the_application_does_with_its_environment_but_not_the_key() {
    let mut rig = Rig::embedded(Duration::from_secs(60)).await;
    let mut session = rig.command_session(&["sh", "-c"], r#"{"TOKEN":"t"}"#).await;
    // Cargo gives its tests this variable, and a working folder.
    session.run(&["pwd; echo $CARGO_MANIFEST_DIR $TOKEN; echo ${HOOP_KEY-no key}"]).await;
    let outcome = session.outcome().await;
    let folder = std::env::current_dir().unwrap().display().to_string();
    let expected = format!("{folder}\n{} t\nno key\n", env!("CARGO_MANIFEST_DIR"));
    assert_eq!(outcome.stdout(), expected);
}

#[tokio::test]
async fn it_drains_while_it_waits() {
    let mut rig = Rig::embedded(Duration::from_millis(50)).await;
    assert_eq!(rig.control.sent().await, None);
    drop(rig.control);
    asks_often(&rig.edge).await;
    rig.drain.begin();
    rig.agent.await.unwrap();
}

#[tokio::test]
async fn it_stays_where_a_proxy_does_not_pass_its_question_on() {
    let mut rig = Rig::embedded(Duration::from_millis(50)).await;
    rig.edge.narrow.store(true, Ordering::Relaxed);
    assert_eq!(rig.control.sent().await, None, "it leaves, and is told nothing any more");
    drop(rig.control);
    let control = welcome(&mut rig.edge, &rig.key).await;
    let asked = rig.edge.asked.load(Ordering::Relaxed);
    // An embedded one would ask before it comes back; this one just does.
    drop(control);
    welcome(&mut rig.edge, &rig.key).await;
    assert_eq!(rig.edge.asked.load(Ordering::Relaxed), asked);
}
