//! From a proven client to a target that waits for queries.

use std::{net::SocketAddr, time::Duration};

use hoop_domain::{DenialCode, EndReason};
use hoop_wire::postgres::startup::{CancelKey, Startup};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::timeout,
};

use crate::{
    Denied, FromTarget, Gateway, OpenRequest, SessionRx, SessionTx, ToTarget,
    client::{Client, Error},
    error::Refusal,
    login::Authenticated,
    notices::Notices,
};

/// How long the gateway may take to decide and to bring the agent in: one that is embedded
/// is waited for. The gateway gives up before that and says why.
const OPENING: Duration = Duration::from_secs(60);

/// How long the agent may take to reach the target and log in. The agent gives up before
/// that and says why; this is for an agent that doesn't.
const REACH: Duration = Duration::from_secs(45);

/// What a client may send before it is told that we are ready. None does.
const MOST_AHEAD: usize = 16 * 1024;

/// An open session.
pub(super) struct Opened<Tx, Rx> {
    pub(super) tx: Tx,
    pub(super) rx: Rx,
    /// What the target announced.
    pub(super) parameters: Vec<(String, String)>,
    /// What the gateway had to say meanwhile.
    pub(super) notices: Notices,
}

/// Replication is another protocol under the same start-up message.
pub(super) fn refuse_replication(startup: &Startup) -> Result<(), Refusal> {
    match startup.parameter("replication").map(str::to_ascii_lowercase).as_deref() {
        None | Some("false" | "off" | "no" | "0" | "f" | "n" | "of") => Ok(()),
        Some(_) => Err(Refusal::new("0A000", "replication connections are not supported")),
    }
}

/// The gateway doesn't answer: nobody is let in.
pub(super) fn undecided() -> Denied {
    Denied::new(DenialCode::DeciderUnavailable)
}

/// Asks the gateway for a session and the session for the target. A client that hangs up
/// meanwhile ends it.
pub(super) async fn open<G: Gateway, S>(
    gateway: &G,
    client: &mut Client<S>,
    startup: &Startup,
    proof: Authenticated,
    client_address: SocketAddr,
    key: &CancelKey,
) -> Result<Opened<G::Tx, G::Rx>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let request = OpenRequest {
        proof,
        database: startup.database.clone(),
        client_address,
        application: startup.parameter("application_name").unwrap_or_default().to_owned(),
        cancel_key: key.to_bytes(),
    };
    let opening = async {
        let (tx, rx) = timeout(OPENING, gateway.open(request)).await.map_err(|_| undecided())??;
        timeout(REACH, reach(tx, rx, startup))
            .await
            .map_err(|_| Refusal::not_opened(EndReason::AgentUnresponsive, ""))?
    };
    tokio::select! {
        outcome = opening => outcome,
        gone = hang_up(client) => Err(gone),
    }
}

async fn reach<Tx: SessionTx, Rx: SessionRx>(
    mut tx: Tx,
    mut rx: Rx,
    startup: &Startup,
) -> Result<Opened<Tx, Rx>, Error> {
    let parameters =
        startup.parameters.iter().filter(|(name, _)| name != "replication").cloned().collect();
    // If the session has ended, `recv` says why.
    let _ = tx.send(ToTarget::Open { parameters }).await;
    let mut notices = Notices::default();
    loop {
        match rx.recv().await {
            FromTarget::Ready { parameters } => {
                return Ok(Opened { tx, rx, parameters, notices });
            }
            FromTarget::Notice(sentence) => notices.push(sentence),
            // Nothing can come before the target is ready; if it does, it is not for us.
            FromTarget::Data(_) => {}
            FromTarget::Failed { reason, message } | FromTarget::Ended { reason, message } => {
                return Err(Refusal::not_opened(reason, &message).into());
            }
        }
    }
}

/// Waits until the client hangs up. What it sends meanwhile is kept, up to a bound.
async fn hang_up<S: AsyncRead + Unpin>(client: &mut Client<S>) -> Error {
    while client.buffer.len() < MOST_AHEAD {
        let mut ahead = [0; 64];
        match client.io.read(&mut ahead).await {
            Ok(0) => return Error::HungUp,
            Ok(length) => client.buffer.extend_from_slice(ahead.get(..length).unwrap_or_default()),
            Err(error) => return error.into(),
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoop_wire::postgres::startup::Version;

    #[test]
    fn replication_is_refused_unless_it_is_off() {
        let check = |value: &str| {
            refuse_replication(&Startup {
                requested: Version::V3_0,
                user: "a".into(),
                database: "a".into(),
                parameters: vec![("replication".into(), value.into())],
                options: vec![],
            })
            .map_err(|refusal| refusal.sqlstate)
        };
        for value in ["true", "on", "1", "database", "yes", "anything"] {
            assert_eq!(check(value), Err("0A000"), "{value}");
        }
        for value in ["false", "off", "0", "NO"] {
            assert_eq!(check(value), Ok(()), "{value}");
        }
    }
}
