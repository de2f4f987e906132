//! Asking others over HTTP: with an end, up to a size, and without following them elsewhere.

use std::time::Duration;

use reqwest::{Client, Response, redirect::Policy};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read.
pub(crate) const LONGEST: usize = 1024 * 1024;

/// Who asks.
pub(crate) fn client() -> Result<Client, reqwest::Error> {
    Client::builder().timeout(PATIENCE).redirect(Policy::none()).build()
}

/// The body of an answer; `None` when it is longer than [`LONGEST`].
pub(crate) async fn body(response: &mut Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if LONGEST < body.len() + piece.len() {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body))
}
