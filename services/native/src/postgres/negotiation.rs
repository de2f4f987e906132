//! Settling the encryption: TLS on request, TLS from the first byte, or none.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

use super::PATIENCE;
use crate::{
    Tls,
    client::{Client, Error},
    error::Refusal,
    patience::Patience,
    relay,
    stream::Prefixed,
    tls::ALPN,
};
use hoop_wire::postgres::startup::First;

/// The first byte of a TLS handshake. No start-up message begins so: it would have 352 MiB.
const TLS_HANDSHAKE: u8 = 0x16;

/// A connection whose encryption is settled, and its first message under it.
pub(super) enum Negotiated<S> {
    /// In clear.
    Plain {
        /// The connection.
        client: Client<S>,
        /// What it wants.
        first: First,
    },
    /// Encrypted.
    Tls {
        /// The connection.
        client: Client<Box<TlsStream<Prefixed<S>>>>,
        /// What it wants.
        first: First,
    },
}

pub(super) async fn negotiate<S>(io: S, tls: &Tls) -> Result<Negotiated<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut client = Client::new(io, Patience::new(PATIENCE));
    client.fill().await?;
    if client.buffer.first() == Some(&TLS_HANDSHAKE) {
        return encrypt(client, tls, true).await;
    }
    match settle(&mut client).await {
        Ok(Settled::Plain(first)) => Ok(Negotiated::Plain { client, first }),
        Ok(Settled::Tls) => encrypt(client, tls, false).await,
        Err(Error::Refused(refusal)) => {
            let mut out = Vec::new();
            refusal.encode(&mut out);
            relay::farewell(&mut client.io, &out).await;
            Err(Error::Refused(refusal))
        }
        Err(error) => Err(error),
    }
}

/// What the client settled on.
enum Settled {
    Plain(First),
    Tls,
}

/// Answers requests for encryption, each kind once.
async fn settle<S>(client: &mut Client<S>) -> Result<Settled, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut gss_refused = false;
    loop {
        let first = client.first().await?;
        match first {
            First::SslRequest => {
                nothing_ahead(client)?;
                client.send(b"S").await?;
                return Ok(Settled::Tls);
            }
            First::GssEncRequest if !gss_refused => {
                nothing_ahead(client)?;
                gss_refused = true;
                client.send(b"N").await?;
            }
            First::GssEncRequest => {
                return Err(Refusal::new("08P01", "GSSAPI encryption was refused already").into());
            }
            First::Cancel(_) | First::Startup(_) => return Ok(Settled::Plain(first)),
        }
    }
}

/// What comes with a request for encryption could have been put there by somebody in
/// between, and would be taken for encrypted afterwards (CVE-2021-23214).
fn nothing_ahead<S>(client: &Client<S>) -> Result<(), Refusal> {
    if client.buffer.is_empty() {
        Ok(())
    } else {
        Err(Refusal::new("08P01", "received unencrypted data after a request for encryption"))
    }
}

async fn encrypt<S>(client: Client<S>, tls: &Tls, direct: bool) -> Result<Negotiated<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Client { io, buffer, mut patience } = client;
    let stream = Prefixed::new(buffer.freeze(), io);
    let stream = Box::new(patience.wait(tls.acceptor().accept(stream)).await??);
    let (_, session) = stream.get_ref();
    let named = session.alpn_protocol() == Some(ALPN);
    let mut client = Client::new(stream, patience);
    if direct && !named {
        // Without the name it may be another protocol whose bytes look like ours.
        let refusal = Refusal::new("08P01", "direct TLS needs ALPN \"postgresql\"");
        return Err(tell(&mut client, refusal).await);
    }
    match client.first().await {
        Ok(first) => Ok(Negotiated::Tls { client, first }),
        Err(Error::Refused(refusal)) => Err(tell(&mut client, refusal).await),
        Err(error) => Err(error),
    }
}

async fn tell<S>(client: &mut Client<S>, refusal: Refusal) -> Error
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut out = Vec::new();
    refusal.encode(&mut out);
    relay::farewell(&mut client.io, &out).await;
    Error::Refused(refusal)
}
