//! How a channel reaches its target: one variant per connection type.

mod postgres;
mod tcp;
mod tls;

use std::fmt;

use hoop_domain::{ConnectionType, EndReason};
use hoop_proto::v1::{Parameter, channel_open::Kind};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::secrets::Secrets;
pub(crate) use postgres::CancelHandle;
pub(crate) use tls::Tls;

/// Why a target can't be reached, in words for the user and a cause for the log. Neither
/// has a secret in it; where the target is, only the log says.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) reason: EndReason,
    pub(crate) message: String,
    #[source]
    pub(crate) cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A target that is reached, and logged in to where that is the agent's part.
pub(crate) struct Reached {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// How to stop what runs there, if there is a way.
    pub(crate) cancel: Option<CancelHandle>,
}

/// What a session's connection is, and with which credentials.
#[derive(Debug)]
pub(crate) enum Connector {
    /// A PostgreSQL server; one channel, which ends with the session.
    Postgres(postgres::Postgres),
    /// Any TCP service; as many channels as the client opens.
    Tcp(tcp::Tcp),
}

impl Connector {
    /// Reads the settings of a connection.
    pub(crate) fn new(kind: ConnectionType, secrets: &Secrets, tls: &Tls) -> Result<Self, Failure> {
        match kind {
            ConnectionType::Postgres => postgres::Postgres::new(secrets, tls).map(Self::Postgres),
            ConnectionType::Tcp => tcp::Tcp::new(secrets).map(Self::Tcp),
            ConnectionType::Mysql | ConnectionType::CommandLine => Err(Failure::new(
                EndReason::Misconfigured,
                "this version of the agent does not know the type of this connection",
            )),
        }
    }

    /// Opens a channel of the kind that the client asks for.
    pub(crate) async fn reach(&self, kind: Kind) -> Result<Reached, Failure> {
        match (self, kind) {
            (Self::Postgres(postgres), Kind::Postgres(open)) => {
                postgres.reach(open.parameters).await
            }
            (Self::Tcp(tcp), Kind::Tcp(_)) => tcp.reach().await,
            (Self::Postgres(_), Kind::Tcp(_) | Kind::Exec(_))
            | (Self::Tcp(_), Kind::Postgres(_) | Kind::Exec(_)) => {
                let message = "this connection is of another type than the client expects";
                Err(Failure::new(EndReason::ProtocolViolation, message))
            }
        }
    }

    /// Whether the session is over when its channel is.
    pub(crate) const fn one_channel(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

impl Failure {
    pub(crate) fn new(reason: EndReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), cause: None }
    }

    pub(crate) fn misconfigured(what: fmt::Arguments<'_>) -> Self {
        let message = format!("{what}; ask the administrator of this connection to correct it");
        Self::new(EndReason::Misconfigured, message)
    }

    pub(crate) fn because(
        self,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }
}
