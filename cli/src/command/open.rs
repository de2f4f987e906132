//! Opens a session, and says what is wrong when that does not work.

pub(crate) mod command;
pub(crate) mod held;

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use hoop_client::{
    Error, GatewayUrl, dial,
    session::{self, Session},
    stream::Credentials,
};
use hoop_domain::{ConnectionName, DenialCode};
use hoop_proto::v1::ExecInput;

use crate::{context::Context, output::printable, spinner};

/// The verb of one command.
pub(crate) const EXEC: &str = "exec";

/// What a session is opened for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// `connect` or `exec`.
    pub(crate) verb: &'static str,
    /// For how long, where somebody has to approve it; the usual time when `None`.
    pub(crate) duration: Option<Duration>,
    /// What would be run, where that is known.
    pub(crate) exec: Option<ExecInput>,
}

/// Opens a session to `connection`. Waits for an approval where one is needed. `None` when
/// somebody approves commands and has to see this one, of which nothing has been said yet.
pub(crate) async fn open(
    context: &Context,
    connection: &ConnectionName,
    wanted: Wanted,
) -> Result<Option<Session>> {
    let (gateway, mut waited) = (context.gateway()?, false);
    loop {
        let what = format!("waiting for {connection}");
        let opened = spinner::during(&what, attempt(context, &gateway, connection, &wanted)).await;
        let error = match opened {
            Ok(session) => {
                tracing::Span::current().record("session", session.id.to_string());
                return Ok(Some(session));
            }
            Err(error) => error,
        };
        match error {
            Error::Refused { code: Some(DenialCode::ReviewRequired), review: None, .. }
                if wanted.verb == EXEC && wanted.exec.is_none() =>
            {
                return Ok(None);
            }
            // What is not enough once is not enough twice.
            Error::Refused {
                code: Some(DenialCode::ReviewRequired),
                review: Some(review),
                message,
            } if !waited => {
                held::wait(context, connection, &printable(&review), &message).await?;
                waited = true;
            }
            error => return Err(explain(error, connection)),
        }
    }
}

/// Opens a session of which nothing more is to be said beforehand.
pub(crate) async fn connect(
    context: &Context,
    connection: &ConnectionName,
    duration: Option<Duration>,
) -> Result<Session> {
    let wanted = Wanted { verb: "connect", duration, exec: None };
    match open(context, connection, wanted).await? {
        Some(session) => Ok(session),
        None => bail!("{connection}: the gateway wants to see a command first"),
    }
}

async fn attempt(
    context: &Context,
    gateway: &GatewayUrl,
    connection: &ConnectionName,
    wanted: &Wanted,
) -> Result<Session, Error> {
    let credentials = Credentials::user(context.token())?;
    let seconds = wanted.duration.map_or(0, |duration| duration.as_secs());
    let request = session::Request {
        connection: connection.to_string(),
        application: concat!("hoop/", env!("CARGO_PKG_VERSION")).into(),
        verb: wanted.verb.into(),
        exec: wanted.exec.clone(),
        access_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
        runbook: Default::default(),
    };
    let channel = dial(gateway, None).await?;
    session::open(channel, &credentials, request).await
}

/// The error in a sentence for who asked for `connection`.
fn explain(error: Error, connection: &ConnectionName) -> anyhow::Error {
    match error {
        Error::Refused {
            code: Some(DenialCode::Unauthenticated | DenialCode::CredentialExpired),
            ..
        } => {
            anyhow!("your login is not valid any more; run `hoop login --email ADDRESS`")
        }
        Error::Refused { message, .. } => anyhow!("{connection}: {}", printable(&message)),
        error => lost(error),
    }
}

/// The error in a sentence for who is in the middle of a session.
pub(crate) fn lost(error: Error) -> anyhow::Error {
    match error {
        Error::Closed { message, .. } => anyhow!("the session ended: {}", printable(&message)),
        error @ (Error::Broken(_) | Error::Ended | Error::Silent { .. }) => {
            anyhow::Error::new(error).context("the connection to the gateway was lost")
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use hoop_domain::EndReason;

    use super::*;

    #[test]
    fn each_refusal_is_one_sentence_that_names_its_object() {
        let connection: ConnectionName = "pg".parse().unwrap();
        for (code, message, shown) in [
            (DenialCode::Unauthenticated, "wrong", "your login is not valid any more; run"),
            (DenialCode::AgentOffline, "the agent is offline", "pg: the agent is offline"),
        ] {
            let (message, review) = (message.into(), None);
            let refused = Error::Refused { code: Some(code), message, review };
            let sentence = format!("{:#}", explain(refused, &connection));
            assert!(sentence.starts_with(shown), "{sentence}");
        }
        let closed = Error::Closed { reason: EndReason::Killed, message: "by\u{7}e".into() };
        assert_eq!(lost(closed).to_string(), "the session ended: by\u{fffd}e");
        assert_eq!(lost(Error::Ended).to_string(), "the connection to the gateway was lost");
    }
}
