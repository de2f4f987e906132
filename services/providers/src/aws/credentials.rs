//! Who this process is for AWS: keys in the environment, the role of the container, or that of
//! the machine, in this order.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::Secret;
use hoop_runtime::Env;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

use super::super::{Why, http};

/// Where containers and machines find their role; both addresses are AWS's own.
const CONTAINER: &str = "http://169.254.170.2";
const MACHINE: &str = "http://169.254.169.254";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// A machine that is none of AWS's has nobody at that address.
const NEARBY: Duration = Duration::from_secs(1);

/// Credentials of a role are renewed by AWS long before they end.
const EARLY: TimeDelta = TimeDelta::minutes(5);

/// Keys, and a token where they are those of a role.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: Secret<String>,
    pub(super) token: Option<Secret<String>>,
}

/// Where credentials come from.
#[derive(Debug, Default)]
pub(super) struct Source {
    fixed: Option<Credentials>,
    container: Option<Container>,
    no_machine: bool,
    /// Those of a role, and until when they are good.
    role: Mutex<Option<(Credentials, DateTime<Utc>)>>,
}

/// An address that gives a container its role.
#[derive(Debug)]
struct Container {
    url: String,
    authorization: Option<Secret<String>>,
    authorization_file: Option<String>,
}

impl Source {
    pub(super) fn from_env(env: &Env) -> Self {
        let fixed = env.foreign("AWS_ACCESS_KEY_ID").zip(env.foreign("AWS_SECRET_ACCESS_KEY"));
        let token = env.foreign("AWS_SESSION_TOKEN").map(Secret::new);
        let relative = env.foreign("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let relative = relative.map(|path| format!("{CONTAINER}{path}"));
        let url = relative.or_else(|| env.foreign("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
        let container = url.map(|url| Container {
            url,
            authorization: env.foreign("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::new),
            authorization_file: env.foreign("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        });
        let disabled = env.foreign("AWS_EC2_METADATA_DISABLED");
        Self {
            fixed: fixed.map(|(id, secret)| Credentials { id, secret: Secret::new(secret), token }),
            container,
            no_machine: disabled.is_some_and(|text| text.eq_ignore_ascii_case("true")),
            role: Mutex::default(),
        }
    }

    pub(super) async fn credentials(&self, client: &Client) -> Result<Credentials, Why> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.clone());
        }
        let known = self.role.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((credentials, until)) = known
            && Utc::now() + EARLY < until
        {
            return Ok(credentials);
        }
        let answer = match &self.container {
            Some(container) => container.ask(client).await?,
            None if self.no_machine => return Err(NOBODY),
            None => machine(client).await.map_err(|_| NOBODY)?,
        };
        let (credentials, until) = read(&answer).ok_or(NOBODY)?;
        let role = (credentials.clone(), until);
        *self.role.lock().unwrap_or_else(PoisonError::into_inner) = Some(role);
        Ok(credentials)
    }
}

const NOBODY: Why = Why::NotSetUp(
    "credentials for AWS: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor a role of its \
     container or machine",
);

impl Container {
    async fn ask(&self, client: &Client) -> Result<Value, Why> {
        let mut request = client.get(&self.url);
        if let Some(path) = &self.authorization_file {
            let unreadable = Why::Unusable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE can't be read");
            // It changes while a process runs.
            let token = tokio::fs::read_to_string(path).await.map_err(|_| unreadable)?;
            request = request.header("authorization", token.trim());
        } else if let Some(token) = &self.authorization {
            request = request.header("authorization", token.reveal());
        }
        json(request).await
    }
}

/// The role of the machine, as its second version wants to be asked.
async fn machine(client: &Client) -> Result<Value, Why> {
    let token = client
        .put(format!("{MACHINE}/latest/api/token"))
        .timeout(NEARBY)
        .header("x-aws-ec2-metadata-token-ttl-seconds", "60");
    let token = text(token).await?;
    let ask = |path: &str| {
        let request = client.get(format!("{MACHINE}{ROLES}{path}")).timeout(NEARBY);
        request.header("x-aws-ec2-metadata-token", token.reveal())
    };
    let role = text(ask("")).await?;
    let role = role.reveal().lines().next().unwrap_or_default().to_owned();
    json(ask(&role)).await
}

async fn text(request: RequestBuilder) -> Result<Secret<String>, Why> {
    let answer = http::send(request, "AWS's metadata").await?;
    if answer.status != StatusCode::OK {
        return Err(Why::Refused(format!("HTTP {}", answer.status.as_u16())));
    }
    Ok(Secret::new(String::from_utf8_lossy(answer.body.reveal()).into_owned()))
}

async fn json(request: RequestBuilder) -> Result<Value, Why> {
    let text = text(request).await?;
    let unusable = Why::Unusable("what AWS says of this process's role is no JSON");
    serde_json::from_str(text.reveal()).map_err(|_| unusable)
}

fn read(answer: &Value) -> Option<(Credentials, DateTime<Utc>)> {
    let field = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let credentials = Credentials {
        id: field("AccessKeyId")?,
        secret: Secret::new(field("SecretAccessKey")?),
        token: field("Token").map(Secret::new),
    };
    Some((credentials, field("Expiration")?.parse().ok()?))
}
