//! A client that does what a well-behaved one would not.

use std::net::SocketAddr;

use hoop_wire::postgres::{
    error::Report,
    login::{LoggedIn, Login, Settings, Step},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use crate::gateway::{PASSWORD, USER};

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

pub(crate) fn settings(database: &str, certificate: Option<Vec<u8>>) -> Settings {
    Settings {
        user: USER.to_owned(),
        password: PASSWORD.to_owned().into(),
        database: database.to_owned(),
        parameters: vec![
            ("application_name".to_owned(), "raw".to_owned()),
            ("search_path".to_owned(), "shop".to_owned()),
        ],
        certificate,
    }
}

/// Logs in; `patch` may change the first message.
pub(crate) async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    io: &mut S,
    settings: Settings,
    patch: impl FnOnce(&mut Vec<u8>),
) -> Result<LoggedIn, Report> {
    let (mut login, mut first) = Login::start(settings);
    patch(&mut first);
    io.write_all(&first).await.unwrap();
    let mut buffer = vec![0; 4096];
    loop {
        let length = io.read(&mut buffer).await.unwrap();
        assert!(0 < length, "the listener hung up during the login");
        match login.feed(&buffer[..length]) {
            Ok(Step::Continue { send }) => io.write_all(&send).await.unwrap(),
            Ok(Step::Done(done)) => return Ok(done),
            Err(hoop_wire::postgres::login::Error::Refused(report)) => return Err(*report),
            Err(other) => panic!("{other}"),
        }
    }
}

pub(crate) async fn query<S: AsyncWrite + Unpin>(io: &mut S, sql: &str) {
    let mut message = vec![b'Q'];
    message.extend(u32::try_from(sql.len() + 5).unwrap().to_be_bytes());
    message.extend(sql.as_bytes());
    message.push(0);
    io.write_all(&message).await.unwrap();
}

/// Everything until the listener hangs up.
pub(crate) async fn rest<S: AsyncRead + Unpin>(io: &mut S) -> Vec<u8> {
    let mut all = Vec::new();
    io.read_to_end(&mut all).await.unwrap();
    all
}

/// The one error in `bytes`.
pub(crate) fn error(bytes: &[u8]) -> Report {
    assert_eq!(bytes.first(), Some(&b'E'), "{}", bytes.escape_ascii());
    Report::decode(&bytes[5..])
}
