//! One connection of a PostgreSQL client, from its first byte to its last.

mod negotiation;
mod opening;
mod welcome;

use std::{net::SocketAddr, sync::Mutex, time::Duration};

use hoop_domain::Attempts;
use hoop_wire::postgres::startup::{CancelKey, First, Startup, Version};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tracing::{debug, info};

use crate::{
    Gateway, Tls,
    client::{Client, Error},
    error::Refusal,
    guesses::Guesses,
    login, relay,
};

use negotiation::Negotiated;

/// What all connections of a listener share.
#[derive(Debug)]
pub(crate) struct Shared<G> {
    pub(crate) gateway: G,
    pub(crate) tls: Tls,
    pub(crate) attempts: Mutex<Attempts>,
}

/// How long a client may take until it is let in; PostgreSQL allows a minute.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long the gateway may take to answer a question.
const ANSWER: Duration = Duration::from_secs(15);

/// How long a farewell may wait for the client to take it.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves a connection; `proved` runs when it is known who it is.
pub(crate) async fn serve<G: Gateway, S>(
    shared: &Shared<G>,
    io: S,
    address: SocketAddr,
    proved: impl FnOnce(),
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    // Each step is boxed, so that its memory is gone when it is over: a session may be idle
    // for days, and then costs what the relay needs.
    let negotiated = match Box::pin(negotiation::negotiate(io, &shared.tls)).await {
        Ok(negotiated) => negotiated,
        Err(error) => return log(address, "", &error),
    };
    match negotiated {
        Negotiated::Plain { client, first } => {
            Box::pin(talk(shared, client, first, false, address, proved)).await;
        }
        Negotiated::Tls { client, first } => {
            Box::pin(talk(shared, client, first, true, address, proved)).await;
        }
    }
}

/// Everything after the encryption is settled.
async fn talk<G: Gateway, S>(
    shared: &Shared<G>,
    mut client: Client<S>,
    first: First,
    under_tls: bool,
    address: SocketAddr,
    proved: impl FnOnce(),
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let startup = match first {
        First::Startup(startup) => startup,
        First::Cancel(key) => {
            debug!(%address, "cancel request");
            if timeout(ANSWER, shared.gateway.cancel(key.to_bytes())).await.is_err() {
                info!(%address, "the gateway did not take a cancel request in time");
            }
            let _ = timeout(FAREWELL, client.io.shutdown()).await;
            return;
        }
        First::SslRequest | First::GssEncRequest => {
            let refusal = Refusal::new("08P01", "encryption was negotiated already");
            return refuse(&mut client, refusal.into(), address, "").await;
        }
    };
    let admission = admit(shared, &mut client, &startup, under_tls, address, proved);
    match Box::pin(admission).await {
        Ok((tx, rx)) => {
            let Client { io, buffer, .. } = client;
            drop(startup);
            relay::run(io, buffer, tx, rx).await;
        }
        Err(error) => refuse(&mut client, error, address, &startup.user).await,
    }
}

/// Password, session, target, welcome.
async fn admit<G: Gateway, S>(
    shared: &Shared<G>,
    client: &mut Client<S>,
    startup: &Startup,
    under_tls: bool,
    address: SocketAddr,
    proved: impl FnOnce(),
) -> Result<(G::Tx, G::Rx), Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    opening::refuse_replication(startup)?;
    let guesses =
        Guesses { attempts: &shared.attempts, source: address.ip(), username: &startup.user };
    guesses.check().await?;
    let verifier = timeout(ANSWER, shared.gateway.verifier(&startup.user))
        .await
        .map_err(|_| opening::undecided())??;
    let certificate = under_tls.then(|| shared.tls.end_point()).flatten();
    let negotiation = welcome::negotiation(startup);
    let wrong = shared.gateway.refused(&startup.user, &startup.database, address);
    let login::Proved { proof, unsent } =
        login::prove(client, &guesses, verifier, certificate, negotiation, wrong).await?;
    proved();

    let key = cancel_key(startup.version())?;
    let mut session = opening::open(&shared.gateway, client, startup, proof, address, &key).await?;
    let welcome = welcome::welcome(unsent, &session.parameters, &key, &mut session.notices);
    client.send(&welcome).await?;
    Ok((session.tx, session.rx))
}

/// Random, so that nobody cancels what is not theirs. The process id is as random as the
/// rest: it only looks like one.
fn cancel_key(version: Version) -> Result<CancelKey, Refusal> {
    let mut bytes = [0; 36];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Refusal::new("57P03", "the gateway has no random bytes at the moment"))?;
    let [a, b, c, d, secret @ ..] = bytes;
    // Clients print it as a signed number.
    let process_id = u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff;
    // Before 3.2 a secret has exactly four bytes.
    let length = if version < Version::V3_2 { 4 } else { secret.len() };
    Ok(CancelKey { process_id, secret: secret.into_iter().take(length).collect() })
}

/// Tells the client if there is something to tell, and the log in any case.
async fn refuse<S>(client: &mut Client<S>, error: Error, address: SocketAddr, username: &str)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    log(address, username, &error);
    let refusal = match error {
        Error::Refused(refusal) => refusal,
        Error::TooSlow => Refusal::login_timeout(),
        Error::Broken(_) | Error::HungUp => return,
    };
    let mut out = Vec::new();
    refusal.encode(&mut out);
    relay::farewell(&mut client.io, &out).await;
}

fn log(address: SocketAddr, username: &str, error: &Error) {
    match error {
        Error::Refused(refusal) => {
            info!(%address, username, sqlstate = refusal.sqlstate, "refused: {refusal}");
        }
        Error::Broken(cause) => debug!(%address, username, %cause, "{error}"),
        Error::HungUp | Error::TooSlow => debug!(%address, username, "{error}"),
    }
}
