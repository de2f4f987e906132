//! A tail over a WebSocket of the real API, and clients of it that mean no good.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use hoop_testkit::eventually;
use hoop_tests::{Gateway, rest::text};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::{
    Result,
    live::{Talker, live, recorded},
};

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A WebSocket on which somebody follows a session.
pub(crate) struct Socket(WebSocketStream<Box<dyn Stream>>);

/// What it told, and the code and the reason at the end.
pub(crate) struct Told {
    pub(crate) events: Vec<Value>,
    pub(crate) closed: (u16, String),
}

impl Socket {
    /// Follows `session` at the API at `base`, over TLS where `authority` is the one to trust.
    pub(crate) async fn follow(
        base: &str,
        authority: Option<&Path>,
        session: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self> {
        let (_, place) = base.split_once("://").context("no URL")?;
        let stream = TcpStream::connect(place).await?;
        let stream: Box<dyn Stream> = match authority {
            Some(authority) => Box::new(encrypted(stream, authority).await?),
            None => Box::new(stream),
        };
        let path = format!("/api/sessions/{session}/tail");
        let mut request = format!("ws://{place}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse()?);
        }
        let (socket, _) = client_async(request, stream).await?;
        Ok(Self(socket))
    }

    /// Reads until it is closed, or `enough` events have come.
    pub(crate) async fn read(&mut self, enough: usize) -> Result<Told> {
        let mut told = Told { events: Vec::new(), closed: (0, String::new()) };
        while told.events.len() < enough {
            match self.0.next().await.context("it ended without a word")?? {
                Message::Text(text) => told.events.push(serde_json::from_str(text.as_str())?),
                Message::Close(Some(frame)) => {
                    told.closed = (frame.code.into(), frame.reason.as_str().to_owned());
                    break;
                }
                Message::Ping(_) => {}
                other => bail!("{other:?} is no event"),
            }
        }
        Ok(told)
    }

    /// Reads until it is closed.
    pub(crate) async fn until_the_end(mut self) -> Result<Told> {
        self.read(usize::MAX).await
    }
}

async fn encrypted(stream: TcpStream, authority: &Path) -> Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority)? {
        roots.add(certificate?)?;
    }
    let config = rustls::ClientConfig::builder().with_root_certificates(roots);
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    Ok(connector.connect(ServerName::try_from("localhost")?, stream).await?)
}

/// The header that shows who the administrator is.
pub(crate) fn bearer(gateway: &Gateway) -> Result<String> {
    Ok(format!("Bearer {}", gateway.rest.token().context("not logged in")?))
}

/// Waits until nobody follows anything any more.
async fn nobody_follows(gateway: &mut Gateway) -> Result {
    eventually("every tail to have ended", async || {
        let going_on = gateway.api.metric("hoop_queue_used{queue=\"tails\"}").await?;
        ensure!(going_on == 0.0, "{going_on} go on");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_websocket_tells_exactly_the_recording_and_why_it_ended() -> Result {
    let mut gateway = Gateway::usual().await?;
    let bearer = bearer(&gateway)?;
    let signed = [("authorization", bearer.as_str())];
    let mut psql = Talker::start(&gateway.access(1).await?)?;
    psql.tell("select 'the first'").await?;
    let id = live(&gateway.rest).await?;
    let mut early = Socket::follow(&gateway.api_url, None, &id, &signed).await?;
    let before = early.read(3).await?.events;
    psql.tell("select 'the second'").await?;
    psql.end().await?;
    let after = early.until_the_end().await?;
    assert_eq!(after.closed, (1000, "client_closed".to_owned()));

    gateway.rest.session_done(&id).await?;
    let recorded = recorded(&gateway.rest, &id).await?;
    let events = [before, after.events].concat();
    let packets: Vec<_> = events.iter().filter(|event| text(event, "event") == "packet").collect();
    let data: Vec<_> = packets.iter().map(|packet| packet.get("data").cloned()).collect();
    let expected: Vec<_> = recorded.iter().cloned().map(Some).collect();
    ensure!(data == expected, "{data:?}");
    ensure!(events.last().is_some_and(|event| text(event, "event") == "end"), "{events:?}");

    // On after the third, as one who had lost the first socket.
    let third = packets.get(2).context("few packets")?;
    let signed = [("authorization", bearer.as_str()), ("last-event-id", text(third, "id"))];
    let rest = Socket::follow(&gateway.api_url, None, &id, &signed).await?.until_the_end().await?;
    assert_eq!(rest.events.len(), events.len() - 3);
    nobody_follows(&mut gateway).await
}

#[tokio::test]
async fn who_never_reads_hangs_up_or_shouts_holds_up_nobody() -> Result {
    let mut gateway = Gateway::usual().await?;
    let (base, bearer) = (gateway.api_url.clone(), bearer(&gateway)?);
    let signed = [("authorization", bearer.as_str())];
    let mut psql = Talker::start(&gateway.access(1).await?)?;
    psql.tell("select 1").await?;
    let id = live(&gateway.rest).await?;

    let silent = Socket::follow(&base, None, &id, &signed).await?;
    let gone = Socket::follow(&base, None, &id, &signed).await?;
    let mut half = Socket::follow(&base, None, &id, &signed).await?;
    let mut shouter = Socket::follow(&base, None, &id, &signed).await?;
    drop(gone);
    half.0.get_mut().shutdown().await?;
    // It may be cut off before all of it is out.
    let _ = shouter.0.send(Message::text("x".repeat(4 * 1024 * 1024))).await;
    let good = Socket::follow(&base, None, &id, &signed).await?;

    psql.tell("select repeat('x', 1000) from generate_series(1, 30000)").await?;
    psql.end().await?;
    let told = good.until_the_end().await?;
    assert_eq!(told.closed, (1000, "client_closed".to_owned()));
    let session = gateway.rest.session_done(&id).await?;
    ensure!(text(&session, "end_reason") == "client_closed", "{session}");
    let recorded = recorded(&gateway.rest, &id).await?;
    assert_eq!(told.events.len(), recorded.len() + 1);
    // The end of a session is none of a tail that nobody reads; a closed socket is.
    drop(silent);
    nobody_follows(&mut gateway).await
}
