//! Bearer tokens over REST.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use hoop_tests::Gateway;
use reqwest::Method;
use serde_json::{Value, json};

use crate::times::{Times, turns};

const ROUNDS: usize = 500;

pub(crate) async fn measure(gateway: &Gateway) -> Result<()> {
    // It keeps its connection: a new one each time would take longer than the answer.
    let rest = gateway.rest.from_address([127, 0, 0, 1])?;
    let unknown = format!("hpl_{}", "A".repeat(43));
    let mut cases = vec![("an unknown token", rest.with_token(Some(&unknown)))];
    for (case, name) in [
        ("a revoked token", "revoked"),
        ("an expired token", "expired"),
        ("one of an inactive user", "inactive"),
    ] {
        let token = token(gateway, name).await?;
        cases.push((case, rest.with_token(Some(&token))));
    }
    let mut times = Times::default();
    for round in 0..ROUNDS {
        for &(case, ref rest) in turns(&cases, round) {
            let begun = Instant::now();
            let answer = rest.send(Method::GET, "/api/userinfo", Value::Null).await?;
            times.note(case, begun.elapsed());
            ensure!(answer.status == 401, "{case}: {answer:?}");
        }
    }
    times.print("a bearer token that is not good")
}

/// A token of somebody's, which is `name`.
async fn token(gateway: &Gateway, name: &str) -> Result<String> {
    let email = format!("{name}@example.com");
    let user = gateway.rest.user_create(&email, &[]).await?;
    let theirs = format!("user_id = (SELECT id FROM users WHERE email = '{email}')");
    match name {
        "revoked" => {
            gateway.run_on_state(&format!("DELETE FROM api_tokens WHERE {theirs}")).await?;
        }
        "expired" => {
            let past = "UPDATE api_tokens SET expires_at = now() - interval '1 second'";
            gateway.run_on_state(&format!("{past} WHERE {theirs}")).await?;
        }
        _ => {
            let path = format!("/api/users/{email}");
            let answer = gateway.rest.send(Method::PUT, &path, json!({ "status": name })).await?;
            ensure!(answer.status.is_success(), "{answer:?}");
        }
    }
    Ok(user.token().context("not signed in")?.to_owned())
}
