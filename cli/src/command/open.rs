//! Opens a session, and says what is wrong when that does not work.

pub(crate) mod command;

use anyhow::{Result, anyhow};
use hoop_client::{
    Error, dial,
    session::{self, Session},
    stream::Credentials,
};
use hoop_domain::{ConnectionName, DenialCode};

use crate::{context::Context, output::printable, spinner};

/// Opens a session to `connection`. `verb` is `connect` or `exec`.
pub(crate) async fn open(
    context: &Context,
    connection: &ConnectionName,
    verb: &str,
) -> Result<Session> {
    let gateway = context.gateway()?;
    let credentials = Credentials::user(context.token())?;
    let request = session::Request {
        connection: connection.to_string(),
        application: concat!("hoop/", env!("CARGO_PKG_VERSION")).into(),
        verb: verb.into(),
    };
    let opening = async {
        let channel = dial(&gateway, None).await?;
        session::open(channel, &credentials, request).await
    };
    let what = format!("waiting for {connection}");
    let opened = spinner::during(&what, opening).await;
    let session = opened.map_err(|error| explain(error, connection))?;
    tracing::Span::current().record("session", session.id.to_string());
    Ok(session)
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
            let refused = Error::Refused { code: Some(code), message: message.into() };
            let sentence = format!("{:#}", explain(refused, &connection));
            assert!(sentence.starts_with(shown), "{sentence}");
        }
        let closed = Error::Closed { reason: EndReason::Killed, message: "by\u{7}e".into() };
        assert_eq!(lost(closed).to_string(), "the session ended: by\u{fffd}e");
        assert_eq!(lost(Error::Ended).to_string(), "the connection to the gateway was lost");
    }
}
