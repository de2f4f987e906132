//! Whatever is no clear yes is a no.

use hoop_domain::DenialCode;
use hoop_proto as proto;
use prost::Message;
use tonic::{Code, Status};

use crate::{
    Result,
    endpoint::Stream,
    world::{Api, World},
};

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
