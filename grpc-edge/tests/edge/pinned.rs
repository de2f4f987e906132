//! Sessions for one approved command: nothing else gets to the agent.

use anyhow::ensure;
use hoop_domain::EndReason;
use hoop_proto::{self as proto, channel_open::Kind, down, payload::Body};

use crate::{
    Result,
    endpoint::{Stream, session_over},
    world::{Api, World},
};

const INPUT: &str = "delete from t where id = 1";

async fn world() -> Result<World> {
    let approved = proto::ExecInput { arguments: vec!["-e".into()], input: INPUT.into() };
    World::new(Api { approved: Some(approved), ..Api::default() }).await
}

fn open(arguments: &[&str]) -> Body {
    let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
    let kind = Some(Kind::Exec(proto::ExecOpen { arguments, terminal: None }));
    Body::ChannelOpen(proto::ChannelOpen { kind })
}

fn data(text: &str) -> Body {
    Body::Data(text.to_owned().into())
}

fn close() -> Body {
    Body::ChannelClose(proto::ChannelClose::default())
}

/// All data that the agent gets until the session ends, or this much has come.
async fn received(agent: &mut Stream, enough: usize) -> Result<String> {
    let mut received = String::new();
    while received.len() < enough {
        let more = agent.until(|frame| match frame {
            down::Frame::Delivery(delivery) => match delivery.payload?.body? {
                Body::Data(data) => Some(Some(data)),
                Body::SessionEnd(_) => Some(None),
                _ => None,
            },
            down::Frame::SessionClosed(_) => Some(None),
            _ => None,
        });
        match more.await? {
            Some(data) => received.push_str(std::str::from_utf8(&data)?),
            None => break,
        }
    }
    Ok(received)
}

#[tokio::test]
async fn what_was_approved_gets_in_whole() -> Result {
    for agent_edge in 0..2 {
        let world = world().await?;
        let (client, _control, mut agent) = session_over(&world, 0, agent_edge).await?;
        assert_eq!(client.opened.resume_seconds, 0, "nobody goes on with it elsewhere");
        ensure!(client.opened.token.is_empty(), "there is no token to come back with");
        client.send(1, open(&["-e"])).await?;
        client.send(1, data("delete from t ")).await?;
        client.send(1, data("where id = 1")).await?;
        client.send(1, close()).await?;
        assert_eq!(received(&mut agent, INPUT.len()).await?, INPUT);
    }
    Ok(())
}

#[tokio::test]
async fn anything_else_ends_the_session_and_never_gets_in() -> Result {
    for (what, bodies) in [
        ("other arguments", vec![open(&["-x"])]),
        ("another input", vec![open(&["-e"]), data("drop table t")]),
        ("more", vec![open(&["-e"]), data(&format!("{INPUT} or true"))]),
        ("a part", vec![open(&["-e"]), data("delete from t"), close()]),
        ("a second command", vec![open(&["-e"]), open(&["-e"])]),
    ] {
        let world = world().await?;
        let (mut client, _control, mut agent) = session_over(&world, 0, 1).await?;
        for body in bodies {
            // It may be over already.
            let _ = client.send(1, body).await;
        }
        assert_eq!(client.closed().await?.reason(), EndReason::NotApproved, "{what}");
        assert_eq!(received(&mut agent, usize::MAX).await?, "", "{what}");
    }
    Ok(())
}
