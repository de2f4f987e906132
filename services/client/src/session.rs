//! Begins a session: as the client that asks for it, or as the agent that takes it up.

use bytes::Bytes;
use hoop_domain::SessionId;
use hoop_proto::v1::{AttachHello, ClientHello, SessionOpened, down, up};
use tonic::transport::Channel;

use crate::{
    Error, KeepAlive, Pipe,
    stream::{self, Credentials},
};

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The connection's name.
    pub connection: String,
    /// The program that asks, for the recording.
    pub application: String,
    /// `connect` or `exec`.
    pub verb: String,
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
    };
    let hello = up::Frame::ClientHello(hello);
    let (sender, mut incoming) =
        stream::open(channel, credentials, hello, KeepAlive::STANDARD).await?;
    let down::Frame::SessionOpened(opened) = incoming.recv().await? else {
        return Err(Error::Violation("the gateway did not answer the request for a session"));
    };
    let SessionOpened { session, token: _, connection_name, connection_type, window } = opened;
    let id = SessionId::try_from(session.as_ref())
        .map_err(|_| Error::Violation("the gateway gave the session no id"))?;
    let pipe = Pipe::new(sender, incoming, window);
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
    let hello = AttachHello { session: Bytes::copy_from_slice(session.as_bytes()), token };
    let hello = up::Frame::AttachHello(hello);
    let (sender, mut incoming) =
        stream::open(channel, credentials, hello, KeepAlive::STANDARD).await?;
    let down::Frame::Attached(attached) = incoming.recv().await? else {
        return Err(Error::Violation("the gateway did not answer the agent's attachment"));
    };
    Ok(Pipe::new(sender, incoming, attached.window))
}
