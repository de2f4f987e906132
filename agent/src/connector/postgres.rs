//! PostgreSQL: the agent logs in with the real credentials, then relays without parsing.
//!
//! The connection, with its TLS, is made while the session is still being attached, and
//! the log-in waits for the client's start-up parameters: a client waits for one of the
//! two, not for both.

mod dial;
mod login;
mod settings;

use std::sync::{Arc, Mutex, PoisonError};

use hoop_domain::EndReason;
use hoop_proto::v1::Parameter;
use hoop_wire::postgres::startup::{self, CancelKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::task::AbortOnDropHandle;

use super::{Failure, Reached, Tls};
use crate::secrets::Secrets;
use dial::Io;
use settings::Settings;

/// A PostgreSQL target.
#[derive(Debug)]
pub(crate) struct Postgres {
    settings: Arc<Settings>,
    early: Mutex<Option<AbortOnDropHandle<Result<Io, Failure>>>>,
}

/// Stops the statement that runs on one connection.
#[derive(Debug, Clone)]
pub(crate) struct CancelHandle {
    settings: Arc<Settings>,
    key: CancelKey,
}

impl Postgres {
    /// Reads the settings and begins to connect.
    pub(crate) fn new(secrets: &Secrets, tls: &Tls) -> Result<Self, Failure> {
        let settings = Arc::new(Settings::new(secrets, tls)?);
        let dialed = Arc::clone(&settings);
        let early = tokio::spawn(async move { dial::dial(&dialed).await });
        Ok(Self { settings, early: Mutex::new(Some(AbortOnDropHandle::new(early))) })
    }

    /// Hangs up on a server that was dialed and is reached in another way.
    pub(crate) fn not_needed(&self) {
        self.early.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Logs in for a client with these start-up parameters.
    pub(crate) async fn reach(&self, parameters: Vec<Parameter>) -> Result<Reached, Failure> {
        let early = self.early.lock().unwrap_or_else(PoisonError::into_inner).take();
        let io = match early {
            Some(dialing) => dialing.await.map_err(|error| {
                Failure::new(EndReason::TargetUnreachable, "the target could not be reached")
                    .because(error)
            })??,
            None => dial::dial(&self.settings).await?,
        };
        let (io, login) = login::login(&self.settings, io, parameters).await?;
        let (reader, writer) = io.split(login.leftover);
        let settings = Arc::clone(&self.settings);
        Ok(Reached {
            parameters: login.parameters,
            reader,
            writer,
            cancel: login.key.map(|key| CancelHandle { settings, key }),
        })
    }
}

impl CancelHandle {
    /// Asks the server to stop, over a connection of its own and with the same TLS mode.
    /// The server answers with nothing but the end of that connection.
    pub(crate) async fn cancel(&self) -> Result<(), Failure> {
        let unreachable = |error| self.settings.address.unreachable(&error);
        let mut io = dial::dial(&self.settings).await?;
        io.write_all(&startup::cancel_request(&self.key)).await.map_err(unreachable)?;
        io.flush().await.map_err(unreachable)?;
        // A reset is an end, too.
        let _ = io.read(&mut [0]).await;
        Ok(())
    }
}
