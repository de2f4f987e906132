//! Whatever is no clear yes is a no.

use std::time::Duration;

use anyhow::Context;
use futures_util::{StreamExt, stream};
use hoop_bus::{ControlRequest, Subject};
use hoop_domain::DenialCode;
use hoop_proto::{self as proto, edge_refusal::Asked, up};
use prost::Message;
use tonic::{Code, Request, Status, metadata::MetadataValue};

use crate::{
    Result,
    endpoint::{Stream, channel},
    world::{Api, World},
};

/// Long enough for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// The status with which a client is refused when `api` says these bytes.
async fn refusal(answer: Vec<u8>) -> Result<Status> {
    let world = World::new(Api { authorize: Some(answer), ..Api::default() }).await?;
    let _agent = Stream::agent(&world, 0).await?;
    let Err(refused) = Stream::client(&world, 0).await else {
        anyhow::bail!("the client was let in");
    };
    refused.downcast::<Status>()
}

fn code(status: &Status) -> &str {
    status.metadata().get("hoop-code").and_then(|code| code.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_denial_of_a_kind_that_this_version_does_not_know_is_a_refusal() -> Result {
    let denial = proto::Denial {
        code: "out_of_favour".into(),
        message: "not today".into(),
        review: String::new(),
    };
    let outcome = Some(proto::authorize_reply::Outcome::Denial(denial));
    let status = refusal(proto::AuthorizeReply { outcome }.encode_to_vec()).await?;
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(code(&status), DenialCode::DeciderUnavailable.as_str());
    assert_eq!(status.message(), "not today");
    Ok(())
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_is_a_refusal() -> Result {
    let short = proto::Grant { session: vec![1, 2, 3].into(), ..proto::Grant::default() };
    let outcome = Some(proto::authorize_reply::Outcome::Grant(short));
    let unreadable = [
        b"\xff\xff\xff not protobuf".to_vec(),
        // An outcome that only a newer version knows, or none.
        Vec::new(),
        proto::AuthorizeReply { outcome }.encode_to_vec(),
    ];
    for answer in unreadable {
        let status = refusal(answer.clone()).await?;
        assert_eq!(code(&status), DenialCode::DeciderUnavailable.as_str(), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn who_shows_nothing_at_all_is_refused_and_told_of() -> Result {
    let world = World::new(Api::default()).await?;
    let mut told = world.bus.listen(&Subject::Control(ControlRequest::Refused)).await?;
    // The broker has the subscription when it has answered what came after it.
    let (subject, question) =
        (Subject::Control(ControlRequest::Verifier), proto::VerifierRequest::default());
    let nobody = world.bus.request::<_, proto::VerifierReply>(&subject, &question, PATIENCE).await;
    assert!(matches!(nobody, Err(hoop_bus::Error::NoResponders { .. })), "{nobody:?}");
    let mut next = async || -> Result<Option<Asked>> {
        let message = tokio::time::timeout(PATIENCE, told.next()).await?.context("no broker")?;
        let refusal = proto::EdgeRefusal::decode(message.payload)?;
        assert!(refusal.client_address.starts_with("127.0.0.1:"), "{refusal:?}");
        Ok(refusal.asked)
    };
    let hello = proto::ClientHello {
        connection_name: "pg".into(),
        verb: "exec".into(),
        ..proto::ClientHello::default()
    };
    let connection = proto::RefusedConnection {
        credential_username: String::new(),
        connection_name: "pg".into(),
        verb: "exec".into(),
    };
    let huge = proto::ClientHello {
        connection_name: "x".repeat(400 * 1024),
        ..proto::ClientHello::default()
    };
    let short = proto::RefusedConnection {
        connection_name: "x".repeat(512),
        ..proto::RefusedConnection::default()
    };
    for (hello, asked) in [
        (up::Frame::ClientHello(hello), Asked::Connection(connection)),
        (up::Frame::ClientHello(huge), Asked::Connection(short)),
        (up::Frame::AgentHello(proto::AgentHello::default()), Asked::AgentName("dev".into())),
    ] {
        let mut request = Request::new(stream::iter([proto::Up { frame: Some(hello) }]));
        request.metadata_mut().insert("agent-name", MetadataValue::from_static("dev"));
        let refused = channel(&world, 0).await?.connect(request).await.map(|_| ());
        assert_eq!(refused.map_err(|status| status.code()), Err(Code::Unauthenticated));
        assert_eq!(next().await?, Some(asked));
    }
    let asked = Request::new(proto::PreConnectRequest::default());
    let refused = channel(&world, 0).await?.pre_connect(asked).await.map(|_| ());
    assert_eq!(refused.map_err(|status| status.code()), Err(Code::Unauthenticated));
    assert_eq!(next().await?, Some(Asked::AgentName(String::new())));
    Ok(())
}
