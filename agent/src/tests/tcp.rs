//! TCP connections: channels to a target that the test plays.

use bytes::Bytes;
use hoop_domain::{ConnectionType, SessionId};
use hoop_proto::v1::{
    ChannelClose, ChannelOpen, SessionEnd, TcpOpen, channel_open::Kind, payload::Body,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{Rig, Stream};

/// A target, and the secrets that lead to it.
pub(super) async fn target() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (format!(r#"{{"HOST":"127.0.0.1","PORT":"{port}"}}"#), listener)
}

impl Rig {
    pub(super) async fn tcp_session(&mut self, json: &str) -> Stream {
        self.session(ConnectionType::Tcp, json).await
    }
}

fn end(reason: &str) -> Body {
    Body::SessionEnd(SessionEnd { code: reason.into(), message: String::new() })
}

#[tokio::test]
async fn channels_relay_side_by_side_and_half_close() {
    let mut rig = Rig::start().await;
    let (json, listener) = target().await;
    let mut session = rig.tcp_session(&json).await;
    session.ready(1).await;
    let (mut first, _) = listener.accept().await.unwrap();
    session.ready(2).await;
    let (mut second, _) = listener.accept().await.unwrap();

    second.write_all(b"two").await.unwrap();
    assert_eq!(session.payload().await, (2, Body::Data(Bytes::from_static(b"two"))));

    session.deliver(1, Body::Data(Bytes::from_static(b"question")));
    session.deliver(1, Body::ChannelClose(ChannelClose { abort: false }));
    let mut question = String::new();
    first.read_to_string(&mut question).await.unwrap();
    assert_eq!(question, "question");
    first.write_all(b"answer").await.unwrap();
    drop(first);
    assert_eq!(session.data(6).await, b"answer");
    assert_eq!(session.payload().await, (1, Body::ChannelClose(ChannelClose { abort: false })));

    session.deliver(0, end("client_closed"));
    let (channel, Body::SessionEnd(answer)) = session.payload().await else { panic!("no end") };
    assert_eq!((channel, answer.code.as_str()), (0, "client_closed"));
    assert_eq!(session.sent().await, None);
    assert_eq!(second.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn an_aborted_channel_hangs_up_on_its_target_only() {
    let mut rig = Rig::start().await;
    let (json, listener) = target().await;
    let mut session = rig.tcp_session(&json).await;
    session.ready(1).await;
    let (mut socket, _) = listener.accept().await.unwrap();
    session.deliver(1, Body::ChannelClose(ChannelClose { abort: true }));
    assert_eq!(session.payload().await, (1, Body::ChannelClose(ChannelClose { abort: true })));
    assert_eq!(socket.read(&mut [0; 8]).await.unwrap(), 0);
    session.ready(2).await;
}

#[tokio::test]
async fn a_target_that_is_down_fails_its_channel_and_not_the_session() {
    let mut rig = Rig::start().await;
    let (json, listener) = target().await;
    drop(listener);
    let mut session = rig.tcp_session(&json).await;
    for channel in [1, 2] {
        let kind = Some(Kind::Tcp(TcpOpen {}));
        session.deliver(channel, Body::ChannelOpen(ChannelOpen { kind }));
        let (got, Body::ChannelFailed(failed)) = session.payload().await else {
            panic!("no failure")
        };
        assert_eq!((got, failed.code.as_str()), (channel, "target_unreachable"));
        assert_eq!(failed.message, "the target refused the connection");
    }
}

#[tokio::test]
async fn secrets_that_do_not_open_fail_the_session_in_words() {
    let mut rig = Rig::start().await;
    let (tcp, garbage) = ("tcp", b"not a box".to_vec());
    for (kind, sealed, said) in [(tcp, garbage.clone(), "sealed"), ("of_tomorrow", garbage, "type")]
    {
        let mut session = rig.offer(kind, SessionId::generate(), sealed).await;
        let kind = Some(Kind::Tcp(TcpOpen {}));
        session.deliver(1, Body::ChannelOpen(ChannelOpen { kind }));
        let (1, Body::ChannelFailed(failed)) = session.payload().await else {
            panic!("no failure")
        };
        assert_eq!(failed.code, "misconfigured");
        assert!(failed.message.contains(said), "{}", failed.message);
        let (0, Body::SessionEnd(end)) = session.payload().await else { panic!("no end") };
        assert_eq!(end.code, "misconfigured");
    }
}

#[tokio::test]
async fn a_broken_protocol_ends_that_session_alone() {
    let mut rig = Rig::start().await;
    let (json, _listener) = target().await;
    let mut good = rig.tcp_session(&json).await;
    let mut bad = rig.tcp_session(&json).await;
    bad.deliver(0, Body::ChannelOpen(ChannelOpen { kind: None }));
    let (0, Body::SessionEnd(end)) = bad.payload().await else { panic!("no end") };
    assert_eq!(end.code, "protocol_violation");
    good.ready(1).await;
}
