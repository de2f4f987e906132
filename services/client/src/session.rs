//! Begins a session: as the client that asks for it, or as the agent that takes it up.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hoop_domain::SessionId;
use hoop_proto::v1::{AttachHello, ClientHello, ExecInput, ResumeHello, SessionOpened, down, up};
use hoop_runtime::backoff::Backoff;
use tokio::time::Instant;
use tonic::{Streaming, transport::Channel};

use crate::{
    Error, KeepAlive, Pipe,
    outbox::Outbox,
    pipe::{Received, Resumed, Resumer},
    stream::{self, Credentials},
};

/// Between two tries: a rolling restart is over soon, and thousands come back at once.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// How long an edge may take to answer: it reads what was missed from the stream.
const ANSWER: Duration = Duration::from_secs(15);

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The connection's name.
    pub connection: String,
    /// The program that asks, for the recording.
    pub application: String,
    /// `connect` or `exec`.
    pub verb: String,
    /// What would be run, for a connection whose commands somebody approves beforehand.
    pub exec: Option<ExecInput>,
    /// For how long access is asked for, where somebody approves it; 0 for the usual time.
    pub access_seconds: u32,
    /// What shows that `exec` is a runbook, which `api` alone can; empty for everybody else.
    pub runbook: Bytes,
}

/// A session that is open, at the client's end.
#[derive(Debug)]
pub struct Session {
    /// Its id, given by the gateway.
    pub id: SessionId,
    /// The connection's name, as it is stored.
    pub connection: String,
    /// The connection's type, as it is stored.
    pub connection_type: String,
    /// Its channels.
    pub pipe: Pipe,
}

/// Opens a session as a client.
///
/// # Errors
/// When the gateway refuses, or can't be reached.
pub async fn open(
    channel: Channel,
    credentials: &Credentials,
    request: Request,
) -> Result<Session, Error> {
    let hello = ClientHello {
        connection_name: request.connection,
        application: request.application,
        window: 0,
        verb: request.verb,
        exec: request.exec,
        access_seconds: request.access_seconds,
        runbook: request.runbook,
    };
    let hello = up::Frame::ClientHello(hello);
    let (sender, mut incoming) =
        stream::open(channel.clone(), credentials, hello, KeepAlive::STANDARD).await?;
    let down::Frame::SessionOpened(opened) = incoming.recv().await? else {
        return Err(Error::Violation("the gateway did not answer the request for a session"));
    };
    let SessionOpened { session, token, connection_name, connection_type, window, resume_seconds } =
        opened;
    let id = SessionId::try_from(session.as_ref())
        .map_err(|_| Error::Violation("the gateway gave the session no id"))?;
    let pipe = Pipe::new(sender, incoming, window);
    let grace = Duration::from_secs(resume_seconds.into());
    let pipe = resumable(pipe, grace, channel, credentials.clone(), id, token);
    Ok(Session { id, connection: connection_name, connection_type, pipe })
}

/// Takes up a session as an agent, with the token that came with its offer.
///
/// # Errors
/// When the gateway refuses, or can't be reached.
pub async fn attach(
    channel: Channel,
    credentials: &Credentials,
    session: SessionId,
    token: Bytes,
) -> Result<Pipe, Error> {
    let (again, kept) = (channel.clone(), token.clone());
    let hello = AttachHello { session: Bytes::copy_from_slice(session.as_bytes()), token };
    let hello = up::Frame::AttachHello(hello);
    let (sender, mut incoming) =
        stream::open(channel, credentials, hello, KeepAlive::STANDARD).await?;
    let down::Frame::Attached(attached) = incoming.recv().await? else {
        return Err(Error::Violation("the gateway did not answer the agent's attachment"));
    };
    let pipe = Pipe::new(sender, incoming, attached.window);
    let grace = Duration::from_secs(attached.resume_seconds.into());
    Ok(resumable(pipe, grace, again, credentials.clone(), session, kept))
}

fn resumable(
    pipe: Pipe,
    grace: Duration,
    channel: Channel,
    credentials: Credentials,
    session: SessionId,
    token: Bytes,
) -> Pipe {
    if grace.is_zero() {
        return pipe;
    }
    pipe.resumable(resumer(grace, channel, credentials, session, token))
}

/// Goes on with the session at whatever edge the gateway's address leads to: the connection
/// that broke is made anew.
fn resumer(
    grace: Duration,
    channel: Channel,
    credentials: Credentials,
    session: SessionId,
    token: Bytes,
) -> Resumer<Streaming<hoop_proto::v1::Down>> {
    Resumer::new(move |outbox, received| {
        let (channel, credentials, token) = (channel.clone(), credentials.clone(), token.clone());
        async move {
            let (began_at, mut retry) = (Instant::now(), Backoff::new(RETRY.0, RETRY.1));
            loop {
                let Received { seq, payloads } = received;
                let hello = ResumeHello {
                    session: Bytes::copy_from_slice(session.as_bytes()),
                    token: token.clone(),
                    received_seq: seq,
                    received_payloads: payloads,
                };
                let error = match resume(&channel, &credentials, &outbox, hello).await {
                    Ok(resumed) => return Ok(resumed),
                    Err(error) => error,
                };
                tracing::debug!(%session, %error, "the session could not go on yet");
                if !error.is_lost() || grace < began_at.elapsed() {
                    return Err(error);
                }
                tokio::time::sleep(retry.next_delay()).await;
            }
        }
    })
}

async fn resume(
    channel: &Channel,
    credentials: &Credentials,
    outbox: &Arc<Outbox>,
    hello: ResumeHello,
) -> Result<Resumed<Streaming<hoop_proto::v1::Down>>, Error> {
    let number = outbox.begin(up::Frame::ResumeHello(hello));
    let outbox = Arc::clone(outbox);
    let opened = stream::send(channel.clone(), credentials, outbox, number, KeepAlive::STANDARD);
    let answered = async {
        let mut incoming = opened.await?;
        match incoming.recv().await? {
            down::Frame::Resumed(resumed) => Ok(Resumed { incoming, payloads: resumed.payloads }),
            _ => Err(Error::Violation("the gateway did not answer whether the session goes on")),
        }
    };
    tokio::time::timeout(ANSWER, answered)
        .await
        .unwrap_or(Err(Error::TimedOut { seconds: ANSWER.as_secs() }))
}
