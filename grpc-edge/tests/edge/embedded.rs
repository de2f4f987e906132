//! Agents that come only when somebody wants them.

use anyhow::ensure;
use hoop_proto::pre_connect_response::Advice;
use hoop_testkit::eventually;

use crate::{
    Result,
    endpoint::{Stream, pre_connect, session},
    world::{Api, KEY, World},
};

fn embedded() -> Api {
    Api { mode: "embedded", ..Api::default() }
}

#[tokio::test]
async fn an_embedded_agent_is_sent_for_when_a_client_waits_on_any_edge() -> Result {
    let world = World::new(embedded()).await?;
    assert_eq!(pre_connect(&world, 1, KEY).await?, Advice::BackOff);
    let agent = async {
        eventually("the agent to be wanted on the other edge", async || {
            let advice = pre_connect(&world, 1, KEY).await?;
            ensure!(advice == Advice::Connect, "{advice:?}");
            Ok(())
        })
        .await?;
        let mut control = Stream::agent(&world, 1).await?;
        let end = control.join(&world, 1).await?;
        Ok((control, end))
    };
    tokio::try_join!(Stream::client(&world, 0), agent)?;
    Ok(())
}

#[tokio::test]
async fn an_embedded_agent_with_sessions_is_told_to_come_back() -> Result {
    let world = World::new(embedded()).await?;
    let _session = session(&world).await?;
    assert_eq!(pre_connect(&world, 0, KEY).await?, Advice::Connect);
    Ok(())
}

#[tokio::test]
async fn another_agent_is_always_told_to_connect() -> Result {
    let world = World::new(Api::default()).await?;
    assert_eq!(pre_connect(&world, 0, KEY).await?, Advice::Connect);
    Ok(())
}

#[tokio::test]
async fn a_stranger_is_advised_nothing() -> Result {
    let world = World::new(embedded()).await?;
    for _ in 0..2 {
        let refused = pre_connect(&world, 0, "made up").await.unwrap_err();
        let status = refused.downcast::<tonic::Status>()?;
        assert_eq!(status.code(), tonic::Code::Unauthenticated);
    }
    Ok(())
}
