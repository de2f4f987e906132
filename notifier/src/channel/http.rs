//! What all channels that speak HTTP have in common.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header::RETRY_AFTER};

use super::Failure;

/// More than any answer that we read has.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The HTTP client of all channels.
///
/// # Errors
/// When there is no TLS to be had.
pub fn client(patience: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .timeout(patience)
        // A redirect would take the event, and our secrets, to where nobody configured them
        // to go.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("hoop-notifier/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The URL in `text`, which may hold a secret.
pub(super) fn url(text: &str, what: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| Failure::temporary(format!("the channel's {what} is not a URL")))
}

/// An answer with a status of success, in whole; any other as a failure. One of `never` says
/// that the same request will never be welcome.
pub(super) async fn exchange(
    request: RequestBuilder,
    who: &str,
    never: &[StatusCode],
    now: DateTime<Utc>,
) -> Result<Vec<u8>, Failure> {
    let sent = request.send().await;
    // The URL may hold a token.
    let response = sent.map_err(|error| Failure::temporary(causes(&error.without_url())))?;
    let status = response.status();
    if !status.is_success() {
        return Err(Failure {
            why: format!("{who} answered {status}"),
            temporary: !never.contains(&status),
            pause: pause(&response, now),
        });
    }
    read(response).await
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(piece)) if body.len() + piece.len() <= LONGEST_ANSWER => {
                body.extend_from_slice(&piece);
            }
            // It was accepted; whoever reads the answer sees that it is none of theirs.
            Ok(Some(_)) => return Ok(body),
            Err(error) => return Err(Failure::temporary(causes(&error.without_url()))),
        }
    }
}

/// What the other side asks for in `Retry-After`.
fn pause(response: &Response, now: DateTime<Utc>) -> Option<Duration> {
    read_pause(response.headers().get(RETRY_AFTER)?.to_str().ok()?, now)
}

/// Seconds, or a date.
fn read_pause(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    // A date that has passed asks for no pause.
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

/// The client's errors name their cause only as source.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        next = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use hoop_domain::time::from_micros;

    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_as_a_date() {
        let now = from_micros(784_111_777 * 1_000_000);
        let read = |text| read_pause(text, now);
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
    }
}
