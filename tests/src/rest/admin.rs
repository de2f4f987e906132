//! What administrators do: agents, connections, credentials, users.

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Rest, text};
use crate::Access;

impl Rest {
    /// The same API, logged in.
    ///
    /// # Errors
    /// When the password is wrong.
    pub async fn login(&self, email: &str, password: &str) -> Result<Self> {
        let path = "/api/localauth/login";
        let body = json!({"email": email, "password": password});
        let answer = self.with_token(None).send(Method::POST, path, body).await?;
        ensure!(answer.status.is_success(), "the login was refused: {}", answer.body);
        let token = answer.token.clone().or_else(|| Some(text(&answer.body, "token").to_owned()));
        Ok(self.with_token(token.as_deref()))
    }

    /// Makes an agent; its `HOOP_KEY`.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn agent_create(&self, name: &str) -> Result<String> {
        let answer = self.post("/api/agents", json!({"name": name, "mode": "standard"})).await?;
        let key = text(&answer, "token");
        ensure!(key.contains("xagt-"), "no key in {answer}");
        Ok(key.to_owned())
    }

    /// The agent `name` as the API shows it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn agent(&self, name: &str) -> Result<Value> {
        let agents = self.get("/api/agents").await?;
        let agents = agents.as_array().context("the answer is no list")?;
        let found = agents.iter().find(|agent| text(agent, "name") == name);
        found.cloned().with_context(|| format!("there is no agent {name}"))
    }

    /// Makes a connection whose secret is `secret`, open to `groups`.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn connection_create(
        &self,
        name: &str,
        kind: &str,
        agent: &str,
        secret: &[(&str, &str)],
        groups: &[&str],
    ) -> Result<Value> {
        self.connection_create_with(name, kind, agent, secret, json!({ "groups": groups })).await
    }

    /// The same, with whatever else a connection has.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn connection_create_with(
        &self,
        name: &str,
        kind: &str,
        agent: &str,
        secret: &[(&str, &str)],
        more: Value,
    ) -> Result<Value> {
        let agent = self.agent(agent).await?;
        let secret: Map<String, Value> = secret
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::String(STANDARD.encode(value))))
            .collect();
        let mut body = json!({
            "name": name,
            "type": kind,
            "agent_id": text(&agent, "id"),
            "secret": secret,
            "groups": [],
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.post("/api/connections", body).await
    }

    /// A credential for the native port of the connection, valid for `seconds`.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn credential_create(&self, connection: &str, seconds: u64) -> Result<Access> {
        let path = format!("/api/connections/{connection}/credentials");
        let answer = self.post(&path, json!({"access_duration_seconds": seconds})).await?;
        let access = answer.get("connection_credentials").unwrap_or(&answer);
        Ok(Access {
            host: text(access, "hostname").to_owned(),
            port: text(access, "port").parse().context("the credential's port")?,
            username: text(access, "username").to_owned(),
            password: text(access, "password").to_owned(),
            database: text(access, "database_name").to_owned(),
        })
    }

    /// Makes a user who is in `groups`, and logs in as them.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn user_create(&self, email: &str, groups: &[&str]) -> Result<Self> {
        let password = "a-password-of-a-test";
        let body = json!({
            "email": email,
            "name": email,
            "password": password,
            "groups": groups,
        });
        self.post("/api/users", body).await?;
        self.login(email, password).await
    }
}
