//! A connection to a PostgreSQL server, in TLS where both sides want it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hoop_domain::EndReason;
use hoop_wire::{certificate, postgres::startup};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::settings::{Encryption, Settings};
use crate::connector::Failure;

/// A server that does not finish its handshake by then is as good as down.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that is not logged in yet.
#[derive(Debug)]
pub(super) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

type Halves = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

/// Connects, and encrypts where the settings say so.
pub(super) async fn dial(settings: &Settings) -> Result<Io, Failure> {
    let stream = settings.address.connect().await?;
    let Some(tls) = &settings.tls else { return Ok(Io::Plain(stream)) };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, encrypt(settings, tls, stream)).await {
        Ok(io) => io,
        Err(_) => Err(settings.address.unreachable(&io::ErrorKind::TimedOut.into())),
    }
}

async fn encrypt(
    settings: &Settings,
    tls: &Encryption,
    mut stream: TcpStream,
) -> Result<Io, Failure> {
    let unreachable = |error| settings.address.unreachable(&error);
    stream.write_all(&startup::ssl_request()).await.map_err(unreachable)?;
    // One byte and no more: what follows an `S` that came in clear text is not trusted.
    let answer = stream.read_u8().await.map_err(unreachable)?;
    match answer {
        b'S' => {}
        b'N' if !tls.required => return Ok(Io::Plain(stream)),
        b'N' => {
            let message = "the target does not offer TLS, which SSLMODE demands";
            return Err(Failure::new(EndReason::Misconfigured, message));
        }
        _ => {
            let message = "the target is not a PostgreSQL server";
            return Err(Failure::new(EndReason::Misconfigured, message));
        }
    }
    let connector = TlsConnector::from(tls.config.clone());
    let stream = connector.connect(tls.name.clone(), stream).await.map_err(|error| {
        let message = "the target's TLS certificate or handshake was not accepted";
        Failure::new(EndReason::TargetUnreachable, message).because(error)
    })?;
    Ok(Io::Tls(Box::new(stream)))
}

impl Io {
    /// The hash that binds a SCRAM log-in to this very TLS connection.
    pub(super) fn certificate_hash(&self) -> Option<Vec<u8>> {
        let Self::Tls(stream) = self else { return None };
        let (_, session) = stream.get_ref();
        session.peer_certificates()?.first().and_then(|first| certificate::end_point(first))
    }

    /// The two halves; `leftover` is read first.
    pub(super) fn split(self, leftover: Bytes) -> Halves {
        match self {
            Self::Plain(stream) => {
                let (reader, writer) = stream.into_split();
                (after(leftover, reader), Box::new(writer))
            }
            Self::Tls(stream) => {
                let (reader, writer) = tokio::io::split(*stream);
                (after(leftover, reader), Box::new(writer))
            }
        }
    }
}

fn after(
    leftover: Bytes,
    reader: impl AsyncRead + Send + Unpin + 'static,
) -> Box<dyn AsyncRead + Send + Unpin> {
    if leftover.is_empty() {
        return Box::new(reader);
    }
    Box::new(io::Cursor::new(leftover).chain(reader))
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, data),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
