//! AWS Secrets Manager, as moto plays it: signatures are looked at.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{S3, s3};

/// The region that it is in; it is in all of them.
pub const REGION: &str = "eu-central-1";

/// Requests that are taken without a look at who sends them: those that set it up, below.
const UNCHECKED: u32 = 5;

/// A Secrets Manager with one secret and one who may read it.
#[derive(Debug)]
pub struct SecretsManager {
    server: S3,
    /// The id of their key.
    pub key_id: String,
    /// The key.
    pub key: String,
}

/// Starts one that has the secret `name`, the object `secret` as text.
///
/// # Errors
/// When moto is not installed or does not start.
pub async fn secrets_manager(name: &str, secret: &Value) -> Result<SecretsManager> {
    let server = s3::checking_signatures(UNCHECKED).await?;
    let mut manager = SecretsManager { server, key_id: String::new(), key: String::new() };
    manager.people("Action=CreateUser&UserName=agent").await?;
    let made = manager.people("Action=CreateAccessKey&UserName=agent").await?;
    manager.key_id = between(&made, "<AccessKeyId>")?;
    manager.key = between(&made, "<SecretAccessKey>")?;
    let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22secretsmanager%3AGetSecretValue%22%2C%22Resource%22%3A%22*%22%7D%5D%7D";
    manager
        .people(&format!(
            "Action=PutUserPolicy&UserName=agent&PolicyName=read&PolicyDocument={policy}"
        ))
        .await?;
    manager.create(name, &secret.to_string()).await?;
    manager.create("not-json", "hunter2 is no object").await?;
    Ok(manager)
}

impl SecretsManager {
    /// Its endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    async fn create(&self, name: &str, text: &str) -> Result<()> {
        let body = json!({ "Name": name, "SecretString": text, "ClientRequestToken":
            "00000000-0000-0000-0000-000000000001" });
        let headers = "Content-Type: application/x-amz-json-1.1\r\n\
                       X-Amz-Target: secretsmanager.CreateSecret\r\n";
        self.send("secretsmanager", headers, &body.to_string()).await.map(drop)
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
