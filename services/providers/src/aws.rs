//! AWS Secrets Manager and KMS: one signed request each, without AWS's own libraries, which are
//! larger than all of the agent.

mod credentials;
mod sign;

use hoop_domain::Secret;
use hoop_runtime::Env;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use super::{
    Parts, Why,
    http::{self, Http},
    parts_of,
};
use credentials::Source;

const CONTENT: &str = "application/x-amz-json-1.1";

/// AWS in one region, with what says who this process is.
#[derive(Debug, Default)]
pub(super) struct Aws {
    http: Http,
    region: Option<String>,
    /// Addresses that are not AWS's usual ones.
    secrets_manager: Option<String>,
    kms: Option<String>,
    source: Source,
}

/// One of AWS's services, with the one thing that is asked of it.
#[derive(Debug, Clone, Copy)]
enum Service {
    SecretsManager,
    Kms,
}

impl Service {
    /// Its name in addresses and signatures.
    fn name(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Kms => "kms",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::SecretsManager => "AWS Secrets Manager",
            Self::Kms => "AWS KMS",
        }
    }

    fn target(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager.GetSecretValue",
            Self::Kms => "TrentService.Decrypt",
        }
    }
}

impl Aws {
    /// Reads the variables that AWS's own programs read.
    pub(super) fn from_env(env: &Env) -> Self {
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| env.foreign(name));
        Self {
            http: Http::default(),
            region: first(["AWS_REGION", "AWS_DEFAULT_REGION"]),
            secrets_manager: first(["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"]),
            kms: first(["AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"]),
            source: Source::from_env(env),
        }
    }

    /// The parts of a secret.
    pub(super) async fn secret(&self, name: &str) -> Result<Parts, Why> {
        let answer = self.ask(Service::SecretsManager, &json!({ "SecretId": name })).await?;
        match answer.get("SecretString").and_then(Value::as_str) {
            Some(text) => parts_of(text),
            None => Err(Why::Unusable("the secret holds bytes, and no JSON object with keys")),
        }
    }

    /// What `wrapped`, a ciphertext in base64, is; in base64, too. KMS finds the key itself;
    /// with `key` it uses no other.
    pub(super) async fn decrypt(
        &self,
        key: Option<&str>,
        wrapped: &str,
    ) -> Result<Secret<String>, Why> {
        let mut body = json!({ "CiphertextBlob": wrapped });
        if let (Some(key), Some(fields)) = (key, body.as_object_mut()) {
            fields.insert("KeyId".into(), key.into());
        }
        let mut answer = self.ask(Service::Kms, &body).await?;
        match answer.get_mut("Plaintext").map(Value::take) {
            Some(Value::String(text)) => Ok(Secret::new(text)),
            _ => Err(Why::Unusable("AWS KMS answered without a plaintext")),
        }
    }

    async fn ask(&self, service: Service, body: &Value) -> Result<Value, Why> {
        let region = self.region.as_deref().ok_or(Why::NotSetUp("AWS_REGION"))?;
        let endpoint = self.endpoint(service, region)?;
        let client = self.http.client()?;
        let credentials = self.source.credentials(client).await?;
        let body = body.to_string();
        let signed = sign::headers(
            &sign::Request {
                endpoint: &endpoint,
                region,
                service: service.name(),
                target: service.target(),
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
        let at = format!("{} in {region}", service.title());
        let answer = http::send(request, &at).await?;
        let parsed: Value = serde_json::from_slice(answer.body.reveal()).unwrap_or_default();
        match answer.status {
            StatusCode::OK => Ok(parsed),
            status => Err(refused(status, &parsed)),
        }
    }

    fn endpoint(&self, service: Service, region: &str) -> Result<Url, Why> {
        let unusable = Why::Unusable("AWS_REGION or AWS_ENDPOINT_URL makes no URL");
        let plain = region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let usual = || format!("https://{}.{region}.{domain}/", service.name());
        let other = match service {
            Service::SecretsManager => &self.secrets_manager,
            Service::Kms => &self.kms,
        };
        let url = other.clone().unwrap_or_else(usual);
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
