//! How a channel reaches its target: one variant per connection type.

mod command_line;
mod postgres;
mod tcp;
mod tls;

use std::{fmt, sync::Arc};

use hoop_domain::{ConnectionType, EndReason, SessionId};
use hoop_proto::v1::{Parameter, SessionOpen, channel_open::Kind};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{secrets::Secrets, surroundings::Surroundings};
use command_line::{CommandLine, Setting};
pub(crate) use command_line::{Exit, Interrupt, Resizer, Running, Started};
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

/// What a channel was opened to.
pub(crate) enum Opened {
    /// A stream of bytes either way.
    Stream(Reached),
    /// A command that runs.
    Command(Box<Started>),
}

/// What a session's connection is, and with which credentials.
#[derive(Debug)]
pub(crate) enum Connector {
    /// A PostgreSQL server, and `psql` for it; one channel, which ends with the session.
    Postgres(postgres::Postgres, CommandLine),
    /// A command; one channel, which ends with the session.
    Command(CommandLine),
    /// Any TCP service; as many channels as the client opens.
    Tcp(tcp::Tcp),
}

/// What connectors of all sessions share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) tls: Tls,
    pub(crate) surroundings: Arc<Surroundings>,
}

impl Connector {
    /// Reads the settings of a connection.
    pub(crate) fn new(
        kind: ConnectionType,
        secrets: &Secrets,
        id: SessionId,
        open: &SessionOpen,
        shared: &Shared,
    ) -> Result<Self, Failure> {
        let facts = vec![
            ("HOOP_CONNECTION_NAME", open.connection_name.clone()),
            ("HOOP_CONNECTION_TYPE", kind.as_str().to_owned()),
            ("HOOP_SESSION_ID", id.to_string()),
        ];
        let setting = Setting { surroundings: Arc::clone(&shared.surroundings), facts };
        let command = open.command.clone();
        match kind {
            ConnectionType::Postgres => {
                let psql = CommandLine::postgres(command, secrets, setting)?;
                let postgres = postgres::Postgres::new(secrets, &shared.tls)?;
                Ok(Self::Postgres(postgres, psql))
            }
            ConnectionType::Mysql => {
                CommandLine::mysql(command, secrets, setting).map(Self::Command)
            }
            ConnectionType::CommandLine => {
                CommandLine::new(command, secrets, setting).map(Self::Command)
            }
            ConnectionType::Tcp => tcp::Tcp::new(secrets).map(Self::Tcp),
        }
    }

    /// Opens a channel of the kind that the client asks for.
    pub(crate) async fn reach(&self, kind: Kind) -> Result<Opened, Failure> {
        match (self, kind) {
            (Self::Postgres(postgres, _), Kind::Postgres(open)) => {
                postgres.reach(open.parameters).await.map(Opened::Stream)
            }
            (Self::Tcp(tcp), Kind::Tcp(_)) => tcp.reach().await.map(Opened::Stream),
            (Self::Postgres(postgres, psql), Kind::Exec(open)) => {
                postgres.not_needed();
                psql.start(&open).map(|started| Opened::Command(Box::new(started)))
            }
            (Self::Command(command), Kind::Exec(open)) => {
                command.start(&open).map(|started| Opened::Command(Box::new(started)))
            }
            (Self::Tcp(_), Kind::Exec(_)) => {
                let message = "no command can be run on a connection of type tcp; \
                               use `hoop connect` instead";
                Err(Failure::new(EndReason::ProtocolViolation, message))
            }
            (Self::Postgres(..), Kind::Tcp(_))
            | (Self::Tcp(_), Kind::Postgres(_))
            | (Self::Command(_), Kind::Tcp(_) | Kind::Postgres(_)) => {
                let message = "this connection is of another type than the client expects";
                Err(Failure::new(EndReason::ProtocolViolation, message))
            }
        }
    }

    /// Whether the session is over when its channel is.
    pub(crate) const fn one_channel(&self) -> bool {
        matches!(self, Self::Postgres(..) | Self::Command(_))
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
