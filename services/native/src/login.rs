//! Proving who the client is: SCRAM, and nothing else. No password comes this way.

use std::sync::Arc;

use hoop_wire::postgres::{
    auth::{self, Request},
    scram::{Mechanism, Server, Verifier},
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    client::{Client, Error},
    error::Refusal,
    figures,
    guesses::Guesses,
};

/// Proof that a client knows the password of a credential.
///
/// Only the SCRAM exchange in this module makes one, and opening a session takes one by
/// value, so there is no way around the password that compiles.
#[derive(Debug)]
#[must_use = "a proof that is dropped opens nothing"]
pub struct Authenticated {
    username: String,
}

impl Authenticated {
    /// The credential that was proved.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }
}

/// A client that has proved itself, and what is still to be sent to it: our own proof.
#[derive(Debug)]
pub(crate) struct Proved {
    pub(crate) proof: Authenticated,
    pub(crate) unsent: Vec<u8>,
}

/// Runs the exchange. A user that does not exist goes through the same steps: its verifier
/// is made up, and no password fits.
///
/// `unsent` are messages that go out before the first of ours, in the same write. `wrong` runs
/// when the password is.
pub(crate) async fn prove<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut Client<S>,
    guesses: &Guesses<'_>,
    verifier: Verifier,
    certificate: Option<Arc<[u8]>>,
    mut unsent: Vec<u8>,
    wrong: impl Future<Output = ()>,
) -> Result<Proved, Error> {
    let offered = Mechanism::offered(certificate.is_some());
    let names = offered.iter().map(|mechanism| mechanism.as_str().to_owned()).collect();
    Request::Sasl(names).encode(&mut unsent);
    client.send(&unsent).await?;

    let first = client.answer().await?;
    let (name, data) = auth::decode_sasl_initial_response(&first.body)
        .ok_or_else(|| malformed("the first SASL message is malformed"))?;
    let mechanism = offered
        .iter()
        .find(|mechanism| mechanism.as_str() == name)
        .ok_or_else(|| malformed("the client chose a SASL mechanism that was not offered"))?;
    let data = data.ok_or_else(|| malformed("the first SASL message is empty"))?;
    let username = guesses.username;
    let failed = |error| Refusal::scram(error, username);
    let (server, answer) =
        Server::start(verifier, *mechanism, certificate.as_deref(), data).map_err(failed)?;
    let mut out = Vec::new();
    Request::SaslContinue(answer).encode(&mut out);
    client.send(&out).await?;

    let last = client.answer().await?;
    let attempt = guesses.begin().await?;
    let signature = match server.finish(&last.body) {
        Ok(signature) => signature,
        Err(error) => {
            figures::login("wrong");
            return Err(guesses.wrong(failed(error), wrong).await);
        }
    };
    figures::login("right");
    guesses.succeeded(attempt);
    out.clear();
    Request::SaslFinal(signature).encode(&mut out);
    Ok(Proved { proof: Authenticated { username: username.to_owned() }, unsent: out })
}

fn malformed(sentence: &str) -> Refusal {
    Refusal::new("08P01", sentence)
}
