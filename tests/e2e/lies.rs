//! Those who speak the gateway's own protocol and lie.

pub(crate) mod caller;

use anyhow::{Context, ensure};
use hoop_domain::{SessionId, agent_key::AgentKey};
use hoop_proto::{self as proto, channel_open::Kind, down, payload, up};
use hoop_tests::{
    Gateway,
    gateway::{AGENT, CONNECTION},
    rest::text,
};
use tonic::Code;

use crate::Result;
use caller::{Call, call, hello, hello_for};

/// The token that an agent derives from its `HOOP_KEY`.
fn agent_token(key: &str) -> Result<String> {
    let secret = key.split('@').next().and_then(|who| who.rsplit(':').next()).context("no key")?;
    Ok(AgentKey::parse(secret)?.token())
}

fn attach(session: SessionId, token: &[u8]) -> up::Frame {
    up::Frame::AttachHello(proto::AttachHello {
        session: session.as_bytes().to_vec().into(),
        token: token.to_vec().into(),
    })
}

fn agent_hello() -> up::Frame {
    up::Frame::AgentHello(proto::AgentHello {
        version: "0".to_owned(),
        hostname: "liar".to_owned(),
        platform: "x/y".to_owned(),
    })
}

/// Opens a session through gRPC to the usual connection.
pub(crate) async fn session(gateway: &Gateway, edge: usize) -> Result<(Call, String)> {
    session_for(gateway, edge, "").await
}

/// The same for a verb.
async fn session_for(gateway: &Gateway, edge: usize, verb: &str) -> Result<(Call, String)> {
    let token = gateway.rest.token().context("not logged in")?;
    let mut call =
        call(gateway.edge(edge)?.grpc, &[("authorization", &format!("Bearer {token}"))]).await?;
    call.send(hello_for(CONNECTION, verb)).await?;
    let opened = call.until(|frame| match frame {
        down::Frame::SessionOpened(opened) => Some(opened),
        _ => None,
    });
    let id = SessionId::try_from(opened.await?.session.as_ref()).context("no session id")?;
    Ok((call, id.to_string()))
}

#[tokio::test]
async fn a_stream_that_begins_with_anything_but_a_hello_is_refused() -> Result {
    let gateway = Gateway::usual().await?;
    let port = gateway.edge(0)?.grpc;
    let beginnings = [
        Some(up::Frame::KeepAlive(proto::KeepAlive {})),
        Some(up::Frame::Credit(proto::Credit { channel: 1, total: u64::MAX })),
        // What a newer or made-up kind of frame decodes to.
        None,
    ];
    for beginning in beginnings {
        let mut call = call(port, &[]).await?;
        call.send_raw(proto::Up { frame: beginning.clone() }).await?;
        assert_eq!(call.refusal().await?.code(), Code::InvalidArgument, "{beginning:?}");
    }
    Ok(())
}

#[tokio::test]
async fn nobody_gets_in_without_a_token_that_is_known() -> Result {
    let gateway = Gateway::usual().await?;
    let port = gateway.edge(0)?.grpc;
    let attempts: [&[(&str, &str)]; 3] =
        [&[], &[("authorization", "Bearer hpl_made-up")], &[("authorization", "Basic YTpi")]];
    for metadata in attempts {
        for first in [hello(CONNECTION), agent_hello()] {
            let mut call = call(port, metadata).await?;
            call.send(first).await?;
            assert_eq!(call.refusal().await?.code(), Code::Unauthenticated, "{metadata:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_agent_that_lies_about_its_name_is_refused() -> Result {
    let gateway = Gateway::usual().await?;
    let token = agent_token(&gateway.rest.agent_create("other").await?)?;
    let bearer = format!("Bearer {token}");
    for name in [AGENT, "nobody", "../other", ""] {
        let mut call =
            call(gateway.edge(0)?.grpc, &[("authorization", &bearer), ("agent-name", name)])
                .await?;
        call.send(agent_hello()).await?;
        assert_eq!(call.refusal().await?.code(), Code::Unauthenticated, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn the_agents_key_itself_is_no_token() -> Result {
    let gateway = Gateway::usual().await?;
    let key = gateway.rest.agent_create("other").await?;
    let secret = key.split('@').next().and_then(|who| who.rsplit(':').next()).unwrap_or_default();
    let bearer = format!("Bearer {secret}");
    let metadata = [("authorization", bearer.as_str()), ("agent-name", "other")];
    let mut call = call(gateway.edge(0)?.grpc, &metadata).await?;
    call.send(agent_hello()).await?;
    assert_eq!(call.refusal().await?.code(), Code::Unauthenticated);
    Ok(())
}

#[tokio::test]
async fn a_session_cannot_be_chosen_or_taken_over() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let psql = crate::ending::sleeper(&gateway, &access).await?;
    let live = gateway.rest.only_session(CONNECTION).await?;
    let live: SessionId = text(&live, "id").parse()?;
    let bearer = format!("Bearer {}", agent_token(&gateway.rest.agent_create("other").await?)?);
    let user = format!("Bearer {}", gateway.rest.token().unwrap_or_default());
    for session in [live, SessionId::generate()] {
        for metadata in [
            vec![],
            vec![("authorization", user.as_str())],
            vec![("authorization", bearer.as_str()), ("agent-name", "other")],
        ] {
            for edge in 0..2 {
                let port = gateway.edge(edge)?.grpc;
                let mut stranger = call(port, &metadata).await?;
                stranger.send(attach(session, &[7; 32])).await?;
                stranger.refusal().await?;
                let mut stranger = call(port, &metadata).await?;
                let resume = proto::ResumeHello {
                    session: session.as_bytes().to_vec().into(),
                    token: vec![7; 32].into(),
                    received_seq: 1,
                    received_payloads: 1,
                };
                stranger.send(up::Frame::ResumeHello(resume)).await?;
                stranger.refusal().await?;
            }
        }
    }
    let session = gateway.rest.only_session(CONNECTION).await?;
    assert_ne!(text(&session, "status"), "done", "{session}");
    drop(psql);
    Ok(())
}

#[tokio::test]
async fn a_message_of_17_mib_ends_its_own_session_and_no_other() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(0).await?;
    let psql = access.psql().args(["-At", "-c", "select pg_sleep(4), 'unharmed'"]).spawn()?;
    crate::ending::running(&gateway, "unharmed").await?;
    let (mut liar, _) = session(&gateway, 0).await?;
    let data = payload::Body::Data(vec![0; 17 * 1024 * 1024].into());
    liar.send(up::Frame::Payload(proto::Payload { channel: 1, body: Some(data) })).await?;
    liar.closed().await?;
    let output = psql.wait_with_output().await?;
    ensure!(String::from_utf8_lossy(&output.stdout).contains("unharmed"), "{output:?}");
    Ok(())
}

/// Who may connect for a while has not been allowed to run commands, and the other way round.
#[tokio::test]
async fn a_session_is_used_for_what_it_was_opened_for_and_nothing_else() -> Result {
    let gateway = Gateway::usual().await?;
    let exec = || Kind::Exec(proto::ExecOpen { arguments: Vec::new(), terminal: None });
    let postgres = || Kind::Postgres(proto::PostgresOpen { parameters: Vec::new() });
    for (verb, kind, allowed) in [
        ("", exec(), false),
        ("connect", exec(), false),
        ("connect", postgres(), true),
        ("exec", postgres(), false),
        ("exec", exec(), true),
    ] {
        let (mut client, _) = session_for(&gateway, 0, verb).await?;
        let open = proto::ChannelOpen { kind: Some(kind.clone()) };
        let body = Some(payload::Body::ChannelOpen(open));
        client.send(up::Frame::Payload(proto::Payload { channel: 1, body })).await?;
        let is_answer = |body: &payload::Body| {
            matches!(body, payload::Body::ChannelReady(_) | payload::Body::ChannelFailed(_))
        };
        let answer = client.payload(is_answer).await?;
        let opened = matches!(answer, payload::Body::ChannelReady(_));
        assert_eq!(opened, allowed, "{verb} {kind:?}: {answer:?}");
        if let payload::Body::ChannelFailed(failed) = answer {
            assert!(failed.message.contains("not opened for that"), "{failed:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn bytes_for_a_channel_that_was_never_opened_end_the_session() -> Result {
    let gateway = Gateway::usual().await?;
    for body in [
        payload::Body::Data(vec![0; 1000].into()),
        payload::Body::Stderr(vec![0; 1000].into()),
        payload::Body::TerminalResize(proto::TerminalResize { columns: 80, rows: 24 }),
        payload::Body::ChannelClose(proto::ChannelClose { abort: false }),
    ] {
        let (mut liar, id) = session(&gateway, 0).await?;
        let lie = proto::Payload { channel: 999, body: Some(body) };
        liar.send(up::Frame::Payload(lie)).await?;
        liar.closed().await?;
        let ended = gateway.rest.session_done(&id).await?;
        assert_eq!(text(&ended, "end_reason"), "protocol_violation", "{ended}");
    }
    assert_eq!(gateway.access(0).await?.answer("select 1").await?, "1");
    Ok(())
}
