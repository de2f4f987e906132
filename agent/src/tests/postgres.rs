//! PostgreSQL connections: a server that the test plays, log-in included.

use bytes::{Bytes, BytesMut};
use hoop_domain::ConnectionType;
use hoop_proto::v1::{
    ChannelCancel, ChannelClose, ChannelOpen, Parameter, PostgresOpen, channel_open::Kind,
    payload::Body,
};
use hoop_wire::postgres::{
    auth::Request,
    backend::{backend_key_data, parameter_status, ready_for_query},
    error::{Severity, encode},
    startup::{self, CancelKey, First},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{Rig, Stream};

struct Server(TcpListener);

impl Server {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let json = format!(r#"{{"HOST":"127.0.0.1","PORT":"{port}","USER":"app","PASS":"p"}}"#);
        (Self(listener), json)
    }

    /// Accepts, refuses TLS, and returns what the client says next.
    async fn accept(&self) -> (TcpStream, First) {
        let (mut socket, _) = self.0.accept().await.unwrap();
        assert_eq!(first(&mut socket).await, First::SslRequest);
        socket.write_all(b"N").await.unwrap();
        let said = first(&mut socket).await;
        (socket, said)
    }

    async fn log_in(&self) -> (TcpStream, First) {
        let (mut socket, startup) = self.accept().await;
        let mut welcome = Vec::new();
        Request::Ok.encode(&mut welcome);
        parameter_status(&mut welcome, "server_version", "15.18");
        backend_key_data(&mut welcome, &key());
        ready_for_query(&mut welcome);
        socket.write_all(&welcome).await.unwrap();
        (socket, startup)
    }
}

fn key() -> CancelKey {
    CancelKey { process_id: 9, secret: vec![1, 2, 3, 4] }
}

async fn first(socket: &mut TcpStream) -> First {
    let mut buffer = BytesMut::new();
    loop {
        socket.read_buf(&mut buffer).await.unwrap();
        if let Some(first) = startup::decode(&mut buffer).unwrap() {
            return first;
        }
    }
}

fn open(session: &Stream) {
    let name = Parameter { name: "application_name".into(), value: "psql".into() };
    let kind = Some(Kind::Postgres(PostgresOpen { parameters: vec![name] }));
    session.deliver(1, Body::ChannelOpen(ChannelOpen { kind }));
}

#[tokio::test]
async fn the_agent_logs_in_relays_cancels_and_tells_of_the_hang_up() {
    let mut rig = Rig::start().await;
    let (server, json) = Server::start().await;
    let mut session = rig.session(ConnectionType::Postgres, &json).await;
    open(&session);
    let (mut socket, First::Startup(startup)) = server.log_in().await else { panic!("no log-in") };
    assert_eq!((startup.user.as_str(), startup.database.as_str()), ("app", "app"));
    assert_eq!(startup.parameter("application_name"), Some("psql"));
    let (1, Body::ChannelReady(ready)) = session.payload().await else { panic!("not ready") };
    assert_eq!(ready.parameters[0].value, "15.18");

    session.deliver(1, Body::Data(Bytes::from_static(b"query")));
    let mut query = [0; 5];
    socket.read_exact(&mut query).await.unwrap();
    assert_eq!(&query, b"query");

    session.deliver(1, Body::ChannelCancel(ChannelCancel {}));
    assert_eq!(server.accept().await.1, First::Cancel(key()));

    socket.write_all(b"bye").await.unwrap();
    drop(socket);
    assert_eq!(session.data(3).await, b"bye");
    assert_eq!(session.payload().await, (1, Body::ChannelClose(ChannelClose { abort: false })));
    let (0, Body::SessionEnd(end)) = session.payload().await else { panic!("no end") };
    assert_eq!(end.code, "target_closed");
}

#[tokio::test]
async fn refused_credentials_end_the_session_without_a_word_of_them() {
    let mut rig = Rig::start().await;
    let (server, json) = Server::start().await;
    let mut session = rig.session(ConnectionType::Postgres, &json).await;
    open(&session);
    let (mut socket, _) = server.accept().await;
    let mut refusal = Vec::new();
    let words = "password authentication failed for user \"app\"";
    encode(&mut refusal, Severity::Fatal, "28P01", words, None);
    socket.write_all(&refusal).await.unwrap();

    let (1, Body::ChannelFailed(failed)) = session.payload().await else { panic!("no failure") };
    assert_eq!(failed.code, "target_login_failed");
    assert!(!failed.message.contains("app"), "{}", failed.message);
    let (0, Body::SessionEnd(end)) = session.payload().await else { panic!("no end") };
    assert_eq!((end.code.as_str(), end.message), ("target_login_failed", failed.message));
    assert_eq!(session.sent().await, None);
}

#[tokio::test]
async fn a_tcp_channel_on_a_postgres_connection_is_refused() {
    let mut rig = Rig::start().await;
    let (_server, json) = Server::start().await;
    let mut session = rig.session(ConnectionType::Postgres, &json).await;
    let kind = Some(Kind::Tcp(hoop_proto::v1::TcpOpen {}));
    session.deliver(1, Body::ChannelOpen(ChannelOpen { kind }));
    let (1, Body::ChannelFailed(failed)) = session.payload().await else { panic!("no failure") };
    assert_eq!(failed.code, "protocol_violation");
}
