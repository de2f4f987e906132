//! AWS Secrets Manager: one signed request, without AWS's own libraries, which are larger than
//! all of the agent.

mod credentials;
mod sign;

use hoop_runtime::Env;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use super::{
    Parts, Why,
    http::{self, Http},
    parts_of,
};
use credentials::Source;

const TARGET: &str = "secretsmanager.GetSecretValue";
const CONTENT: &str = "application/x-amz-json-1.1";

/// Secrets Manager in one region, with what says who the agent is.
#[derive(Debug, Default)]
pub(super) struct SecretsManager {
    http: Http,
    region: Option<String>,
    endpoint: Option<String>,
    source: Source,
}

impl SecretsManager {
    /// Reads the variables that AWS's own programs read.
    pub(super) fn from_env(env: &Env) -> Self {
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| env.foreign(name));
        Self {
            http: Http::default(),
            region: first(["AWS_REGION", "AWS_DEFAULT_REGION"]),
            endpoint: first(["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"]),
            source: Source::from_env(env),
        }
    }

    pub(super) async fn read(&self, name: &str) -> Result<Parts, Why> {
        let region = self.region.as_deref().ok_or(Why::NotSetUp("AWS_REGION"))?;
        let endpoint = self.endpoint(region)?;
        let client = self.http.client()?;
        let credentials = self.source.credentials(client).await?;
        let body = json!({ "SecretId": name }).to_string();
        let signed = sign::headers(
            &sign::Request {
                endpoint: &endpoint,
                region,
                target: TARGET,
                content: CONTENT,
                body: body.as_bytes(),
            },
            &credentials,
            chrono::Utc::now(),
        );
        let mut request = client.post(endpoint).body(body);
        for (name, value) in &signed {
            request = request.header(*name, value.reveal());
        }
        let at = format!("AWS Secrets Manager in {region}");
        let answer = http::send(request, &at).await?;
        let parsed: Value = serde_json::from_slice(answer.body.reveal()).unwrap_or_default();
        if answer.status != StatusCode::OK {
            return Err(refused(answer.status, &parsed));
        }
        match parsed.get("SecretString").and_then(Value::as_str) {
            Some(text) => parts_of(text),
            None => Err(Why::Unusable("the secret holds bytes, and no JSON object with keys")),
        }
    }

    fn endpoint(&self, region: &str) -> Result<Url, Why> {
        let unusable = Why::Unusable("AWS_REGION or AWS_ENDPOINT_URL makes no URL");
        let plain = region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let usual = || format!("https://secretsmanager.{region}.{domain}/");
        let url = self.endpoint.clone().unwrap_or_else(usual);
        url.parse().ok().filter(|_| plain).ok_or(unusable)
    }
}

/// What kind of error it is: its name is no secret, its sentence may hold anything.
fn refused(status: StatusCode, answer: &Value) -> Why {
    let kind = answer.get("__type").and_then(Value::as_str).unwrap_or_default();
    let kind = kind.rsplit('#').next().unwrap_or_default();
    match kind {
        "ResourceNotFoundException" => Why::NoSecret,
        kind if !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric()) => {
            Why::Refused(kind.to_owned())
        }
        _ => Why::Refused(format!("HTTP {}", status.as_u16())),
    }
}
