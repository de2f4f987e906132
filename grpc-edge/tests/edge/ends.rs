//! How a session ended is known, even when its recording can't say so.

use anyhow::{Context, ensure};
use bytes::Bytes;
use hoop_bus::Subject;
use hoop_domain::{EndReason, SessionId};
use hoop_proto::{self as proto, payload};
use hoop_testkit::eventually;

use crate::{
    Result,
    endpoint::{Stream, session_over},
    world::{Api, World},
};

fn data() -> payload::Body {
    payload::Body::Data("x".into())
}

#[tokio::test]
async fn an_end_that_can_not_be_recorded_is_told_until_api_has_answered() -> Result {
    for agent_edge in 0..2 {
        let world = World::new(Api { deaf_to: 1, ..Api::default() }).await?;
        let (mut client, _control, _agent) = session_over(&world, 0, agent_edge).await?;
        world.bus.jetstream().delete_stream("AUDIT").await?;
        client.send(1, data()).await?;
        assert_eq!(client.closed().await?.reason(), EndReason::RecordingUnavailable);
        let ended = eventually("the end to be told again", async || {
            let ended = world.ended();
            ensure!(2 <= ended.len(), "told {} times", ended.len());
            Ok(ended)
        })
        .await?;
        for end in ended {
            assert_eq!(end.code, "recording_unavailable", "{end:?}");
            assert_eq!(end.message, EndReason::RecordingUnavailable.message());
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_end_that_is_recorded_is_for_the_recording_to_tell() -> Result {
    let world = World::new(Api::default()).await?;
    let (client, _control, mut agent) = session_over(&world, 0, 1).await?;
    reported(&world).await?;
    drop(client);
    agent.closed().await?;
    drop(agent);
    no_session_is_left(&world).await?;
    assert_eq!(world.ended(), []);
    Ok(())
}

/// Waits until a session is reported.
async fn reported(world: &World) -> Result<Bytes> {
    eventually("a session to be reported", async || {
        let reports = world.reports.lock().unwrap();
        let session = reports.iter().find_map(|report| report.sessions.first().cloned());
        session.context("not yet")
    })
    .await
}

/// Waits until the newest report of each edge names no session, after one that did.
async fn no_session_is_left(world: &World) -> Result {
    eventually("the edges to hold no session", async || {
        let reports = world.reports.lock().unwrap();
        let held = |report: &proto::EdgeReport| !report.sessions.is_empty();
        let last = reports.iter().rposition(held);
        ensure!(last.is_some(), "no session was ever reported");
        let edge = last.map(|at| reports[at].edge.clone());
        let newest = reports.iter().rfind(|report| Some(&report.edge) == edge.as_ref());
        ensure!(newest.is_some_and(|report| !held(report)), "a session is still there");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_kill_reaches_both_ends_with_its_words() -> Result {
    for agent_edge in 0..2 {
        let world = World::new(Api::default()).await?;
        let (mut client, _control, mut agent) = session_over(&world, 0, agent_edge).await?;
        let session = reported(&world).await?;
        let subject = Subject::Kill { session: SessionId::try_from(session.as_ref())? };
        let message = "the session was ended by eve@example.com".to_owned();
        let kill = proto::SessionKill { session, code: "killed".into(), message };
        world.bus.publish(&subject, &kill).await?;
        for end in [&mut client, &mut agent] {
            let closed = end.closed().await?;
            assert_eq!((&closed.code, &closed.message), (&kill.code, &kill.message));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_its_session_leaves_none_behind() -> Result {
    let world = World::new(Api { mode: "embedded", ..Api::default() }).await?;
    let waiting = Stream::client(&world, 0);
    tokio::select! {
        _ = waiting => anyhow::bail!("nobody holds the agent"),
        reported = reported(&world) => reported?,
    };
    no_session_is_left(&world).await
}
