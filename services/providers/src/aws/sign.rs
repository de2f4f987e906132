//! AWS's signature, version 4, for a POST with a body.

use aws_lc_rs::{digest, hmac};
use chrono::{DateTime, Utc};
use hoop_domain::Secret;
use reqwest::Url;

use super::credentials::Credentials;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What is to be signed.
pub(super) struct Request<'a> {
    pub(super) endpoint: &'a Url,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) target: &'a str,
    pub(super) content: &'a str,
    pub(super) body: &'a [u8],
}

/// The headers of a signed request, but for `host`, which is the URL's.
pub(super) fn headers(
    request: &Request<'_>,
    credentials: &Credentials,
    now: DateTime<Utc>,
) -> Vec<(&'static str, Secret<String>)> {
    let time = now.format("%Y%m%dT%H%M%SZ").to_string();
    let mut headers = vec![
        ("content-type", Secret::new(request.content.to_owned())),
        ("host", Secret::new(host(request.endpoint))),
        ("x-amz-date", Secret::new(time.clone())),
    ];
    if let Some(token) = &credentials.token {
        headers.push(("x-amz-security-token", token.clone()));
    }
    headers.push(("x-amz-target", Secret::new(request.target.to_owned())));

    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let canonical = canonical(request, &headers, &names);
    let day = now.format("%Y%m%d").to_string();
    let scope = format!("{day}/{}/{}/aws4_request", request.region, request.service);
    let to_sign =
        format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(canonical.reveal().as_bytes()));
    let key = [day.as_str(), request.region, request.service, "aws4_request"].into_iter().fold(
        Secret::new(format!("AWS4{}", credentials.secret.reveal()).into_bytes()),
        |key, part| Secret::new(mac(key.reveal(), part.as_bytes())),
    );
    let signature = hex(&mac(key.reveal(), to_sign.as_bytes()));
    let id = &credentials.id;
    let authorization = format!(
        "{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    headers.retain(|(name, _)| *name != "host");
    headers.push(("authorization", Secret::new(authorization)));
    headers
}

fn canonical(
    request: &Request<'_>,
    headers: &[(&str, Secret<String>)],
    names: &str,
) -> Secret<String> {
    let mut text = format!("POST\n{}\n\n", request.endpoint.path());
    for (name, value) in headers {
        text.push_str(&format!("{name}:{}\n", value.reveal().trim()));
    }
    text.push_str(&format!("\n{names}\n{}", sha256(request.body)));
    Secret::new(text)
}

/// As it is sent: with the port, where that is not the usual one.
fn host(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The derived key of AWS's own documentation; moto checks whole signatures, see
    /// `tests/e2e/secret_providers.rs`.
    #[test]
    fn the_key_is_derived_as_documented() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let key = ["20150830", "us-east-1", "iam", "aws4_request"]
            .into_iter()
            .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part.as_bytes()));
        let expected = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
        assert_eq!(hex(&key), expected);
    }

    #[test]
    fn a_token_is_signed_and_the_secret_is_nowhere() {
        let endpoint: Url = "http://127.0.0.1:4566/".parse().unwrap();
        let credentials = Credentials {
            id: "AKID".into(),
            secret: Secret::new("hunter2".into()),
            token: Some(Secret::new("session".into())),
        };
        let request = Request {
            endpoint: &endpoint,
            region: "eu-central-1",
            service: "secretsmanager",
            target: "t",
            content: "c",
            body: b"{}",
        };
        let headers = headers(&request, &credentials, DateTime::UNIX_EPOCH);
        let all: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.reveal())).collect();
        let all = all.join("\n");
        assert!(all.contains("x-amz-date: 19700101T000000Z"), "{all}");
        assert!(all.contains("host;x-amz-date;x-amz-security-token;x-amz-target"), "{all}");
        assert!(all.contains("Credential=AKID/19700101/eu-central-1/secretsmanager/"), "{all}");
        assert!(!all.contains("hunter2"), "{all}");
        assert_eq!(host(&endpoint), "127.0.0.1:4566");
    }
}
