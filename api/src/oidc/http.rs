//! Asking the provider, as the library wants it.

use std::pin::Pin;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use crate::outward;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Http(reqwest::Client);

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("no answer")]
    None(#[source] reqwest::Error),
    #[error("the answer is longer than 1 MiB")]
    TooLong,
    #[error("the request or the answer is malformed")]
    Malformed(#[from] http::Error),
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        // The URL may hold what is nobody's business.
        Self::None(error.without_url())
    }
}

impl Http {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        outward::client().map(Self)
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let mut response = self.0.execute(request.try_into()?).await?;
        let mut answer = http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        let body = outward::body(&mut response).await?.ok_or(Error::TooLong)?;
        Ok(answer.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}
