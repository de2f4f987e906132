//! The REST API: health, clock, and who is signed in.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, StatusCode, header};
use serde_json::Value;

use super::{
    API,
    network::{Hops, Place, connect},
    report::{Broken, Report},
    settings::Known,
    tls,
};
use crate::{api::Error, output::field};

/// As much as a person's patience; the gateway answers from memory and two pings.
const TIMEOUT: Duration = Duration::from_secs(15);

/// More than the network takes, less than certificates and one-time passwords bear.
const LARGEST_DIFFERENCE: i64 = 30;

/// An answer that was not looked at closely yet.
struct Health {
    status: StatusCode,
    date: Option<String>,
    body: Value,
    at: DateTime<Utc>,
}

pub(super) async fn look(known: &Known, report: &mut Report) {
    if let Err(broken) = hops(known, report).await {
        report.skip(API, broken);
    }
}

/// The name of the hop at which it ended, if it did.
async fn hops(known: &Known, report: &mut Report) -> Result<(), &'static str> {
    let url = &known.api_url;
    let host = url.host_str().unwrap_or_default();
    let place = Place::new(host, url.port_or_known_default().unwrap_or(80));
    let fix = "start the gateway, open the port in the firewall, or correct the port with \
               `hoop config set api_url URL`";
    let names = Hops { dns: "api dns", tcp: "api tcp", fix: fix.into() };
    let stream = connect(&place, &names, report).await.ok_or("api tcp")?;
    if url.scheme() == "https" {
        let shaken = tls::shake(&place, stream, &[b"h2".as_slice(), b"http/1.1".as_slice()]).await;
        report.note("api tls", shaken).ok_or("api tls")?;
    } else {
        report.note("api tls", Ok(((), "none: the URL is http://".into())));
    }
    let health = ask(known).await;
    let (health, broken) = match health {
        Ok(health) => (health, "api health"),
        Err(broken) => {
            report.note::<()>("api health", Err(broken));
            return Err("api health");
        }
    };
    report.note("clock", clock(&health));
    report.note("api health", judge(&health)).ok_or(broken)?;
    report.note("sign-in", sign_in(known).await).ok_or("sign-in")
}

async fn ask(known: &Known) -> Result<Health, Broken> {
    let fix = "check the URL; LOG_GRPC=1 shows what passes";
    let no_client = |error: reqwest::Error| Broken::new(error.to_string(), fix);
    let client = Client::builder().timeout(TIMEOUT).build().map_err(no_client)?;
    let mut url = known.api_url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["api", "healthz"]);
    }
    let begun = Utc::now();
    let answer = client.get(url).send().await;
    let answer = answer.map_err(|error| {
        Broken::new(format!("GET /api/healthz is not answered: {}", error.without_url()), fix)
    })?;
    let at = begun + (Utc::now() - begun) / 2;
    let date = answer.headers().get(header::DATE).and_then(|value| value.to_str().ok());
    let (status, date) = (answer.status(), date.map(str::to_owned));
    let body = answer.bytes().await.unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Health { status, date, body, at })
}

fn judge(health: &Health) -> Result<((), String), Broken> {
    let part = |name| field(&health.body, name);
    let parts = [("postgres", part("postgres")), ("nats", part("nats"))];
    if parts.iter().all(|(_, state)| state.is_empty()) {
        let what = format!("GET /api/healthz is answered {} by no gateway", health.status);
        let fix = "check the URL; a proxy has to pass /api/ on to port 8009, unchanged";
        return Err(Broken::new(what, fix));
    }
    let down: Vec<_> =
        parts.iter().filter(|(_, state)| state != "OK").map(|(name, _)| *name).collect();
    if !down.is_empty() || !health.status.is_success() {
        let what = format!("the gateway can't reach its {}", down.join(" and "));
        return Err(Broken::new(what, "tell its operator; its log has the cause"));
    }
    Ok(((), "the gateway, its database and its broker are well".into()))
}

fn clock(health: &Health) -> Result<((), String), Broken> {
    let date = health.date.as_deref().and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    let Some(date) = date else {
        return Ok(((), "the gateway does not tell the time".into()));
    };
    let behind = date.signed_duration_since(health.at).num_seconds();
    if behind.abs() <= LARGEST_DIFFERENCE {
        return Ok(((), format!("{} s apart from the gateway's", behind.abs())));
    }
    let side = if behind < 0 { "ahead of" } else { "behind" };
    let what = format!("this machine is {} s {side} the gateway", behind.abs());
    Err(Broken::new(what, "set the clock, here or there; let NTP keep it"))
}

async fn sign_in(known: &Known) -> Result<((), String), Broken> {
    match known.api.get(&["userinfo"], &()).await {
        Ok(user) => Ok(((), format!("{} ({})", field(&user, "email"), field(&user, "role")))),
        Err(Error::SignedOut { message }) if known.token.is_some() => {
            Err(Broken::new(message, "run `hoop login --email ADDRESS`, or renew HOOP_TOKEN"))
        }
        Err(Error::SignedOut { .. }) => {
            Err(Broken::new("nobody is signed in", "run `hoop login --email ADDRESS`"))
        }
        Err(error) => Err(Broken::new(error.to_string(), "run this again")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn health(date: &str, body: Value) -> Health {
        let at = "2026-11-23T12:00:00Z".parse().unwrap();
        Health { status: StatusCode::OK, date: Some(date.into()), body, at }
    }

    #[test]
    fn a_clock_that_is_minutes_off_is_named() {
        let there = |date| clock(&health(date, Value::Null)).map_err(|broken| broken.what);
        assert!(there("Mon, 23 Nov 2026 12:00:20 GMT").is_ok());
        let ahead = there("Mon, 23 Nov 2026 11:50:00 GMT").unwrap_err();
        assert_eq!(ahead, "this machine is 600 s ahead of the gateway");
        let behind = there("Mon, 23 Nov 2026 13:00:00 GMT").unwrap_err();
        assert_eq!(behind, "this machine is 3600 s behind the gateway");
        assert!(there("yesterday").is_ok());
    }

    #[test]
    fn who_is_no_gateway_is_not_well() {
        let well = judge(&health("", json!({ "postgres": "OK", "nats": "OK" })));
        assert!(well.is_ok());
        let broken = judge(&health("", json!({ "postgres": "OK", "nats": "ERR" }))).unwrap_err();
        assert_eq!(broken.what, "the gateway can't reach its nats");
        assert!(judge(&health("", json!("hello"))).unwrap_err().what.ends_with("by no gateway"));
    }
}
