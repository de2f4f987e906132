//! Requests to providers: bounded in time and size, and no error repeats what was sent.

use std::{sync::OnceLock, time::Duration};

use hoop_domain::Secret;
use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};

use super::Why;

/// More than any of them lets a secret have.
const LARGEST: usize = 2 * 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(8);

/// A client that is made when it is needed first: most processes need none.
#[derive(Debug, Default)]
pub(super) struct Http(OnceLock<Client>);

/// An answer, whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Secret<Vec<u8>>,
}

impl Http {
    pub(super) fn client(&self) -> Result<&Client, Why> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        // A redirect would take a token to wherever it says.
        let client = Client::builder().redirect(Policy::none()).connect_timeout(CONNECT);
        let client = client.timeout(WHOLE).build();
        let client = client.map_err(|_| Why::Unusable("there is no TLS to ask it with"))?;
        Ok(self.0.get_or_init(|| client))
    }
}

/// Sends a request to `at`, which is what errors call it.
pub(super) async fn send(request: RequestBuilder, at: &str) -> Result<Answer, Why> {
    let lost = |source: reqwest::Error| Why::Unreachable {
        at: at.to_owned(),
        source: Some(source.without_url()),
    };
    let mut response = request.send().await.map_err(lost)?;
    let (status, mut body) = (response.status(), Vec::new());
    while let Some(piece) = response.chunk().await.map_err(lost)? {
        body.extend_from_slice(&piece);
        if LARGEST < body.len() {
            return Err(Why::Unusable("the answer is larger than 2 MiB"));
        }
    }
    Ok(Answer { status, body: Secret::new(body) })
}
