//! Ends that come back, or try to.

use std::time::Duration;

use hoop_domain::EndReason;
use hoop_proto::{self as proto, down, payload, up};

use crate::{
    Result,
    endpoint::{Stream, session_over},
    world::{Api, World},
};

async fn patient() -> Result<World> {
    World::waiting(Api::default(), Duration::from_secs(60)).await
}

/// The next data that an end gets.
async fn data(stream: &mut Stream) -> Result<bytes::Bytes> {
    stream
        .until(|frame| match frame {
            down::Frame::Delivery(delivery) => match delivery.payload?.body? {
                payload::Body::Data(data) => Some(data),
                _ => None,
            },
            _ => None,
        })
        .await
}

#[tokio::test]
async fn an_end_that_hangs_up_while_it_comes_back_can_come_back_again() -> Result {
    let world = patient().await?;
    let (client, _control, mut agent) = session_over(&world, 0, 1).await?;
    client.send(1, payload::Body::Data("before".into())).await?;
    assert_eq!(data(&mut agent).await?, "before");
    let opened = client.opened.clone();
    let mut broken = vec![client.break_off()];
    // At either edge, and given up ever later: somewhere in all that coming back takes.
    for attempt in 0..40 {
        let back = Stream::back(&world, attempt % 2, &opened);
        let patience = Duration::from_micros(250 * u64::try_from(attempt)?);
        if let Ok(back) = tokio::time::timeout(patience, back).await {
            broken.push(back?.0.break_off());
        }
    }
    let (client, payloads) = Stream::back(&world, 0, &opened).await?;
    assert_eq!(payloads, 1);
    client.send(1, payload::Body::Data("after".into())).await?;
    assert_eq!(data(&mut agent).await?, "after");
    Ok(())
}

#[tokio::test]
async fn an_end_that_comes_back_twice_at_once_is_not_turned_away() -> Result {
    let world = patient().await?;
    let (client, _control, mut agent) = session_over(&world, 0, 1).await?;
    let opened = client.opened.clone();
    let mut client = client;
    for _ in 0..20 {
        let _broken = client.break_off();
        let back = || Stream::back(&world, 0, &opened);
        // Whichever comes first gives way to the other one.
        let _both = tokio::try_join!(back(), back(), back())?;
        client = back().await?.0;
    }
    client.send(1, payload::Body::Data("after".into())).await?;
    assert_eq!(data(&mut agent).await?, "after");
    Ok(())
}

#[tokio::test]
async fn what_was_spent_is_said_by_who_has_come_back_and_only_at_once() -> Result {
    let states = || {
        let state = proto::ChannelState { channel: 1, total: 1 << 20, ..Default::default() };
        up::Frame::ChannelStates(proto::ChannelStates { channels: vec![state] })
    };
    let world = patient().await?;
    let (mut client, mut control, _agent) = session_over(&world, 0, 1).await?;
    client.say(states()).await?;
    assert_eq!(client.closed().await?.reason(), EndReason::ProtocolViolation);

    let (client, mut agent) = tokio::try_join!(Stream::client(&world, 0), control.join(&world, 1))?;
    let opened = client.opened.clone();
    let _broken = client.break_off();
    let (mut client, _) = Stream::back(&world, 1, &opened).await?;
    client.say(states()).await?;
    client.send(1, payload::Body::Data("good".into())).await?;
    assert_eq!(data(&mut agent).await?, "good");
    client.say(states()).await?;
    assert_eq!(client.closed().await?.reason(), EndReason::ProtocolViolation);
    Ok(())
}

#[tokio::test]
async fn a_session_is_not_resumed_with_another_token() -> Result {
    let world = patient().await?;
    let (client, _control, mut agent) = session_over(&world, 0, 1).await?;
    for edge in 0..2 {
        let token = vec![7; 32].into();
        let opened = proto::SessionOpened { token, ..client.opened.clone() };
        assert!(Stream::back(&world, edge, &opened).await.is_err());
    }
    // Nobody has noticed.
    client.send(1, payload::Body::Data("unharmed".into())).await?;
    assert_eq!(data(&mut agent).await?, "unharmed");
    Ok(())
}
