//! Sessions whose time is over, or in which nothing happens.

use std::time::Duration;

use anyhow::ensure;
use hoop_domain::EndReason;
use hoop_proto::payload;

use crate::{
    Result,
    endpoint::session_over,
    world::{Api, World},
};

#[tokio::test]
async fn a_user_is_warned_before_the_granted_time_is_over() -> Result {
    for agent_edge in 0..2 {
        let world = World::new(Api { lasts: Duration::from_secs(4), ..Api::default() }).await?;
        let (mut client, _control, mut agent) = session_over(&world, 0, agent_edge).await?;
        let notice = client.notice().await?;
        ensure!(notice.starts_with("the time granted for this session ends in "), "{notice}");
        for end in [&mut client, &mut agent] {
            assert_eq!(end.closed().await?.reason(), EndReason::Expired);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_user_is_warned_before_an_idle_session_is_ended() -> Result {
    tokio::try_join!(idle(0), idle(1)).map(|_| ())
}

/// On a busy machine 1.6 s pass quickly: so long the agent has to answer the warning.
async fn idle(agent_edge: usize) -> Result {
    let world = World::new(Api { idle_timeout_seconds: 8, ..Api::default() }).await?;
    let (mut client, _control, mut agent) = session_over(&world, 0, agent_edge).await?;
    // Data of either end counts, wherever it enters; two warnings are of two idle times.
    for _ in 0..2 {
        let notice = client.notice().await?;
        ensure!(notice.starts_with("nothing happens in this session"), "{notice}");
        agent.send(1, payload::Body::Data("x".into())).await?;
    }
    for end in [&mut client, &mut agent] {
        assert_eq!(end.closed().await?.reason(), EndReason::IdleTimeout);
    }
    Ok(())
}
