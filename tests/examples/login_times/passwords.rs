//! Passwords over REST.

use std::time::Instant;

use anyhow::{Result, ensure};
use hoop_tests::{Gateway, gateway::ADMIN};
use reqwest::Method;
use serde_json::json;

use crate::{
    ADDRESSES, TRIES,
    times::{Times, turns},
};

const CASES: [(&str, &str); 2] =
    [("a known account", ADMIN), ("an unknown account", "nobody@example.com")];

pub(crate) async fn measure(gateway: &Gateway) -> Result<()> {
    let mut times = Times::default();
    for address in 1..=ADDRESSES {
        let rest = gateway.rest.with_token(None).from_address([127, 0, 0, address])?;
        for round in 0..TRIES {
            for &(case, account) in turns(&CASES, round) {
                let login = json!({ "email": account, "password": "not the password" });
                let begun = Instant::now();
                let answer = rest.send(Method::POST, "/api/login", login).await?;
                times.note(case, begun.elapsed());
                ensure!(answer.status == 401, "{answer:?}");
            }
        }
    }
    times.print("a wrong password over REST")
}
