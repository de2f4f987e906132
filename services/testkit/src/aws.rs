//! AWS Secrets Manager and KMS, as moto plays them: signatures are looked at.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{S3, s3};

/// The region that they are in; they are in all of them.
pub const REGION: &str = "eu-central-1";

/// Requests that are taken without a look at who sends them: those that set it up, below.
const UNCHECKED: u32 = 5;

/// A service of AWS and one who may use it.
#[derive(Debug)]
pub struct Aws {
    server: S3,
    /// The id of their key.
    pub key_id: String,
    /// The key.
    pub key: String,
}

/// Starts a Secrets Manager that has the secret `name`, the object `secret` as text.
///
/// # Errors
/// When moto is not installed or does not start.
pub async fn secrets_manager(name: &str, secret: &Value) -> Result<Aws> {
    let aws = Aws::started("secretsmanager%3AGetSecretValue").await?;
    for (number, name, text) in
        [(1, name, secret.to_string()), (2, "not-json", "hunter2 is no object".to_owned())]
    {
        let body = json!({ "Name": name, "SecretString": text, "ClientRequestToken":
            format!("00000000-0000-0000-0000-{number:012}") });
        aws.ask("secretsmanager", "secretsmanager.CreateSecret", &body).await?;
    }
    Ok(aws)
}

/// Starts a KMS with one key; with it, what it makes of `plain`, a text in base64.
///
/// # Errors
/// When moto is not installed or does not start.
pub async fn kms(plain: &str) -> Result<(Aws, String)> {
    let aws = Aws::started("kms%3ADecrypt").await?;
    let made = aws.ask("kms", "TrentService.CreateKey", &json!({})).await?;
    let key = made.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).context("no key")?;
    let body = json!({ "KeyId": key, "Plaintext": plain });
    let wrapped = aws.ask("kms", "TrentService.Encrypt", &body).await?;
    let wrapped = wrapped.get("CiphertextBlob").and_then(Value::as_str).context("no ciphertext")?;
    Ok((aws, wrapped.to_owned()))
}

impl Aws {
    /// Starts moto with somebody who may do `action`.
    async fn started(action: &str) -> Result<Self> {
        let server = s3::checking_signatures(UNCHECKED).await?;
        let mut aws = Self { server, key_id: String::new(), key: String::new() };
        aws.people("Action=CreateUser&UserName=agent").await?;
        let made = aws.people("Action=CreateAccessKey&UserName=agent").await?;
        aws.key_id = between(&made, "<AccessKeyId>")?;
        aws.key = between(&made, "<SecretAccessKey>")?;
        let policy = format!(
            "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A\
             %22Allow%22%2C%22Action%22%3A%22{action}%22%2C%22Resource%22%3A%22*%22%7D%5D%7D"
        );
        let put = "Action=PutUserPolicy&UserName=agent&PolicyName=read";
        aws.people(&format!("{put}&PolicyDocument={policy}")).await?;
        Ok(aws)
    }

    /// Its endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What says where it is and who may use it, as AWS's own programs read it.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", self.key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.key.clone()),
        ]
    }

    async fn ask(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let headers =
            format!("Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: {target}\r\n");
        let answer = self.send(service, &headers, &body.to_string()).await?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
        Ok(serde_json::from_str(body)?)
    }

    async fn people(&self, form: &str) -> Result<String> {
        let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.send("iam", headers, &format!("{form}&Version=2010-05-08")).await
    }

    async fn send(&self, service: &str, headers: &str, body: &str) -> Result<String> {
        let port = self.server.port();
        let length = body.len();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/\
             aws4_request, SignedHeaders=host, Signature=0\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        ensure!(answer.starts_with("HTTP/1.1 2"), "{service}: {answer}");
        Ok(answer)
    }
}

fn between(answer: &str, tag: &str) -> Result<String> {
    let rest = answer.split_once(tag).map(|(_, rest)| rest);
    let value = rest.and_then(|rest| rest.split_once('<')).map(|(value, _)| value);
    Ok(value.with_context(|| format!("no {tag} in {answer}"))?.to_owned())
}
