//! Those who send without end what costs no credit, to an end that does not read.

use hoop_domain::EndReason;
use hoop_proto::{self as proto, payload};

use crate::{
    Result,
    endpoint::{Stream, session_over},
    world::{Api, World},
};

#[tokio::test]
async fn a_flood_of_resizes_ends_its_own_session_and_no_other() -> Result {
    for agent_edge in 0..2 {
        let world = World::new(Api::default()).await?;
        let (mut client, mut control, _unread) = session_over(&world, 0, agent_edge).await?;
        let (other, mut heard) =
            tokio::try_join!(Stream::client(&world, 0), control.join(&world, agent_edge))?;
        let resize = proto::TerminalResize { columns: 80, rows: 25 };
        let body = Some(payload::Body::TerminalResize(resize));
        tokio::spawn(client.flood(proto::Payload { channel: 1, body }));
        assert_eq!(client.closed().await?.reason(), EndReason::ProtocolViolation);
        other.send(1, payload::Body::Data("unharmed".into())).await?;
        heard
            .until(|frame| match frame {
                proto::down::Frame::Delivery(delivery) => delivery.payload,
                _ => None,
            })
            .await?;
    }
    Ok(())
}
